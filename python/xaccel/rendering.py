"""Finished thumbnails, from the cache or made: for the public endpoint and for views alike.

Of several requests for the same thumbnail, in whatever process, the first makes it and the
others wait; as many are made at once as there are CPUs. Without a cache, or when its disk is full
or read-only, thumbnails are made each time, and the second rule holds for each process.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial

from xaccel import delivery, servers
from xaccel._core import Cache, PathMap, Spec, Thumbnail, __version__, render
from xaccel.config import CACHE_PREFIX, Config
from xaccel.delivery import Headers, Request, Response
from xaccel.exceptions import CorruptImage, FileNotFound, Overloaded
from xaccel.rfc9110 import Validators
from xaccel.sources import Original

_SWEEP_ODDS = 512
"""One in so many new thumbnails makes the endpoint sweep the cache."""

_POLL = 0.001
"""Seconds after which one that waits for another process looks again."""

_HEAD_OF_THE_QUEUE = -1
"""The number of the lock of who is the next to render."""

_UNNEGOTIATED = Spec()

_logger = logging.getLogger("xaccel.thumbnails")


@dataclass(frozen=True, slots=True)
class Job:
    """A thumbnail that may be seen by who asked for it."""

    uri: str
    """The path of its file in the cache: that of its URL, with the ending of a chosen format."""
    name: str
    """The source, as the log names it."""
    spec: Spec
    image_format: str
    headers: Headers
    """Those that say how the thumbnail is to be taken."""
    find: Callable[[], Original]
    """Finds the original. Errors as those of `Source.get`."""
    state: Callable[[], str | None]
    """Finds the original's present state. Errors as those of `Source.state`."""


