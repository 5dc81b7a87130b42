"""Delivery of thumbnails, cached or freshly rendered, for both the endpoint and views.

When several requests, in any process, ask for the same thumbnail, the first request renders it and
the others wait. Without a cache, or if its disk is full or read-only, each request renders the
thumbnail itself.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeVar

from xaccel._core import Cache, Location, OpenedFile, PathMap, Spec, Thumbnail, __version__
from xaccel._log import fields, one_line
from xaccel._observing import observer, phase
from xaccel.config import CACHE_PREFIX, Config
from xaccel.delivery.conditional import precondition_response
from xaccel.delivery.files import hand_over, send_ourselves
from xaccel.delivery.request import Request
from xaccel.delivery.response import NOSNIFF, Headers, Response
from xaccel.delivery.rfc9110 import Validators
from xaccel.exceptions import (
    CorruptImage,
    FileNotFound,
    SourceUnavailable,
    StorageUnavailable,
    ThumbnailError,
)
from xaccel.servers import dialects
from xaccel.thumbnails.ownership import Ownership
from xaccel.thumbnails.places import StorePlace
from xaccel.thumbnails.rendering import Renderer
from xaccel.thumbnails.sources.base import Original
from xaccel.thumbnails.specs import version_token
from xaccel.thumbnails.turns import ThreadLocks, pauses

if TYPE_CHECKING:
    from xaccel.thumbnails.store import StoreTurn

INCOMPLETE_SECONDS = 60
"""The number of seconds for which caches and browsers keep a thumbnail of an incomplete
original."""

_INCOMPLETE = "/.incomplete/"
"""The directory in the cache for thumbnails of incomplete originals. It has no public URL."""

_UNNEGOTIATED = Spec()
_HEAD = Request.from_headers("HEAD", lambda _: None)

_Found = TypeVar("_Found", Location, OpenedFile)

_logger = logging.getLogger("xaccel.thumbnails")


class RequestedThumbnail(NamedTuple):
    """A thumbnail that the visitor is allowed to see."""

    uri: str
    """The path of the thumbnail in the cache: the URL's path plus the format's extension."""
    name: str
    """The name of the source in log messages."""
    spec: Spec
    image_format: str
    place: StorePlace | None
    """The thumbnail's place in `THUMBNAIL_STORE`; `None` if it does not belong there."""
    headers: Headers
    find: Callable[[], Original]
    """Finds the original. Raises the same errors as `Source.get`."""
    state: Callable[[], str | None]
    """Finds the current state of the original. Raises the same errors as `Source.state`."""

    @property
    def brief_headers(self) -> Headers:
        """The headers to send while the original is incomplete, for example during its upload."""
        return tuple(
            (name, _brief(value)) if name == "Cache-Control" else (name, value)
            for name, value in self.headers
        )


