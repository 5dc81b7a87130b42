"""Renders thumbnails, one turn each, in threads of their own."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

from xaccel._core import Cache, Limits, OpenedFile, Spec, Thumbnail, render
from xaccel.config import Config
from xaccel.exceptions import CorruptImage
from xaccel.thumbnails.sources.base import Original
from xaccel.thumbnails.turns import RenderQueue

_logger = logging.getLogger("xaccel.thumbnails")


@dataclass(frozen=True, slots=True)
class RenderJob:
    """All that one render needs, wherever it runs."""

    image: str | bytes | OpenedFile
    """The path of the image, its bytes, or the opened file."""
    spec: Spec
    image_format: str
    quality: Mapping[str, int]
    """By format, for a spec without one."""
    limits: Limits
    is_partial: bool = False
    """Whether `image` is only the start of a JPEG."""

    def run(self) -> Thumbnail:
        """Render in this thread.

        Raises:
            ThumbnailError: The image can't be rendered.
        """
        return render(
            self.image,
            self.spec,
            format=self.image_format,
            quality=self.quality,
            limits=self.limits,
            is_partial=self.is_partial,
        )


class RenderThreads:
    """The backend that renders in threads of this process.

    A backend has one method, `submit`, which is called by as many threads as there are turns.

    Args:
        workers: How many threads render.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def submit(self, job: RenderJob) -> Thumbnail:
        """Render, and wait for it.

        Raises:
            ThumbnailError: The image can't be rendered.
        """
        return _pool(os.getpid(), self._workers).submit(job.run).result()


@lru_cache(maxsize=1)
def _pool(pid: int, workers: int) -> ThreadPoolExecutor:  # noqa: ARG001
    """Return the threads of this process. A forked process needs its own, hence `pid`.

    The allocator keeps the memory that a thread has freed for that thread. If every thread of a
    server rendered, each would keep the memory of one render.
    """
    return ThreadPoolExecutor(workers, "xaccel-render")


class Renderer:
    """Renders with the app's settings, at most one thumbnail per CPU at a time.

    Args:
        config: The settings.
        cache: Where all processes of the machine queue, see `RenderQueue`.
    """

    def __init__(self, config: Config, cache: Cache | None) -> None:
        workers = len(os.sched_getaffinity(0))
        self._quality = config.thumbnail_quality
        self._limits = config.limits()
        self._queue = RenderQueue(cache, workers=workers, length=config.thumbnail_queue)
        self._backend = RenderThreads(workers)

    def job(
        self,
        image: str | bytes | OpenedFile,
        spec: Spec,
        image_format: str,
        *,
        is_partial: bool = False,
    ) -> RenderJob:
        """Return the job for a thumbnail of an image."""
        return RenderJob(image, spec, image_format, self._quality, self._limits, is_partial)

    def render(self, original: Original, name: str, spec: Spec, image_format: str) -> Thumbnail:
        """Wait for a turn, then render.

        Args:
            original: The original image.
            name: How the log names it.
            spec: What the thumbnail looks like.
            image_format: The format of the thumbnail.

        Raises:
            Overloaded: Too many wait already.
            ThumbnailError: The image can't be rendered.
        """
        if original.stream is None:
            return self._submit(self.job(original.image, spec, image_format), name)
        try:
            job = self.job(original.image, spec, image_format, is_partial=True)
            return self._submit(job, name)
        except CorruptImage:
            # The start is not enough. Others render while the rest arrives.
            return self._submit(self.job(original.whole(), spec, image_format), name)

    def _submit(self, job: RenderJob, name: str) -> Thumbnail:
        with self._queue.turn():
            start = time.perf_counter()
            thumbnail = self._backend.submit(job)
        milliseconds = 1000 * (time.perf_counter() - start)
        _logger.debug("made %s of %s in %.0f ms", job.spec, name, milliseconds)
        return thumbnail