class Renderer:
    """Finds or makes thumbnails, and hands them over like any file."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._limits = config.limits()
        self._server = servers.get(config)
        self._renders = len(os.sched_getaffinity(0))
        self._turns = _Turns(self._renders, config.thumbnail_queue)
        self._process_locks: dict[tuple[int, int], threading.Lock] = {}
        self.cache = None
        if config.thumbnail_cache is not None:
            self.cache = Cache(config.thumbnail_cache)
            # The directory is ours: a link in it was made on purpose, and web servers follow it.
            self._files = PathMap([(config.thumbnail_cache, CACHE_PREFIX)], follow_symlinks=True)

    def negotiate(self, spec: Spec, name: str, accept: str | None) -> str:
        """The format to send; for `auto` the first that the browser says it accepts."""
        image_format = spec.output_format(name)
        if image_format != "auto":
            return image_format
        for candidate in self._config.thumbnail_formats:
            # A mere mention, so that an nginx `map` on $http_accept agrees in every case.
            if f"image/{candidate}" in (accept or ""):
                return candidate
        return _UNNEGOTIATED.output_format(name)

    def answer(self, job: Job, request: Request) -> Response:
        """Answer with a thumbnail.

        Raises:
            FileNotFound: There is no such original.
            Overloaded: Too many wait already.
            ThumbnailError: It can't be made.
        """
        hit = self._hit(job, request)
        if hit is not None:
            return hit
        made = None if self.cache is None else self._alone(self.cache, job, request)
        return made or self._uncached(job, request)

    def render(
        self, image: str | bytes, spec: Spec, image_format: str, *, is_partial: bool = False
    ) -> Thumbnail:
        """Make a thumbnail at once."""
        return render(
            image,
            spec,
            format=image_format,
            quality=self._config.thumbnail_quality,
            limits=self._limits,
            is_partial=is_partial,
        )

    def sweep(self) -> None:
        """Bring the cache within its bounds; never an error, as nobody waits for it."""
        if self.cache is None:
            return
        try:
            swept = self.cache.sweep(
                max_size=self._config.thumbnail_cache_max_size,
                inactive=self._config.thumbnail_cache_inactive,
            )
        except OSError as error:
            _logger.warning("the thumbnail cache can't be swept: %s", error)
        else:
            if swept is not None:
                _logger.debug("swept %d thumbnails, %d bytes; kept %d, %d", *swept[0], *swept[1])

    def _hit(self, job: Job, request: Request) -> Response | None:
        if self.cache is None:
            return None
        try:
            location = self._files.locate(self.cache.path(job.uri))
            return delivery.hand_over(location, request, job.headers, self._server)
        except (FileNotFound, OSError):
            return None

    def _alone(self, cache: Cache, job: Job, request: Request) -> Response | None:
        """Make what nobody else is making; `None` when the cache can't be written to.

        Here and for their turn requests wait by `time.sleep` and Python's locks rather than for a
        lock of the kernel's. Under gevent a thread has many requests, and the one that is waited
        for may be another of them.
        """
        number = cache.lock_number(job.uri)
        with self._process_lock(number):
            while True:
                hit = self._hit(job, request)
                if hit is not None:
                    return hit
                try:
                    lock = cache.try_lock(number)
                except OSError as error:
                    _logger.warning("%s is not cached: %s", job.uri, error)
                    return None
                if lock is not None:
                    with lock:
                        return self._hit(job, request) or self._miss(cache, job, request)
                time.sleep(_POLL)

    def _process_lock(self, number: int) -> threading.Lock:
        """What one thread of this process holds while it looks at a lock among processes."""
        # The locks of a parent may be held by threads that a forked child does not have.
        return self._process_locks.setdefault((os.getpid(), number), threading.Lock())

    def _miss(self, cache: Cache, job: Job, request: Request) -> Response:
        with job.find() as original:
            made = self._make(original, job)
        # A picture that was replaced meanwhile must not be kept: a purge is over already.
        if job.state() == original.state:
            try:
                cache.publish(job.uri, made.data, modified=original.modified)
            except OSError as error:
                _logger.warning("%s is not cached: %s", job.uri, error)
            if secrets.randbelow(_SWEEP_ODDS) == 0:
                threading.Thread(target=self.sweep, name="xaccel-sweep", daemon=True).start()
        return self._hit(job, request) or _bytes(made, request, job.headers)

    def _uncached(self, job: Job, request: Request) -> Response:
        with job.find() as original:
            headers = job.headers
            validators = _validators(original, job)
            if validators is not None:
                headers = (*headers, *validators.headers)
                early = delivery.precondition_response(request.conditions, validators, headers)
                if early is not None:
                    return early
            return _bytes(self._make(original, job), request, headers)

    def _make(self, original: Original, job: Job) -> Thumbnail:
        if original.arriving is None:
            return self._take_turn(original.image, job)
        try:
            return self._take_turn(original.image, job, is_partial=True)
        except CorruptImage:
            # More of it is needed. It is waited for while others render.
            return self._take_turn(original.whole(), job)

    def _take_turn(self, image: str | bytes, job: Job, *, is_partial: bool = False) -> Thumbnail:
        with self._turn():
            start = time.perf_counter()
            pool = _render_threads(os.getpid(), self._renders)
            order = partial(self.render, image, job.spec, job.image_format, is_partial=is_partial)
            made = pool.submit(order).result()
        _logger.debug(
            "made %s of %s in %.0f ms", job.spec, job.name, 1000 * (time.perf_counter() - start)
        )
        return made

    def _turn(self) -> AbstractContextManager[object]:
        """The right to render.

        Raises:
            Overloaded: Too many wait for it already.
        """
        if self.cache is None:
            return self._turns.take()
        try:
            place = self.cache.try_enqueue(self._config.thumbnail_queue)
            if place is None:
                raise Overloaded("more thumbnails wait than XACCEL['THUMBNAIL_QUEUE'] allows")
            with place, self._process_lock(_HEAD_OF_THE_QUEUE):
                while (lock := self.cache.try_admit(self._renders)) is None:
                    time.sleep(_POLL)
                return lock
        except OSError:
            return self._turns.take()


@lru_cache(maxsize=1)
def _render_threads(pid: int, renders: int) -> ThreadPoolExecutor:  # noqa: ARG001
    """The threads that render, of this process; one that was forked needs others.

    The allocator keeps what a thread has given back for that thread. With all the threads of a
    server taking turns, each process would hold the memory of so many renders.
    """
    return ThreadPoolExecutor(renders, "xaccel-render")


class _Turns:
    """As `Cache.try_enqueue` and `try_admit`, among the threads of this process."""

    def __init__(self, renders: int, queue: int) -> None:
        self._renders = threading.Semaphore(renders)
        self._places = threading.Semaphore(queue)

    @contextmanager
    def take(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise Overloaded("more thumbnails wait than XACCEL['THUMBNAIL_QUEUE'] allows")
        try:
            self._renders.acquire()
        finally:
            self._places.release()
        try:
            yield
        finally:
            self._renders.release()


def _validators(original: Original, job: Job) -> Validators | None:
    """The validators of a thumbnail that is in no file, known before it is made."""
    if original.modified is None:
        return None
    about = f"{__version__} {original.state} {job.uri}"
    digest = hashlib.blake2s(about.encode(errors="replace"), digest_size=8).hexdigest()
    return Validators(f'"{digest}"', original.modified)


def _bytes(made: Thumbnail, request: Request, headers: Headers) -> Response:
    """A thumbnail that is in no file."""
    body = b"" if request.conditions.method == "HEAD" else made.data
    return Response(200, (*headers, ("Content-Length", str(len(made.data)))), body)