class ThumbnailDelivery:
    """Finds or renders thumbnails, and sends them like any other file.

    Raises:
        ConfigError: The cache belongs to another app.
    """

    _instances: ClassVar[weakref.WeakSet[ThumbnailDelivery]] = weakref.WeakSet()

    def __init__(self, config: Config) -> None:
        self._instances.add(self)
        self._config = config
        self._server = dialects.get(config)
        self._locks = ThreadLocks()
        self.cache = None
        """The cache of finished thumbnails; `None` if thumbnails are not cached."""
        if config.thumbnail_cache is not None:
            self.cache = Cache(config.thumbnail_cache)
            self._ownership = Ownership(config, self.cache)
            # The directory belongs to us. A symbolic link in it was created on purpose, and web
            # servers follow it.
            self._files = PathMap([(config.thumbnail_cache, CACHE_PREFIX)], follow_symlinks=True)
        self._observer = observer(config)
        self.renderer = Renderer(config, self.cache)
        self.store = None
        """The store that all machines share; `None` if no store is configured."""
        if config.thumbnail_store is not None:
            # An app without a store does not load an HTTP client.
            from xaccel.thumbnails import store  # noqa: PLC0415

            self.store = store.get(config)

    @classmethod
    def in_use(cls) -> list[ThumbnailDelivery]:
        """Return all instances. `xaccel.testing` uses them to interpret response headers."""
        return list(cls._instances)

    @property
    def dialect(self) -> dialects.Dialect:
        """The dialect of the server that sends the thumbnails."""
        return self._server

    def offload(self, uri: str) -> Headers:
        """Return the headers that make the server send a thumbnail from the cache.

        The headers are empty if the app has to send the thumbnail.

        Args:
            uri: See `RequestedThumbnail`.

        Raises:
            FileNotFound: The thumbnail is not in the cache.
            ValueError: `uri` is not the path of a thumbnail.
        """
        if self.cache is None:
            raise FileNotFound("XACCEL['THUMBNAIL_CACHE'] is not set")
        location = self._files.locate(self.cache.path(uri))
        return self._server.offload(location, limit_rate=None) or ()

    def requested(
        self,
        uri: str,
        name: str,
        spec: Spec,
        *,
        accept: str | None,
        cache_control: str,
        find: Callable[[], Original],
        state: Callable[[], str | None],
        place: Callable[[str], StorePlace] | None,
    ) -> RequestedThumbnail:
        """Return the thumbnail that a request asks for, in a format that the browser accepts.

        Args:
            uri: The decoded path of the thumbnail's URL.
            name: The name of the source.
            spec: What the thumbnail looks like.
            accept: The request's `Accept` header.
            cache_control: The response's `Cache-Control` header.
            find: See `RequestedThumbnail`.
            state: See `RequestedThumbnail`.
            place: A function that takes the thumbnail's format and returns the thumbnail's place in
                the store; `None` if the thumbnail does not belong there.
        """
        image_format = self.negotiate(spec, name, accept)
        return RequestedThumbnail(
            uri=uri if spec.format is None else f"{uri}.{image_format}",
            name=name,
            spec=spec,
            image_format=image_format,
            place=None if place is None else place(image_format),
            headers=thumbnail_headers(image_format, spec, cache_control),
            find=find,
            state=state,
        )

    def respond(self, thumbnail: RequestedThumbnail, request: Request) -> Response:
        """Respond with a thumbnail.

        Raises:
            FileNotFound: The original does not exist.
            Overloaded: Too many requests are already waiting.
            SourceUnavailable: The original is temporarily unreadable.
            ThumbnailError: The original can't be rendered.
        """
        response = self._hit(thumbnail, request)
        if response is not None:
            self._count("hit", thumbnail)
        elif self.cache is not None:
            response = self._render_once(self.cache, thumbnail, request)
        if self._observer is not None and self.cache is not None:
            self._observer.cache_used(self.cache)
        return response or self._render_uncached(thumbnail, request)

    def is_finished(self, thumbnail: RequestedThumbnail) -> bool:
        """Whether a thumbnail is in the store or, if there is no store, in the cache."""
        if self.store is None:
            return self._locate(thumbnail) is not None
        turn = self._turn_in_store(thumbnail)
        return self._locate(thumbnail) is not None if turn is None else turn.find() is not None

    def keep(self, thumbnail: RequestedThumbnail) -> bool:
        """Render a thumbnail and keep it in the cache and in the store, unless it is already there.

        Returns:
            Whether it was rendered.

        Raises:
            CorruptImage: The original is incomplete, so its thumbnail is not kept for long.
            StorageUnavailable: The cache is not writable, or the store does not respond. See also
                `respond`.
        """
        is_finished = self.is_finished(thumbnail)
        self._check_store(thumbnail)
        if self._locate(thumbnail) is None:
            self.respond(thumbnail, _HEAD)
        elif is_finished:
            return False
        elif self.cache is not None:
            # Only the cache contains the thumbnail, which may show an earlier state of the
            # original.
            self._render_and_publish(self.cache, thumbnail, _HEAD)
        if self._locate(thumbnail) is None:
            self._explain_absence(thumbnail)
        self._check_store(thumbnail)
        return not is_finished

    def _check_store(self, thumbnail: RequestedThumbnail) -> None:
        if self.store is not None and not self.store.is_available:
            raise StorageUnavailable(
                f"XACCEL['THUMBNAIL_STORE'] does not respond, and may lack {thumbnail.uri!r}"
            )

    def _explain_absence(self, thumbnail: RequestedThumbnail) -> None:
        """Raise the error that explains why a thumbnail was not kept."""
        if self.cache is not None and self._incomplete(self.cache, thumbnail, _HEAD) is not None:
            raise CorruptImage(f"{thumbnail.name!r} is incomplete")
        raise StorageUnavailable(
            f"the thumbnail of {thumbnail.name!r} is not kept: the image has changed in the "
            "meantime, or the cache is not writable"
        )

    def negotiate(self, spec: Spec, name: str, accept: str | None) -> str:
        """Return the format to send; for `auto`, the first format that the browser accepts."""
        image_format = spec.output_format(name)
        if image_format != "auto":
            return image_format
        for candidate in self._config.thumbnail_formats:
            # This is a plain search, so that it always agrees with an nginx `map` of $http_accept.
            if f"image/{candidate}" in (accept or ""):
                return candidate
        return _UNNEGOTIATED.output_format(name)

    def _hit(self, thumbnail: RequestedThumbnail, request: Request) -> Response | None:
        try:
            if self._server.offloads:
                location = self._locate(thumbnail)
                if location is not None:
                    return hand_over(location, request, thumbnail.headers, self._server)
            else:
                # Opening a file also locates it.
                opened = self._open(thumbnail)
                if opened is not None:
                    return send_ourselves(opened, request.conditions, thumbnail.headers)
        except (FileNotFound, OSError):
            pass
        return None

    def _locate(self, thumbnail: RequestedThumbnail) -> Location | None:
        if self.cache is None:
            return None
        return _kept(self.cache, thumbnail, self._files.locate)

    def _open(self, thumbnail: RequestedThumbnail) -> OpenedFile | None:
        if self.cache is None:
            return None
        return _kept(self.cache, thumbnail, self._files.open)

    def _render_once(
        self, cache: Cache, thumbnail: RequestedThumbnail, request: Request
    ) -> Response | None:
        """Render a thumbnail once for all requests; return `None` if the cache is not writable."""
        number = cache.lock_number(thumbnail.uri)
        with self._locks.get(number):
            pause = pauses()
            while True:
                hit = self._hit(thumbnail, request)
                if hit is not None:
                    self._count("hit", thumbnail)
                    return hit
                try:
                    lock = cache.try_lock(number)
                except OSError as error:
                    _log_not_cached(thumbnail, error)
                    return None
                if lock is not None:
                    with lock:
                        hit = self._hit(thumbnail, request)
                        if hit is not None:
                            self._count("hit", thumbnail)
                            return hit
                        return self._render_and_publish(cache, thumbnail, request)
                time.sleep(next(pause))

    def _render_and_publish(
        self, cache: Cache, thumbnail: RequestedThumbnail, request: Request
    ) -> Response:
        kept = self._incomplete(cache, thumbnail, request)
        if kept is not None:
            self._count("hit", thumbnail)
            return kept
        turn = self._turn_in_store(thumbnail)
        stored = None if turn is None else turn.find()
        if stored is not None:
            self._count("stored", thumbnail)
            self._publish(cache, thumbnail, stored.data, stored.modified)
            return self._hit(thumbnail, request) or _body(stored.data, request, thumbnail.headers)
        original, rendered, is_current = self._render_latest(thumbnail)
        self._count("rendered", thumbnail)
        if not rendered.is_complete:
            return self._keep_incomplete(cache, original, rendered, thumbnail, request)
        # If the image has been replaced in the meantime, its purge ran too early to remove this
        # thumbnail.
        if is_current:
            self._publish(cache, thumbnail, rendered.data, original.modified)
            if turn is not None:
                turn.publish(rendered.data, original.state, original.modified)
        return self._hit(thumbnail, request) or _body(rendered.data, request, thumbnail.headers)

    def _turn_in_store(self, thumbnail: RequestedThumbnail) -> StoreTurn | None:
        if self.store is None or thumbnail.place is None:
            return None
        from xaccel.thumbnails.store import StoreTurn  # noqa: PLC0415

        return StoreTurn(self.store, thumbnail.place, thumbnail.state)

    def _publish(
        self, cache: Cache, thumbnail: RequestedThumbnail, data: bytes, modified: int | None
    ) -> None:
        """Publish a thumbnail in the cache, and start a sweep if one is due."""
        try:
            self._ownership.claim()
            with phase(self._observer, "publish"):
                cache.publish(thumbnail.uri, data, modified=modified)
            is_sweep_due = cache.is_sweep_due(self._config.thumbnail_cache_max_size)
        except OSError as error:
            _log_not_cached(thumbnail, error)
            return
        if is_sweep_due:
            sweep = threading.Thread(
                target=self._sweep, args=(cache,), name="xaccel-sweep", daemon=True
            )
            sweep.start()

    def _render_latest(self, thumbnail: RequestedThumbnail) -> tuple[Original, Thumbnail, bool]:
        """Render a thumbnail. If the original changes while it is being read, read it once more.

        Returns:
            The original, the thumbnail, and whether the original is still in the same state.
        """
        with self._find(thumbnail) as original:
            try:
                rendered = self._rendered(original, thumbnail)
            except ThumbnailError:
                if self._is_current(thumbnail, original) is not False:
                    raise
            else:
                is_current = self._is_current(thumbnail, original)
                if is_current is not False:
                    return original, rendered, bool(is_current)
        with self._find(thumbnail) as original:
            rendered = self._rendered(original, thumbnail)
        return original, rendered, bool(self._is_current(thumbnail, original))

    def _is_current(self, thumbnail: RequestedThumbnail, original: Original) -> bool | None:
        """Whether the original is still in the same state as when it was opened.

        If the source does not respond, return `None`.
        """
        try:
            return thumbnail.state() == original.state
        except SourceUnavailable as error:
            _log_not_cached(thumbnail, error)
            return None

    def _render_uncached(self, thumbnail: RequestedThumbnail, request: Request) -> Response:
        with self._find(thumbnail) as original:
            headers = thumbnail.headers
            validators = _validators(original, thumbnail)
            if validators is not None:
                headers = (*headers, *validators.headers)
                early = precondition_response(request.conditions, validators, headers)
                if early is not None:
                    self._count("not_modified", thumbnail)
                    return early
            rendered = self._rendered(original, thumbnail)
            self._count("rendered", thumbnail)
            # Validators are omitted, because a 304 would carry the `max-age` of a complete
            # thumbnail.
            headers = headers if rendered.is_complete else thumbnail.brief_headers
            return _body(rendered.data, request, headers)

    def _incomplete(
        self, cache: Cache, thumbnail: RequestedThumbnail, request: Request
    ) -> Response | None:
        """Return a response with the recent thumbnail of an incomplete original, if one exists."""
        if not Path(f"{self._config.thumbnail_cache}{_INCOMPLETE}").is_dir():
            # Usually, there are no such thumbnails, so avoid `state()`, which may send a request.
            return None
        try:
            path = cache.path(incomplete_uri(thumbnail.uri, thumbnail.state()))
            location = self._files.locate(path)
        except (FileNotFound, OSError):
            return None
        if not 0 <= time.time() - location.mtime < INCOMPLETE_SECONDS:
            return None
        return hand_over(location, request, thumbnail.brief_headers, self._server)

    def _keep_incomplete(
        self,
        cache: Cache,
        original: Original,
        rendered: Thumbnail,
        thumbnail: RequestedThumbnail,
        request: Request,
    ) -> Response:
        """Keep a thumbnail where only the app finds it, since servers do not check the state."""
        try:
            with phase(self._observer, "publish"):
                cache.publish(incomplete_uri(thumbnail.uri, original.state), rendered.data)
        except OSError as error:
            _log_not_cached(thumbnail, error)
        return _body(rendered.data, request, thumbnail.brief_headers)

    def _find(self, thumbnail: RequestedThumbnail) -> Original:
        """Find the original of a thumbnail, unless the original recently failed to render."""
        failures = self.renderer.failures
        failures.check(thumbnail.name, thumbnail.state)
        try:
            with phase(self._observer, "fetch"):
                return thumbnail.find()
        except ThumbnailError as error:
            failures.remember(thumbnail.name, thumbnail.state(), error)
            raise

    def _rendered(self, original: Original, thumbnail: RequestedThumbnail) -> Thumbnail:
        return self.renderer.render(
            original, thumbnail.name, thumbnail.spec, thumbnail.image_format
        )

    def _count(self, result: str, thumbnail: RequestedThumbnail) -> None:
        if self._observer is not None:
            self._observer.thumbnail(result, thumbnail.image_format)

    def _sweep(self, cache: Cache) -> None:
        """Bring the cache within its limits. Errors are only logged, since no request waits."""
        try:
            swept = cache.sweep(
                max_size=self._config.thumbnail_cache_max_size,
                inactive=self._config.thumbnail_cache_inactive,
            )
        except OSError as error:
            _logger.warning(
                "the thumbnail cache can't be swept: %s",
                one_line(error),
                extra=fields("not_swept", error=type(error).__name__),
            )
        else:
            if swept is not None:
                if self._observer is not None:
                    self._observer.sweep(*swept)
                _logger.debug(
                    "swept %d thumbnails (%d bytes), and kept %d (%d bytes)",
                    *swept[0],
                    *swept[1],
                    extra=fields("swept", removed=swept[0], kept=swept[1]),
                )


