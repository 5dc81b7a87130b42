"""The interface of backends, and the backend that runs renders in threads of this process.

A backend has one method, `submit(job, deadline)`. For each turn (see `turns`), at most one thread
at a time calls this method.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from inspect import signature
from typing import Protocol, Self, TypeVar

from xaccel._core import (
    ImageInfo,
    JobEncoder,
    Limits,
    Spec,
    Thumbnail,
    Watermark,
    placeholder,
    probe,
    render,
)
from xaccel.config import Config, Subsampling
from xaccel.thumbnails.rows import PlaceholderKind, placeholder_text
from xaccel.thumbnails.sources.base import Image

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_LIMITS = tuple(signature(Limits).parameters)

_PLACEHOLDERS: dict[PlaceholderKind | None, re.Pattern[str]] = {
    None: re.compile("data:image/[a-z]{3,4};base64,[A-Za-z0-9+/=]{1,8192}"),
    "thumbhash": re.compile("[A-Za-z0-9+/=]{1,36}"),
    "blurhash": re.compile(r"[A-Za-z0-9#$%*+,\-.:;=?@\[\]^_{|}~]{28}"),
    "color": re.compile("#[0-9a-f]{6}"),
    "palette": re.compile("#[0-9a-f]{6}(, #[0-9a-f]{6}){0,4}"),
}
"""The valid forms of placeholders, which pages contain in CSS."""


class Job(Protocol[T_co]):
    """A unit of work on one image, with everything that is needed to run it anywhere."""

    @property
    def image(self) -> Image:
        """The image, or the start of a JPEG."""

    @property
    def is_partial(self) -> bool:
        """Whether `image` is only the start of a JPEG."""

    @property
    def image_format(self) -> str:
        """The format of the thumbnail; empty if the job does not make a thumbnail."""

    def run(self, timeout: float) -> T_co:
        """Run the job in this thread, within the given number of seconds.

        Raises:
            ThumbnailError: The image can't be rendered.
            FileNotFound: The image no longer exists.
            OSError: The image can't be read.
        """

    def encode(
        self, encoder: JobEncoder, path: str | None, start: int | None, timeout: float
    ) -> bytes:
        """Return the message that tells a sandbox worker to run the job.

        Args:
            encoder: The encoder for the worker.
            path: The path of the image in messages.
            start: The number of bytes in the image, if it is only the start of a JPEG.
            timeout: The number of seconds that the job may take.
        """

    def accepts(self, result: object) -> bool:
        """Whether a value can be the result of the job. An attacker may have chosen the value."""


class Backend(Protocol):
    """Runs jobs."""

    def submit(self, job: Job[T], deadline: float) -> T:
        """Run a job, and wait until it is done.

        Args:
            job: The job.
            deadline: The value of `time.monotonic()` by which the job must be done.

        Raises:
            RenderTimeout: The job was not done in time.
            ThumbnailError: The image can't be rendered.
            FileNotFound: The image no longer exists.
            WorkerLost: The process that ran the job was killed from outside.
            OSError: The image can't be read.
        """


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """The encoding options to use if a thumbnail's spec does not set them."""

    quality: Mapping[str, int]
    """The quality of each format."""
    quality_target: int
    """The SSIMULACRA2 score for the quality `auto`."""
    progressive: bool
    subsampling: Subsampling
    avif_speed: int | None

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return the options in an app's settings."""
        return cls(
            quality=config.thumbnail_quality,
            quality_target=config.thumbnail_quality_target,
            progressive=config.thumbnail_progressive,
            subsampling=config.thumbnail_subsampling,
            avif_speed=config.thumbnail_avif_speed,
        )


@dataclass(frozen=True, slots=True)
class RenderJob:
    """Renders a thumbnail."""

    image: Image
    """The image, or the start of a JPEG."""
    spec: Spec
    image_format: str
    encoder: EncoderSettings
    watermark: Watermark | None
    """The watermark that the spec names."""
    limits: Limits
    decoders: tuple[str, ...] | None
    """The enabled decoders for other formats; see `Config.thumbnail_decoders`."""
    fonts: tuple[str, ...] | None
    """The fonts for text in SVG images; see `Config.thumbnail_fonts`."""
    is_partial: bool = False
    """Whether `image` is only the start of a JPEG."""

    def run(self, timeout: float) -> Thumbnail:
        """See `Job.run`."""
        return render(
            self.image,
            self.spec,
            format=self.image_format,
            quality=self.encoder.quality,
            quality_target=self.encoder.quality_target,
            progressive=self.encoder.progressive,
            subsampling=self.encoder.subsampling,
            avif_speed=self.encoder.avif_speed,
            watermark=self.watermark,
            limits=_with_timeout(self.limits, timeout),
            decoders=self.decoders,
            fonts=self.fonts,
            is_partial=self.is_partial,
        )

    def encode(
        self, encoder: JobEncoder, path: str | None, start: int | None, timeout: float
    ) -> bytes:
        """See `Job.encode`."""
        return encoder.render(
            self.spec,
            path=path,
            start=start,
            timeout=timeout,
            format=self.image_format,
            quality=self.encoder.quality,
            quality_target=self.encoder.quality_target,
            progressive=self.encoder.progressive,
            subsampling=self.encoder.subsampling,
            avif_speed=self.encoder.avif_speed,
            watermark=self.watermark,
            limits=self.limits,
            decoders=self.decoders,
        )

    def accepts(self, result: object) -> bool:
        """See `Job.accepts`."""
        return isinstance(result, Thumbnail) and result.format == self.image_format

    def __str__(self) -> str:
        return str(self.spec)


