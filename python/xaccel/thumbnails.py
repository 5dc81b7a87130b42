"""The thumbnail endpoint: the answer when a browser asks for a URL of `xaccel.templates`.

It goes one way: verify the signature, read the spec, look in the cache, else render and publish,
then hand over like any file.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from xaccel import delivery, servers
from xaccel._core import (
    Cache,
    ImageInfo,
    Limits,
    PathMap,
    Spec,
    Thumbnail,
    encode_path,
    probe,
    render,
    thumbnail,
)
from xaccel.config import CACHE_PREFIX, Config
from xaccel.delivery import FileOptions, Request, Response
from xaccel.exceptions import ConfigError, FileNotFound, XaccelError
from xaccel.sources import DirectorySource, Original

__all__ = ["ImageInfo", "Limits", "Spec", "Thumbnail", "Thumbnails", "probe", "thumbnail"]

_DAY = 24 * 60 * 60
_MAX_AGE = 30 * _DAY
_MAX_AGE_VERSIONED = 365 * _DAY

_UNNEGOTIATED = Spec()

_logger = logging.getLogger("xaccel.thumbnails")


class Thumbnails:
    """Answers the requests for thumbnails.

    Raises:
        ConfigError: There is no `THUMBNAIL_SOURCE`, or no signing key.
    """

    def __init__(self, config: Config) -> None:
        if config.thumbnail_source is None:
            raise ConfigError(
                "XACCEL['THUMBNAIL_SOURCE'] is not set: name the directory of the images"
            )
        self._config = config
        self._prefix = config.thumbnail_url
        self._signer = config.signer()
        self._source = DirectorySource(
            config.thumbnail_source, follow_symlinks=config.follow_symlinks
        )
        self._limits = config.limits()
        self._server = servers.get(config.server)
        self._cache = None
        if config.thumbnail_cache is not None:
            self._cache = Cache(config.thumbnail_cache)
            self._files = PathMap([(config.thumbnail_cache, CACHE_PREFIX)])

    def respond(self, path: str, query: str, request: Request) -> Response:
        """Answer the request for a thumbnail.

        Args:
            path: The URL's path, decoded, from the first slash.
            query: The URL's query as it was sent, without the question mark.
            request: The request's facts.
        """
        if request.conditions.method not in {"GET", "HEAD"}:
            return delivery.method_not_allowed()
        try:
            signed = self._signer.verify_parts(f"{encode_path(path)}?{query}")
            spec_text, _, name = signed.path.removeprefix(self._prefix).partition("/")
            spec = Spec.parse(spec_text)
            image_format = self._negotiate(spec.output_format(name), name, request)
            uri = signed.path if spec.format is None else f"{signed.path}.{image_format}"
            headers = {"Cache-Control": _cache_control(spec, signed.expires)}
            if spec.format == "auto":
                headers["Vary"] = "Accept"
            options = FileOptions(mimetype=f"image/{image_format}", headers=headers)
            job = _Job(uri, name, spec, image_format, options)
            return self._hit(job, request) or self._miss(job, request)
        except XaccelError as error:
            # One line naming the source; what it says is for the log, not for the visitor.
            _logger.warning("%s: %s", type(error).__name__, error)
            return delivery.error_response(error)

    def _hit(self, job: _Job, request: Request) -> Response | None:
        if self._cache is None:
            return None
        try:
            location = self._files.locate(self._cache.path(job.uri))
        except (FileNotFound, OSError):
            return None
        return delivery.send(location, request, job.options, self._server)

    def _negotiate(self, image_format: str, name: str, request: Request) -> str:
        """The format to send; for `auto` the first that the browser says it accepts."""
        if image_format != "auto":
            return image_format
        accept = request.accept or ""
        for candidate in self._config.thumbnail_formats:
            # A mere mention, so that an nginx `map` on $http_accept agrees in every case.
            if f"image/{candidate}" in accept:
                return candidate
        return _UNNEGOTIATED.output_format(name)

    def _miss(self, job: _Job, request: Request) -> Response:
        """Make the thumbnail; of several requests for the same one, the first does it."""
        original = self._source.get(job.source)
        if self._cache is None:
            return _bytes(self._render(original, job), request, job.options)
        try:
            lock = self._cache.lock(job.uri)
        except OSError as error:
            _logger.warning("%s is not cached: %s", job.uri, error)
            return _bytes(self._render(original, job), request, job.options)
        with lock:
            hit = self._hit(job, request)
            if hit is not None:
                return hit
            made = self._render(original, job)
            try:
                self._cache.publish(job.uri, made.data)
            except OSError as error:
                _logger.warning("%s is not cached: %s", job.uri, error)
        return self._hit(job, request) or _bytes(made, request, job.options)

    def _render(self, original: Original, job: _Job) -> Thumbnail:
        return render(
            original.image,
            job.spec,
            format=job.image_format,
            quality=self._config.thumbnail_quality,
            limits=self._limits,
        )


@dataclass(frozen=True, slots=True)
class _Job:
    """A thumbnail that was asked for by a good URL."""

    uri: str
    """The path of its file in the cache: that of its URL, with the ending of a chosen format."""
    source: str
    spec: Spec
    image_format: str
    options: FileOptions


def _cache_control(spec: Spec, expires: int | None) -> str:
    max_age = _MAX_AGE if spec.version is None else _MAX_AGE_VERSIONED
    if expires is not None:
        max_age = min(max_age, max(0, expires - int(time.time())))
    immutable = ", immutable" if spec.version is not None else ""
    return f"public, max-age={max_age}{immutable}"


def _bytes(made: Thumbnail, request: Request, options: FileOptions) -> Response:
    """A thumbnail that is in no file."""
    headers = delivery.presentation("", options)
    body = b"" if request.conditions.method == "HEAD" else made.data
    return Response(200, (*headers, ("Content-Length", str(len(made.data)))), body)