def _log_not_cached(thumbnail: RequestedThumbnail, error: Exception) -> None:
    uri = thumbnail.uri
    _logger.warning(
        "%r is not cached: %s", uri, one_line(error), extra=fields("not_cached", uri=uri)
    )


def incomplete_uri(uri: str, state: str | None) -> str:
    """Return the path in the cache for the thumbnail of an incomplete original."""
    return f"{_INCOMPLETE}{version_token(state)}{uri}"


def _brief(cache_control: str) -> str:
    """Return a `Cache-Control` header with a lifetime of at most `INCOMPLETE_SECONDS`."""
    directives = []
    for directive in cache_control.split(", "):
        name, _, value = directive.partition("=")
        if name == "max-age":
            directives.append(f"max-age={min(int(value), INCOMPLETE_SECONDS)}")
        elif name != "immutable":
            directives.append(directive)
    return ", ".join(directives)


def _kept(
    cache: Cache,
    thumbnail: RequestedThumbnail,
    find: Callable[[str], _Found],
) -> _Found | None:
    """Call `find` with the paths at which the cache can keep a thumbnail, until there is a file."""
    for path_of in (cache.path, cache.aside):
        try:
            found = find(path_of(thumbnail.uri))
        except (FileNotFound, OSError):
            continue
        # Earlier versions could leave an empty file when the machine lost power.
        if found.size > 0:
            return found
    return None


def thumbnail_headers(image_format: str, spec: Spec, cache_control: str) -> Headers:
    """Return the headers for a response with a thumbnail."""
    headers = (
        ("Content-Type", f"image/{image_format}"),
        NOSNIFF,
        ("Cache-Control", cache_control),
    )
    return (*headers, ("Vary", "Accept")) if spec.format == "auto" else headers


def _validators(original: Original, thumbnail: RequestedThumbnail) -> Validators | None:
    """Return the validators of a thumbnail without a file. They are known before the render."""
    if original.modified is None:
        return None
    about = f"{__version__} {original.state} {thumbnail.uri}"
    digest = hashlib.blake2s(about.encode(errors="replace"), digest_size=8).hexdigest()
    return Validators(f'"{digest}"', original.modified)


def _body(data: bytes, request: Request, headers: Headers) -> Response:
    """Return a response with a thumbnail that is not stored in a file."""
    body = b"" if request.conditions.method == "HEAD" else data
    return Response(200, (*headers, ("Content-Length", str(len(data)))), body)