@dataclass(frozen=True, slots=True)
class PlaceholderJob:
    """Makes the placeholder of an image."""

    image: Image
    """The image, or the start of a JPEG."""
    kind: PlaceholderKind | None
    """The kind of the placeholder; `None` for a `data:` URI."""
    limits: Limits
    decoders: tuple[str, ...] | None
    """The enabled decoders for other formats; see `Config.thumbnail_decoders`."""
    fonts: tuple[str, ...] | None
    """The fonts for text in SVG images; see `Config.thumbnail_fonts`."""
    image_format: str = ""
    is_partial: bool = False
    """Whether `image` is only the start of a JPEG."""

    def run(self, timeout: float) -> str:
        """See `Job.run`."""
        limits = _with_timeout(self.limits, timeout)
        made = placeholder(
            self.image, kind=self.kind, limits=limits, decoders=self.decoders, fonts=self.fonts
        )
        return placeholder_text(made)

    def encode(
        self, encoder: JobEncoder, path: str | None, start: int | None, timeout: float
    ) -> bytes:
        """See `Job.encode`."""
        return encoder.placeholder(
            path=path,
            start=start,
            timeout=timeout,
            kind=self.kind,
            limits=self.limits,
            decoders=self.decoders,
        )

    def accepts(self, result: object) -> bool:
        """See `Job.accepts`."""
        return isinstance(result, str) and _PLACEHOLDERS[self.kind].fullmatch(result) is not None

    def __str__(self) -> str:
        return "the placeholder"


@dataclass(frozen=True, slots=True)
class ProbeJob:
    """Reads the header of an image."""

    image: Image
    """The image, or the start of a JPEG."""
    limits: Limits
    decoders: tuple[str, ...] | None
    """The enabled decoders for other formats; see `Config.thumbnail_decoders`."""
    fonts: tuple[str, ...] | None
    """The fonts for text in SVG images; see `Config.thumbnail_fonts`."""
    image_format: str = ""
    is_partial: bool = False
    """Whether `image` is only the start of a JPEG."""

    def run(self, timeout: float) -> ImageInfo:
        """See `Job.run`."""
        limits = _with_timeout(self.limits, timeout)
        return probe(self.image, limits=limits, decoders=self.decoders, fonts=self.fonts)

    def encode(
        self, encoder: JobEncoder, path: str | None, start: int | None, timeout: float
    ) -> bytes:
        """See `Job.encode`."""
        return encoder.probe(
            path=path, start=start, timeout=timeout, limits=self.limits, decoders=self.decoders
        )

    def accepts(self, result: object) -> bool:
        """See `Job.accepts`."""
        return isinstance(result, ImageInfo) and result.format.isprintable()

    def __str__(self) -> str:
        return "the header"


def _with_timeout(limits: Limits, timeout: float) -> Limits:
    return Limits(**{**{name: getattr(limits, name) for name in _LIMITS}, "timeout": timeout})


class RenderThreads:
    """The backend in threads of this process.

    Args:
        workers: The number of threads that render.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def submit(self, job: Job[T], deadline: float) -> T:
        """See `Backend.submit`."""

        def run() -> T:
            return job.run(max(0.0, deadline - time.monotonic()))

        return _pool(os.getpid(), gevent_hub(), self._workers).submit(run).result()


@lru_cache(maxsize=8)
def _pool(pid: int, hub: object, workers: int) -> ThreadPoolExecutor:  # noqa: ARG001
    """Return the threads of the process `pid`. A forked process needs its own.

    When a thread frees memory, the allocator reserves that memory for the same thread. If all
    threads of a server could render, each of them would hold on to the memory of one render.
    """
    if hub is not None:
        # If `threading` is patched, all threads share one native thread, and a render would block
        # it.
        from gevent import threadpool  # type: ignore[import-untyped] # noqa: PLC0415

        native: ThreadPoolExecutor = threadpool.ThreadPoolExecutor(workers)
        return native
    return ThreadPoolExecutor(workers, "xaccel-render")


def gevent_hub() -> object:
    """Return the hub that native threads report to, if gevent has patched `threading`."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return None
    hub: object = sys.modules["gevent"].get_hub()
    return hub
