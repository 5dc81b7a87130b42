"""The thumbnail endpoint: the answer when a browser asks for a URL of `xaccel.thumbnails.helpers`.

It goes one way: verify the signature, read the spec, look in the cache, else render and publish,
then hand over like any file. `PrivateThumbnails` goes the same way from within a view, which has
checked instead who may see the image.
"""

from __future__ import annotations

import logging
import os
import time
import urllib.parse
from functools import lru_cache, partial
from typing import Any

from xaccel._core import ImageInfo, Limits, Spec, Thumbnail, encode_path, probe, thumbnail
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.delivery.presentation import private_cache_control
from xaccel.delivery.request import Request
from xaccel.delivery.response import (
    ERROR_CACHE_CONTROL,
    NOSNIFF,
    Headers,
    Response,
    error_response,
    method_not_allowed,
)
from xaccel.exceptions import ConfigError, FileNotFound, Overloaded, SpecError, XaccelError
from xaccel.thumbnails import sources
from xaccel.thumbnails.rendering import Job, Renderer
from xaccel.thumbnails.sources.base import Original, is_plain
from xaccel.thumbnails.sources.directory import file_state
from xaccel.thumbnails.urls import build_spec, parse_presets, version_token

__all__ = [
    "ImageInfo",
    "Limits",
    "PrivateThumbnails",
    "Spec",
    "Thumbnail",
    "Thumbnails",
    "probe",
    "thumbnail",
]

PRIVATE_PREFIX = "/.private/"
"""Where the cache holds the thumbnails of private files: below no public URL."""

_DAY = 24 * 60 * 60
_MAX_AGE = 30 * _DAY
_MAX_AGE_VERSIONED = 365 * _DAY

_logger = logging.getLogger("xaccel.thumbnails")


class Thumbnails:
    """Answers the requests for thumbnails.

    Raises:
        ConfigError: There is no `THUMBNAIL_SOURCE`, or no signing key.
    """

    def __init__(self, config: Config) -> None:
        self._prefix = config.thumbnail_url
        self._source = sources.get(config)
        self._renderer = Renderer(config)
        self._fallback = config.thumbnail_fallback
        self._render_fallback = lru_cache(maxsize=64)(self._make_fallback)
        if config.thumbnail_only_presets:
            self._signer = None
            self._allowed = frozenset(config.thumbnail_presets.values())
        else:
            self._signer = config.signer()

    def respond(self, path: str, query: str, request: Request) -> Response:
        """Answer the request for a thumbnail.

        Args:
            path: The URL's path, decoded, from the first slash.
            query: The URL's query as it was sent, without the question mark.
            request: The request's facts.
        """
        if request.conditions.method not in {"GET", "HEAD"}:
            return method_not_allowed()
        try:
            job = self._job(path, query, request)
        except XaccelError as error:
            # What it says is for the log, not for the visitor.
            _logger.warning("%s: %s", type(error).__name__, error)
            return error_response(error)
        try:
            return self._renderer.answer(job, request)
        except XaccelError as error:
            _logger.warning("%s: %s: %s", job.name, type(error).__name__, error)
            return self._fallback_response(error, job, request) or error_response(error)

    def purge(self, source: str) -> int:
        """Remove every thumbnail of a source from the cache.

        Call it when an image was replaced or deleted, unless its URLs have a version.

        Args:
            source: The image's name below `THUMBNAIL_SOURCE`.

        Returns:
            How many there were.

        Raises:
            OSError: The cache can't be written to.
        """
        cache = self._renderer.cache
        return 0 if cache is None else cache.purge(self._prefix, source.lstrip("/"))

    def _job(self, path: str, query: str, request: Request) -> Job:
        path, expires = self._verified(path, query)
        spec_text, _, name = path.removeprefix(self._prefix).partition("/")
        spec = Spec.parse(spec_text)
        if self._signer is None and spec_text not in self._allowed:
            raise SpecError(f"'{spec_text}' is none of XACCEL['THUMBNAIL_PRESETS']")
        image_format = self._renderer.negotiate(spec, name, request.accept)
        return Job(
            uri=path if spec.format is None else f"{path}.{image_format}",
            name=name,
            spec=spec,
            image_format=image_format,
            headers=_headers(image_format, spec, _cache_control(spec, expires)),
            find=partial(self._source.get, name),
            state=partial(self._source.state, name),
        )

    def _verified(self, path: str, query: str) -> tuple[str, int | None]:
        """The path and the expiry of a good URL."""
        if self._signer is not None:
            signed = self._signer.verify_parts(f"{encode_path(path)}?{query}")
            return signed.path, signed.expires
        if query:
            raise SpecError("a thumbnail's URL has no query, as it is not signed")
        if not path.startswith(self._prefix) or not is_plain(path.removeprefix("/")):
            raise FileNotFound(f"{path!r} is no URL of a thumbnail")
        return path, None

    def _fallback_response(self, error: XaccelError, job: Job, request: Request) -> Response | None:
        """The fallback image in the form of the thumbnail that there is not, if it is set."""
        if self._fallback is None or isinstance(error, Overloaded):
            return None
        try:
            made = self._render_fallback(job.spec.replace(version=None), job.image_format)
        except XaccelError as problem:
            _logger.warning("XACCEL['THUMBNAIL_FALLBACK']: %s", problem)
            return None
        headers = _headers(job.image_format, job.spec, ERROR_CACHE_CONTROL)
        return Response(
            error.status_code,
            (*headers, ("Content-Length", str(len(made.data)))),
            b"" if request.conditions.method == "HEAD" else made.data,
        )

    def _make_fallback(self, spec: Spec, image_format: str) -> Thumbnail:
        return self._renderer.render(self._fallback or "", spec, image_format)


