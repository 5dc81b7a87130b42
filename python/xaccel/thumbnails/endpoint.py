"""The thumbnail endpoint, which responds to the public URLs that the template helpers generate.

Each request goes through the same steps: verify the signature, parse the spec, look in the cache,
render and publish the thumbnail if it is missing, and send the file like any other.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import lru_cache, partial

from xaccel._core import Spec, Thumbnail
from xaccel._log import RateLimit, fields, one_line
from xaccel._observing import observer
from xaccel.config import Config
from xaccel.delivery.request import Request
from xaccel.delivery.response import (
    Response,
    error_cache_control,
    error_response,
    method_not_allowed,
    retry_headers,
)
from xaccel.exceptions import FileNotFound, Overloaded, SpecError, XaccelError
from xaccel.thumbnails import sources
from xaccel.thumbnails.delivery import (
    RequestedThumbnail,
    ThumbnailDelivery,
    incomplete_uri,
    thumbnail_headers,
)
from xaccel.thumbnails.names import ImageNames
from xaccel.thumbnails.places import StorePlace
from xaccel.thumbnails.sources.base import Original, is_plain
from xaccel.thumbnails.sources.directory import file_state

_DAY = 24 * 60 * 60
_MAX_AGE = 30 * _DAY
_MAX_AGE_VERSIONED = 365 * _DAY

_logger = logging.getLogger("xaccel.thumbnails")
_logger.addFilter(RateLimit())

purge_listeners: list[Callable[[Config, str], None]] = []
"""Functions to call after an image is purged. They take the settings and the image's name."""


