"""The thumbnail endpoint: responds to the public URLs that the template helpers write.

A request goes one way: verify the signature, read the spec, look in the cache, else render and
publish, then send the file like any other.
"""

from __future__ import annotations

import logging
import time
from functools import lru_cache, partial

from xaccel._core import Spec, Thumbnail, encode_path
from xaccel.config import Config
from xaccel.delivery.request import Request
from xaccel.delivery.response import (
    ERROR_CACHE_CONTROL,
    Response,
    error_response,
    method_not_allowed,
)
from xaccel.exceptions import FileNotFound, Overloaded, SpecError, XaccelError
from xaccel.thumbnails import sources
from xaccel.thumbnails.delivery import RequestedThumbnail, ThumbnailDelivery, thumbnail_headers
from xaccel.thumbnails.sources.base import is_plain

_DAY = 24 * 60 * 60
_MAX_AGE = 30 * _DAY
_MAX_AGE_VERSIONED = 365 * _DAY

_logger = logging.getLogger("xaccel.thumbnails")


class Thumbnails:
    """Responds to requests for thumbnails.

    Raises:
        ConfigError: `THUMBNAIL_SOURCE` or a signing key is not set.
    """

    def __init__(self, config: Config) -> None:
        self._prefix = config.thumbnail_url
        self._source = sources.get(config)
        self._delivery = ThumbnailDelivery(config)
        self._fallback = config.thumbnail_fallback
        self._render_fallback = lru_cache(maxsize=64)(self._build_fallback)
        if config.thumbnail_only_presets:
            self._verifier = None
            self._allowed = frozenset(config.thumbnail_presets.values())
        else:
            self._verifier = config.verifier()

    def respond(self, path: str, query: str, request: Request) -> Response:
        """Respond to a request for a thumbnail.

        Args:
            path: The decoded path of the URL, with its first slash.
            query: The query of the URL as the client sent it, without the question mark.
            request: The facts of the request.
        """
        if request.conditions.method not in {"GET", "HEAD"}:
            return method_not_allowed()
        try:
            request.check_spelling(path)
            thumbnail = self._requested(path, query, request)
        except XaccelError as error:
            # The log shows the message; the visitor does not see it.
            _logger.warning("%s: %s", type(error).__name__, error)
            return error_response(error)
        try:
            return self._delivery.respond(thumbnail, request)
        except XaccelError as error:
            _logger.warning("%s: %s: %s", thumbnail.name, type(error).__name__, error)
            return self._fallback_response(error, thumbnail, request) or error_response(error)

    def purge(self, source: str) -> int:
        """Remove every thumbnail of a source from the cache.

        Call it when an image was replaced or deleted, unless its URLs have a version.

        Args:
            source: The name of the image below `THUMBNAIL_SOURCE`.

        Returns:
            How many thumbnails were removed.

        Raises:
            OSError: The cache can't be written to.
        """
        cache = self._delivery.cache
        return 0 if cache is None else cache.purge(self._prefix, source.lstrip("/"))

    def _requested(self, path: str, query: str, request: Request) -> RequestedThumbnail:
        path, expires = self._verified(path, query)
        spec_text, _, name = path.removeprefix(self._prefix).partition("/")
        spec = Spec.parse(spec_text)
        if self._verifier is None and spec_text not in self._allowed:
            raise SpecError(f"'{spec_text}' is not one of XACCEL['THUMBNAIL_PRESETS']")
        return self._delivery.requested(
            path,
            name,
            spec,
            accept=request.accept,
            cache_control=_cache_control(spec, expires),
            find=partial(self._source.get, name),
            state=partial(self._source.state, name),
        )

    def _verified(self, path: str, query: str) -> tuple[str, int | None]:
        """Return the path and the expiry of a valid URL."""
        if self._verifier is not None:
            signed = self._verifier.verify_parts(f"{encode_path(path)}?{query}")
            return signed.path, signed.expires
        if query:
            raise SpecError("the URL of an unsigned thumbnail can't have a query")
        if not path.startswith(self._prefix) or not is_plain(path.removeprefix("/")):
            raise FileNotFound(f"{path!r} is not the URL of a thumbnail")
        return path, None

    def _fallback_response(
        self, error: XaccelError, thumbnail: RequestedThumbnail, request: Request
    ) -> Response | None:
        """Return the fallback image in the form of the thumbnail that failed, if one is set."""
        if self._fallback is None or isinstance(error, Overloaded):
            return None
        spec = thumbnail.spec
        try:
            rendered = self._render_fallback(spec.replace(version=None), thumbnail.image_format)
        except XaccelError as problem:
            _logger.warning("XACCEL['THUMBNAIL_FALLBACK']: %s", problem)
            return None
        headers = thumbnail_headers(thumbnail.image_format, spec, ERROR_CACHE_CONTROL)
        return Response(
            error.status_code,
            (*headers, ("Content-Length", str(len(rendered.data)))),
            b"" if request.conditions.method == "HEAD" else rendered.data,
        )

    def _build_fallback(self, spec: Spec, image_format: str) -> Thumbnail:
        return self._delivery.renderer.job(self._fallback or "", spec, image_format).run()


def _cache_control(spec: Spec, expires: int | None) -> str:
    max_age = _MAX_AGE if spec.version is None else _MAX_AGE_VERSIONED
    if expires is not None:
        max_age = min(max_age, max(0, expires - int(time.time())))
    immutable = ", immutable" if spec.version is not None else ""
    return f"public, max-age={max_age}{immutable}"