class PrivateThumbnails:
    """Answers with thumbnails of private files, from within a view.

    Its cache needs no purge: a thumbnail is that of one state of its file.
    """

    def __init__(self, config: Config, files: Delivery) -> None:
        self._files = files
        self._renderer = Renderer(config)
        self._presets = parse_presets(config)

    def answer(
        self,
        path: str | os.PathLike[str],
        width: int | str | None,
        height: int | None,
        request: Request,
        *,
        root: str | os.PathLike[str] | None = None,
        max_age: int | None = None,
        **options: Any,
    ) -> Response:
        """Answer with a thumbnail of a file under one of `ROOTS`.

        Args:
            path: The image, absolute, or relative to `root`.
            width: The box's width in pixels, or the name of a preset; `None` leaves it free.
            height: The box's height in pixels; `None` leaves it free.
            request: The request's facts.
            root: The directory of a relative path; not needed when there is one root only.
            max_age: Seconds for which the visitor's browser may use it without asking again.
            options: Those of `Spec`: `fit`, `quality`, `format` and so on.

        Raises:
            SpecError: An option is unknown or has an impossible value.
            ConfigError: `path` is relative and it is not clear to which root.
        """
        spec = self.spec(width, height, **options)
        return self.answer_spec(path, spec, request, root=root, max_age=max_age)

    def spec(self, width: int | str | None, height: int | None, **options: Any) -> Spec:
        """What the arguments of `answer()` ask for.

        Raises:
            SpecError: An option is unknown or has an impossible value.
        """
        return build_spec(self._presets, width, height, **options)

    def answer_spec(
        self,
        path: str | os.PathLike[str],
        spec: Spec,
        request: Request,
        *,
        root: str | os.PathLike[str] | None = None,
        max_age: int | None = None,
    ) -> Response:
        """Answer with what `spec()` has made of the arguments of `answer()`."""
        try:
            return self._renderer.answer(self._job(path, root, spec, max_age, request), request)
        except XaccelError as error:
            if isinstance(error, ConfigError):
                raise
            _logger.warning("%s: %s: %s", path, type(error).__name__, error)
            return error_response(error)

    def _job(
        self,
        path: str | os.PathLike[str],
        root: str | os.PathLike[str] | None,
        spec: Spec,
        max_age: int | None,
        request: Request,
    ) -> Job:
        location = self._files.locate(path, root=root)
        state = file_state(location.path)
        name = os.fsencode(location.path).decode(errors="replace")
        image_format = self._renderer.negotiate(spec, name, request.accept)
        stored = spec.replace(version=version_token(state))
        uri = f"{PRIVATE_PREFIX}{stored}{_decoded(location.url)}"
        return Job(
            uri=uri if spec.format is None else f"{uri}.{image_format}",
            name=name,
            spec=spec,
            image_format=image_format,
            headers=_headers(image_format, spec, private_cache_control(max_age)),
            find=lambda: Original(location.path, location.mtime, state),
            state=lambda: file_state(location.path),
        )


def _decoded(url: str) -> str:
    """A URL's path as the name of a file; one that is not UTF-8 stays as it is."""
    try:
        return urllib.parse.unquote(url, errors="strict")
    except UnicodeDecodeError:
        return url


def _headers(image_format: str, spec: Spec, cache_control: str) -> Headers:
    """How a thumbnail is to be taken."""
    headers = (
        ("Content-Type", f"image/{image_format}"),
        NOSNIFF,
        ("Cache-Control", cache_control),
    )
    return (*headers, ("Vary", "Accept")) if spec.format == "auto" else headers


def _cache_control(spec: Spec, expires: int | None) -> str:
    max_age = _MAX_AGE if spec.version is None else _MAX_AGE_VERSIONED
    if expires is not None:
        max_age = min(max_age, max(0, expires - int(time.time())))
    immutable = ", immutable" if spec.version is not None else ""
    return f"public, max-age={max_age}{immutable}"
