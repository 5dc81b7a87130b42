"""Rendering of thumbnails and placeholders in separate threads, with one queue for both."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

from xaccel._core import Cache, Spec, Thumbnail, available_parallelism
from xaccel._log import fields, one_line
from xaccel._observing import observer, phase
from xaccel.config import Config
from xaccel.exceptions import (
    CorruptImage,
    ImageTooLarge,
    RenderStopped,
    StorageUnavailable,
    ThumbnailError,
)
from xaccel.thumbnails.backends import (
    EncoderSettings,
    Job,
    PlaceholderJob,
    RenderJob,
    RenderThreads,
)
from xaccel.thumbnails.failures import Failures
from xaccel.thumbnails.rows import PlaceholderKind
from xaccel.thumbnails.sandboxed import sandbox
from xaccel.thumbnails.sources.base import Image, Original
from xaccel.thumbnails.turns import RenderQueue

_logger = logging.getLogger("xaccel.thumbnails")

T = TypeVar("T")


class Renderer:
    """Renders with the app's settings, at most `THUMBNAIL_WORKERS` images at a time.

    Args:
        config: The settings.
        cache: The cache through which all processes share a queue; see `RenderQueue`.
    """

    def __init__(self, config: Config, cache: Cache | None) -> None:
        workers = config.thumbnail_workers or available_parallelism()
        self._config = config
        self._encoder = EncoderSettings.of(config)
        self._limits = config.limits()
        self._decoders = config.thumbnail_decoders
        self._fonts = config.thumbnail_fonts
        self._timeout = config.thumbnail_timeout
        self._observer = observer(config)
        self._queue = RenderQueue(cache, workers=workers, length=config.thumbnail_queue)
        self._backend = sandbox(config) or RenderThreads(workers)
        self.failures = Failures(config.thumbnail_cache if cache is not None else None)
        """The images that recently failed to render."""

    def render(self, original: Original, name: str, spec: Spec, image_format: str) -> Thumbnail:
        """Wait for a turn, then render the thumbnail.

        Args:
            original: The original image.
            name: The name of the image.
            spec: What the thumbnail looks like.
            image_format: The format of the thumbnail.

        Raises:
            Overloaded: Too many requests are already waiting.
            StorageUnavailable: The original can't be read.
            ThumbnailError: The image can't be rendered, or recently failed.
        """
        budget = _Budget(self._timeout)
        self._config.check_watermark(spec)

        def job(image: Image, *, is_partial: bool = False) -> Job[Thumbnail]:
            watermark = self._config.thumbnail_watermarks.get(spec.watermark or "")
            return RenderJob(
                image,
                spec,
                image_format,
                self._encoder,
                watermark,
                self._limits,
                self._decoders,
                self._fonts,
                is_partial,
            )

        if original.stream is not None:
            partial = job(original.image, is_partial=True)
            try:
                return self._in_turn(partial, original, name, budget, is_last=False)
            except CorruptImage:
                # The start of the image may not be enough. Read the whole image, unless another
                # request has found that it is broken. Meanwhile, other requests can render.
                self.failures.check(name, lambda: original.state)
        return self._in_turn(job(self._whole(original, name)), original, name, budget)

    def placeholder(
        self, original: Original, name: str, kind: PlaceholderKind | None = None
    ) -> str:
        """Wait for a turn, then make the placeholder of an image.

        Args:
            original: The original image.
            name: The name of the image.
            kind: The kind of the placeholder; `None` for a `data:` URI.

        Raises:
            Overloaded: Too many requests are already waiting.
            StorageUnavailable: The original can't be read.
            ThumbnailError: The image can't be decoded, or recently failed.
        """
        image = self._whole(original, name)
        job = PlaceholderJob(image, kind, self._limits, self._decoders, self._fonts)
        return self._in_turn(job, original, name, _Budget(self._timeout))

    def _whole(self, original: Original, name: str) -> Image:
        try:
            with phase(self._observer, "fetch"):
                return original.whole()
        except ThumbnailError as error:
            self.failures.remember(name, original.state, error)
            raise

    def _in_turn(
        self, job: Job[T], original: Original, name: str, budget: _Budget, *, is_last: bool = True
    ) -> T:
        with ExitStack() as turn:
            with phase(self._observer, "wait"):
                turn.enter_context(self._queue.turn())
            # Another request may have tried this image in the meantime.
            self.failures.check(name, lambda: original.state)
            start = time.monotonic()
            try:
                with phase(self._observer, "render", job.image_format):
                    result = self._backend.submit(job, start + budget.seconds)
                    parts = _parts(result, time.monotonic() - start)
                    if self._observer is not None and parts is not None:
                        self._observer.rendered(*parts)
            except ThumbnailError as error:
                if self._observer is not None and isinstance(error, RenderStopped):
                    self._observer.sandbox_kill(error.layer)
                # Images that exceed a limit are rejected immediately, so remembering them has no
                # benefit.
                if not isinstance(error, ImageTooLarge) and (
                    is_last or not isinstance(error, CorruptImage)
                ):
                    self.failures.remember(name, original.state, error)
                raise
            except OSError as error:
                raise StorageUnavailable(f"{name!r} can't be read: {error}") from error
            finally:
                seconds = time.monotonic() - start
                budget.seconds -= seconds
        _logger.debug(
            "made %s of %r in %.0f ms",
            one_line(job),
            name,
            1000 * seconds,
            extra=fields(
                "rendered",
                source=name,
                spec=str(job),
                format=job.image_format,
                seconds=seconds,
                decode_seconds=None if parts is None else parts[0],
                encode_seconds=None if parts is None else parts[1],
            ),
        )
        return result


def _parts(result: object, seconds: float) -> tuple[float, float] | None:
    """Return how many seconds it took to decode the source and to encode the thumbnail, if known.

    Args:
        result: The result of a job.
        seconds: How many seconds the job took. An attacker may have forged the times in `result`.
    """
    if not isinstance(result, Thumbnail):
        return None
    decode_seconds, encode_seconds = result.decode_seconds, result.encode_seconds
    if decode_seconds is None or encode_seconds is None:
        return None
    return (decode_seconds, encode_seconds) if decode_seconds + encode_seconds <= seconds else None


@dataclass(slots=True)
class _Budget:
    """The total time that one image may take, in all its turns together."""

    seconds: float