class Thumbnails:
    """Responds to requests for thumbnails.

    Raises:
        ConfigError: `THUMBNAIL_SOURCE` or a signing key is not set.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._prefix = config.thumbnail_url
        self._mount = config.mount
        self._observer = observer(config)
        self._source = sources.get(config)
        self._names = ImageNames(config)
        self._delivery = ThumbnailDelivery(config)
        self._fallback = config.thumbnail_fallback
        self._fallback_name = None
        if config.thumbnail_store is not None and self._fallback is not None:
            # Each machine has its own copy of the file.
            from xaccel.thumbnails.sources.fallback import fallback_name  # noqa: PLC0415

            self._fallback_name = fallback_name(self._fallback)
        self._render_fallback = lru_cache(maxsize=64)(self._build_fallback)
        self._lasting = lru_cache(maxsize=256)(self._build_lasting)
        if config.thumbnail_only_presets:
            self._verifier = None
            self._allowed = frozenset(config.allowed_specs())
        else:
            self._verifier = config.verifier()

    def respond(self, path: str, query: str, request: Request, mount: str = "") -> Response:
        """Respond to a request for a thumbnail.

        Args:
            path: The decoded path of the URL below the mount, including the leading slash.
            query: The query of the URL as the client sent it, without the question mark.
            request: The request.
            mount: The decoded path at which the app is mounted. The default is the path in the
                settings.
        """
        if request.conditions.method not in {"GET", "HEAD"}:
            self._count_refused()
            return method_not_allowed()
        if not path.removeprefix(self._prefix).partition("/")[2]:
            # The template helpers generate such a URL for an empty field.
            self._count_refused()
            _logger.debug("%r does not name an image", path, extra=fields("url_refused", path=path))
            return error_response(FileNotFound())
        try:
            request.check_spelling(path)
            thumbnail = self._requested(path, query, request, mount or self._mount)
        except XaccelError as error:
            self._count_refused()
            if self._observer is not None:
                self._observer.bad_signature("thumbnail", error, query)
            # Anyone can make up a URL. The message is logged, but the visitor does not see it.
            _logger.info(
                "%s: %s",
                type(error).__name__,
                one_line(error),
                extra=fields("url_refused", error=type(error).__name__, is_limited=True),
            )
            return error_response(error)
        try:
            return self._delivery.respond(thumbnail, request)
        except XaccelError as error:
            if self._observer is not None:
                self._observer.failed_thumbnail(error, thumbnail.image_format)
            is_made_up = self._verifier is None and isinstance(error, FileNotFound)
            level = logging.INFO if is_made_up else logging.WARNING
            if getattr(error, "is_known", False):
                level = logging.DEBUG
            _logger.log(
                level,
                "%r: %s: %s",
                thumbnail.name,
                type(error).__name__,
                one_line(error),
                extra=fields(
                    "thumbnail_failed",
                    error=type(error).__name__,
                    source=thumbnail.name,
                    spec=str(thumbnail.spec),
                    status=error.status_code,
                    is_limited=is_made_up,
                ),
            )
            return self._fallback_response(error, thumbnail, request) or error_response(error)

    def _count_refused(self) -> None:
        if self._observer is not None:
            self._observer.thumbnail("refused", "")

    def purge(self, source: str) -> int:
        """Remove every thumbnail of a source from this machine's cache and from the store.

        Call it after an image is replaced or deleted, unless its URLs contain a version.

        Args:
            source: The name of the image, as in `thumbnail_url()`.

        Returns:
            The number of thumbnails that were removed. A thumbnail in both places is counted once.

        Raises:
            StorageUnavailable: The store does not respond.
            SourceError: `source` is not the name of an image in any of the sources.
            OSError: The cache is not writable.
        """
        name = self._names.checked(source)
        removed = sum(map(self._purge, self._names.all_of(name)))
        for listener in purge_listeners:
            listener(self._config, name)
        if self._delivery.store is not None and not purge_listeners:
            _logger.info(
                "the thumbnails of %r are purged on this machine and in the store, but other "
                "machines still have them; see xaccel.celery",
                name,
                extra=fields("purged_here", source=name),
            )
        return removed

    def purge_here(self, source: str) -> int:
        """Remove every thumbnail of an image from this machine's cache, but not from the store.

        Raises the same errors as `purge`.
        """
        return sum(map(self._purge_cache, self._names.all_of(self._names.checked(source))))

    def _purge(self, name: str) -> int:
        store = self._delivery.store
        # The store is purged first, because the cache could otherwise be refilled from it.
        stored = 0 if store is None else store.purge(name)
        return max(self._purge_cache(name), stored)

    def _purge_cache(self, name: str) -> int:
        self._delivery.renderer.failures.forget(name)
        cache = self._delivery.cache
        if cache is None:
            return 0
        # If the source knows the state, thumbnails of an earlier state are never found.
        cache.purge(incomplete_uri(self._prefix, None), name)
        return cache.purge(self._prefix, name)

    def _requested(self, path: str, query: str, request: Request, mount: str) -> RequestedThumbnail:
        path, expires = self._verified(path, query, mount)
        lasting = self._lasting(path) if expires is None else None
        return lasting or self._thumbnail_at(path, request.accept, expires)

    def _build_lasting(self, path: str) -> RequestedThumbnail | None:
        """Return a thumbnail, unless it depends on more than its path, such as the time."""
        thumbnail = self._thumbnail_at(path, None, None)
        return None if thumbnail.spec.format == "auto" else thumbnail

    def _thumbnail_at(
        self, path: str, accept: str | None, expires: int | None
    ) -> RequestedThumbnail:
        spec_text, _, name = path.removeprefix(self._prefix).partition("/")
        spec = Spec.parse(spec_text)
        if self._verifier is None and spec_text not in self._allowed:
            raise SpecError(f"'{spec_text}' is not one of XACCEL['THUMBNAIL_PRESETS']")
        return self.thumbnail(name, spec, accept, expires)

    def thumbnail(
        self, name: str, spec: Spec, accept: str | None, expires: int | None = None
    ) -> RequestedThumbnail:
        """Return a public thumbnail.

        Args:
            name: The name of the image, as in the URL.
            spec: What the thumbnail looks like.
            accept: The `Accept` header that determines the format.
            expires: When the URL expires.
        """
        return self._delivery.requested(
            f"{self._prefix}{spec}/{name}",
            name,
            spec,
            accept=accept,
            cache_control=_cache_control(spec, expires),
            find=partial(self._source.get, name),
            state=partial(self._source.state, name),
            place=self._place(name, spec),
        )

    @property
    def delivery(self) -> ThumbnailDelivery:
        """Finds, renders and keeps the thumbnails."""
        return self._delivery

    def _place(self, name: str, spec: Spec) -> Callable[[str], StorePlace] | None:
        """Return a function that determines a thumbnail's place in the store, if it has one."""
        if self._delivery.store is None or name == self._fallback_name:
            return None
        has_state = sources.has_state(name, self._config)
        return lambda image_format: StorePlace(name, spec, image_format, has_state)

    def _verified(self, path: str, query: str, mount: str) -> tuple[str, int | None]:
        """Verify a URL, and return its path below the mount and its expiry time."""
        if self._verifier is not None:
            if self._observer is None:
                path, signed = self._verifier.verify_below(path, query, mount)
            else:
                with self._observer.phase("verify", ""):
                    path, signed = self._verifier.verify_below(path, query, mount)
            return path, signed.expires
        if query:
            raise SpecError("the URL of an unsigned thumbnail can't have a query")
        if not path.startswith(self._prefix) or not is_plain(path.removeprefix("/")):
            raise FileNotFound(f"{path!r} is not the URL of a thumbnail")
        return path, None

    def _fallback_response(
        self, error: XaccelError, thumbnail: RequestedThumbnail, request: Request
    ) -> Response | None:
        """Return the fallback image, if one is set, in the form of the thumbnail that failed."""
        if self._fallback is None or isinstance(error, Overloaded):
            return None
        spec = thumbnail.spec
        try:
            rendered = self._render_fallback(spec.replace(version=None), thumbnail.image_format)
        except XaccelError as problem:
            _logger.error(  # noqa: TRY400 - the message says it all
                "XACCEL['THUMBNAIL_FALLBACK']: %s",
                one_line(problem),
                extra=fields("misconfigured", setting="THUMBNAIL_FALLBACK"),
            )
            return None
        headers = thumbnail_headers(thumbnail.image_format, spec, error_cache_control(error))
        return Response(
            error.status_code,
            (
                *headers,
                *retry_headers(error),
                ("Content-Length", str(len(rendered.data))),
            ),
            b"" if request.conditions.method == "HEAD" else rendered.data,
        )

    def _build_fallback(self, spec: Spec, image_format: str) -> Thumbnail:
        image = self._fallback or ""
        return self._delivery.renderer.render(
            Original(image, state=file_state(image)), image, spec, image_format
        )


def _cache_control(spec: Spec, expires: int | None) -> str:
    max_age = _MAX_AGE if spec.version is None else _MAX_AGE_VERSIONED
    if expires is not None:
        max_age = min(max_age, max(0, expires - int(time.time())))
    immutable = ", immutable" if spec.version is not None else ""
    return f"public, max-age={max_age}{immutable}"
