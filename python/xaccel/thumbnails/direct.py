"""Reads and renders images for the app's own code, which waits for the result.

Unlike the endpoint, this module does not use the queue, the cache or the list of broken images.
"""

from __future__ import annotations

import time
from typing import TypeVar

from xaccel._core import ImageInfo, Spec, StreamedSource, Thumbnail
from xaccel.config import Config
from xaccel.thumbnails.backends import (
    EncoderSettings,
    Job,
    PlaceholderJob,
    ProbeJob,
    RenderJob,
)
from xaccel.thumbnails.rows import PlaceholderKind
from xaccel.thumbnails.sandboxed import sandbox
from xaccel.thumbnails.sources.base import Image

T = TypeVar("T")


def in_memory(content: bytes) -> Image:
    """Return an image with this content."""
    image = StreamedSource(len(content))
    image.feed(content)
    return image


class DirectRenderer:
    """Decodes images with an app's settings, in the sandbox or, without a sandbox, in this thread.

    All methods raise these errors:

    - `ThumbnailError`: The image can't be decoded.
    - `FileNotFound`: The image no longer exists.
    - `WorkerLost`: The worker was killed from outside.
    - `OSError`: The image can't be read.

    Args:
        config: The settings.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._limits = config.limits()
        self._decoders = config.thumbnail_decoders
        self._fonts = config.thumbnail_fonts
        self._sandbox = sandbox(config)

    def probe(self, image: Image) -> ImageInfo:
        """Read the header of a complete image, or of the start of an image."""
        return self._run(ProbeJob(image, self._limits, self._decoders, self._fonts))

    def placeholder(self, image: Image, kind: PlaceholderKind) -> str:
        """Make the placeholder of an image."""
        return self._run(PlaceholderJob(image, kind, self._limits, self._decoders, self._fonts))

    def render(self, image: Image, spec: Spec, image_format: str) -> Thumbnail:
        """Render a thumbnail."""
        config = self._config
        config.check_watermark(spec)
        watermark = config.thumbnail_watermarks.get(spec.watermark or "")
        encoder = EncoderSettings.of(config)
        return self._run(
            RenderJob(
                image,
                spec,
                image_format,
                encoder,
                watermark,
                self._limits,
                self._decoders,
                self._fonts,
            )
        )

    def _run(self, job: Job[T]) -> T:
        timeout = self._config.thumbnail_timeout
        if self._sandbox is None:
            return job.run(timeout)
        return self._sandbox.submit(job, time.monotonic() + timeout)
