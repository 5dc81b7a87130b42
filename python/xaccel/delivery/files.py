"""Private files: turn a request into a status, headers and a body.

All decisions are made here. Adapters (`xaccel.flask`, `xaccel.django` …) build a `Request` from the
framework's request, and convert the `Response` to the framework's own type. The modules in
`xaccel.servers.dialects` define how to make each server send a file.
"""

from __future__ import annotations

import io
import logging
import os
import posixpath
import urllib.parse
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, TypeAlias, TypedDict
from weakref import WeakSet

from xaccel._cdn import Expires, ExpiresIn, on_cdn
from xaccel._core import Location, OpenedFile
from xaccel._hints import shown
from xaccel._log import RateLimit, fields, one_line
from xaccel._observing import observer, phase
from xaccel.config import Config
from xaccel.delivery import origins, rfc9110
from xaccel.delivery.conditional import (
    answer_with_content,
    answer_with_file,
    precondition_response,
    send_open_file,
)
from xaccel.delivery.open_files import has_plain_content, is_unread, plain_file
from xaccel.delivery.presentation import (
    FileOptions,
    presentation,
)
from xaccel.delivery.request import Request
from xaccel.delivery.response import (
    Headers,
    Response,
    StreamBody,
    error_response,
    method_not_allowed,
)
from xaccel.delivery.rfc9110 import Conditions, Validators
from xaccel.exceptions import BadSignature, ConfigError, FileNotFound, RemoteError, XaccelError
from xaccel.servers import dialects
from xaccel.servers.dialects import Dialect

if TYPE_CHECKING:
    from xaccel.delivery.remote_files import RemoteFiles

AT_ONCE = 64 * 1024
"""The size in bytes up to which a file is read in one piece. For small files, this is cheaper than
passing an open file."""

Sendable: TypeAlias = "str | os.PathLike[str] | BinaryIO"
"""A file that can be sent: a path, a URL on a remote, or an open file."""

_logger = logging.getLogger("xaccel.delivery")
_logger.addFilter(RateLimit())

_PRECONDITION_FAILED = 412

_VALIDATORS = frozenset({"etag", "last-modified"})


class LinkKeywords(TypedDict, total=False):
    """The keyword arguments of every `private_url()`. See `Delivery.private_url` for defaults."""

    root: str | os.PathLike[str] | None
    expires: int | datetime | None
    expires_in: int | timedelta | None
    as_attachment: bool
    download_name: str | None


class Delivery:
    """Responds with files under the configured roots."""

    _instances: ClassVar[WeakSet[Delivery]] = WeakSet()

    def __init__(self, config: Config, *, mount: Callable[[], str] | None = None) -> None:
        self.config = config
        self._mount = mount or (lambda: config.mount)
        self.path_map = config.path_map()
        self._roots = [directory for directory, _ in self.path_map.roots]
        self.dialect = dialects.get(config)
        self._remote_map = config.remote_map()
        self._remote_map.check_keys()
        self._closed = config.closed_directories()
        self._link_map = config.link_map()
        self._signer = config.signer() if config.private_url is not None else None
        self._verifier = config.verifier() if config.private_url is not None else None
        self._observer = observer(config)
        self._instances.add(self)

    @classmethod
    def in_use(cls) -> list[Delivery]:
        """Return all instances. `xaccel.testing` uses them to interpret a response's headers."""
        return list(cls._instances)

    def offload(
        self, path: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None
    ) -> Headers:
        """Return the headers that make the server send a file, or `()` if the app has to send it.

        Raises:
            FileNotFound: The file does not exist or may not be sent.
            ConfigError: `path` is relative and there are several roots.
        """
        if isinstance(path, str) and origins.is_url(path):
            file = self._remote_map.find(path).signed("GET")
            return self.dialect.redirect(file.internal_url, limit_rate=None) or ()
        return self.dialect.offload(self.locate(path, root=root), limit_rate=None) or ()

    def private_file(
        self,
        path: Sendable,
        request: Request,
        options: FileOptions,
    ) -> Response:
        """Respond with a file that is under a root, on a remote, or opened by the app.

        Args:
            path: The file: a path, absolute or relative to `options.root`; a URL below one of
                `REMOTES`; an open file in any directory; or a `BytesIO`.
            request: The request.
            options: The file's root and presentation.

        Raises:
            FileNotFound: The file does not exist or may not be sent.
            ConfigError: `path` is relative and there are several roots; or the server can't limit
                the rate.
            TypeError: `path` is a file that was opened in text mode.
        """
        try:
            response = self._respond(path, request, options)
        except XaccelError as error:
            self._count(error.status_code)
            raise
        self._count(response.status)
        return response

    def _respond(self, path: Sendable, request: Request, options: FileOptions) -> Response:
        if not isinstance(path, str | os.PathLike):
            return self._open_file(path, request, options)
        if isinstance(path, str) and origins.is_url(path):
            return self._remote_file(path, request, options)
        location = self.locate(path, root=options.root)
        headers = self._presentation(posixpath.basename(location.path), options)
        return hand_over(location, request, headers, self.dialect, limit_rate=options.limit_rate)

    def _count(self, status: int) -> None:
        if self._observer is not None:
            self._observer.private_file(self.config.server, status)

    def is_on_remote(self, url: str) -> bool:
        """Whether a URL is below one of `REMOTES`."""
        try:
            self._remote_map.find(url)
        except (ConfigError, FileNotFound):
            return False
        return True

    def locate(
        self, path: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None
    ) -> Location:
        """Find a file under a root. Raises the same errors as `private_file()`."""
        location = self.path_map.locate(self._absolute(path, root))
        self.check_open(location.path)
        return location

    def check_open(self, path: str) -> None:
        """Refuse a path in the thumbnail cache. The cache may be below a root.

        Raises:
            FileNotFound: The path is in the thumbnail cache.
        """
        for directory in self._closed:
            if path == directory or path.startswith(f"{directory}/"):
                raise FileNotFound(
                    f"{path!r} may not be sent: it is in XACCEL['THUMBNAIL_CACHE'] {directory!r}"
                )

    def _presentation(self, name: str, options: FileOptions) -> Headers:
        return presentation(name, options, allow_scripts=self.config.allow_scripts)

    def _open_file(self, file: Any, request: Request, options: FileOptions) -> Response:
        if isinstance(file, io.TextIOBase):
            raise TypeError("the file is open in text mode; open it in binary mode")
        _check_limit_rate(self.dialect, options.limit_rate)
        name = getattr(file, "name", None)
        name = posixpath.basename(os.fsdecode(name)) if isinstance(name, str | bytes) else ""
        if options.limit_rate is not None:
            _warn_of_no_limit(name)
        return send_opened(file, request.conditions, self._presentation(name, options))

    def _remote_file(self, url: str, request: Request, options: FileOptions) -> Response:
        file = self._remote_map.find(url)
        headers = self._presentation(file.name, options)
        _check_limit_rate(self.dialect, options.limit_rate)
        # The web server keeps HEAD, and changes every other method to GET.
        method = "HEAD" if request.conditions.method == "HEAD" else "GET"
        try:
            file = file.signed(method)
            offload = self.dialect.redirect(file.internal_url, limit_rate=options.limit_rate)
            if offload is not None:
                return _offloaded(request, headers, offload)
            return self._remote_files.send(file, request.conditions, headers)
        except RemoteError as error:
            return _refusal(error)

    @cached_property
    def _remote_files(self) -> RemoteFiles:
        # This imports an HTTP client with TLS, which is needed only if the app sends the files.
        from xaccel.delivery.remote_files import RemoteFiles  # noqa: PLC0415

        return RemoteFiles(self._remote_map)

    def answer(
        self,
        path: Sendable,
        request: Request,
        options: FileOptions,
    ) -> Response:
        """Like `private_file()`, but respond with a 404 instead of raising `FileNotFound`."""
        try:
            return self.private_file(path, request, options)
        except FileNotFound as error:
            return _refusal(error)

    def private_url(
        self,
        path: str | os.PathLike[str],
        *,
        root: str | os.PathLike[str] | None = None,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
        as_attachment: bool = False,
        download_name: str | None = None,
        origin: str = "",
        mount: str | None = None,
    ) -> str:
        """Return a signed link to a file under a root. Anyone with the link can get the file.

        The file need not exist yet. With `secure-link-md5`, the server itself verifies the link
        and sends the file, so `as_attachment` and `download_name` can't be used.

        Args:
            path: The path of the file, absolute or relative to `root`.
            root: The root that a relative path belongs to. Not needed if there is only one root.
            expires: The last second in which the link is valid, as Unix seconds or an aware
                datetime.
            expires_in: The minimum validity of the link, in seconds. The link may be valid for up
                to 1.5 times as long, so that it stays the same for a while and can be cached.
            as_attachment: Whether the browser should save the file instead of showing it.
            download_name: The name under which the browser saves the file. By default, the name of
                the file.
            origin: The scheme and host to add to the link, such as `"https://example.com"`.
                `PRIVATE_HOST` takes precedence.
            mount: The decoded path at which the app is mounted. By default, it is taken from the
                current request or from the settings.

        Raises:
            ConfigError: `PRIVATE_URL` is not set; or `path` is relative and there are several
                roots.
            FileNotFound: No root contains the path.
            ValueError: The link can't be signed; the message says why.
        """
        if self._signer is None:
            raise ConfigError("signed links need XACCEL['PRIVATE_URL'], such as '/p/'")
        absolute = self._absolute(path, root)
        url = self._link_map.find(absolute)
        if url is None:
            raise FileNotFound(f"can't sign a link to {absolute!r}: it is outside every root")
        self.check_open(absolute)
        params = {}
        if as_attachment:
            params["as_attachment"] = "1"
        if download_name is not None:
            params["download_name"] = download_name
        below = urllib.parse.unquote(url, errors="strict")
        path = (self._mount() if mount is None else mount) + below
        origin = self.config.private_host or origin
        sign = self._signer.sign_path

        def link(expires: Expires, expires_in: ExpiresIn) -> str:
            signed = sign(path, params=params or None, expires=expires, expires_in=expires_in)
            return origin + signed

        signer = self.config.private_url_signer
        if signer is None:
            return link(expires, expires_in)
        if expires is None and expires_in is None:
            raise ValueError(
                "the signature of a CDN always expires, so the link needs expires=… or expires_in=…"
            )
        return on_cdn(link, signer, expires, expires_in)

    def respond(self, path: str, query: str, request: Request, mount: str = "") -> Response:
        """Respond to a request for a signed link.

        Args:
            path: The URL's decoded path below the mount, including the leading slash.
            query: The URL's undecoded query, without the question mark.
            request: The request.
            mount: The decoded path at which the app is mounted. By default, `MOUNT` from the
                settings.
        """
        if request.conditions.method not in {"GET", "HEAD"}:
            response = method_not_allowed()
            self._count(response.status)
            return response
        try:
            if self._verifier is None:
                raise FileNotFound("XACCEL['PRIVATE_URL'] is not set")
            request.check_spelling(path)
            with phase(self._observer, "verify"):
                path, signed = self._verifier.verify_below(path, query, mount or self.config.mount)
            file = self._linked(path)
        except XaccelError as error:
            self._count(error.status_code)
            if self._observer is not None:
                self._observer.bad_signature("private_file", error, query)
            return _refusal(error)
        params = dict(signed.params)
        options = FileOptions(
            as_attachment="as_attachment" in params,
            download_name=params.get("download_name"),
        )
        try:
            return self.private_file(file, request, options)
        except XaccelError as error:
            return _refusal(error)

    def _linked(self, path: str) -> str:
        """Return the path of the file that a link's path refers to."""
        for directory, prefix in self._link_map.roots:
            if path.startswith(prefix):
                return posixpath.join(directory, path.removeprefix(prefix))
        raise FileNotFound(f"{path!r} does not begin with the link prefix of a root")

    def _absolute(self, path: str | os.PathLike[str], root: str | os.PathLike[str] | None) -> str:
        path = os.fspath(path)
        if origins.is_url(path):
            raise FileNotFound(
                f"{shown(path)} is a URL: only files on this machine have signed links and private "
                "thumbnails"
            )
        is_absolute = path.startswith("/")
        if root is not None:
            if is_absolute:
                raise FileNotFound(
                    f"{path!r} may not be sent: it is absolute, but root= requires a relative path"
                )
            return posixpath.join(root, path)
        if is_absolute:
            return path
        if len(self._roots) != 1:
            raise ConfigError(
                f"XACCEL['ROOTS'] has {len(self._roots)} directories: "
                f"pass root=… with the relative path {path!r}"
            )
        return posixpath.join(self._roots[0], path)


def hand_over(
    location: Location,
    request: Request,
    headers: Headers,
    dialect: Dialect,
    *,
    limit_rate: int | None = None,
) -> Response:
    """Respond with a located file and the given headers. The server or the app sends the file.

    Raises:
        ConfigError: The server can't limit the rate.
    """
    _check_limit_rate(dialect, limit_rate)
    offload = dialect.offload(location, limit_rate=limit_rate)
    if offload is None:
        if limit_rate is not None:
            _warn_of_no_limit(location.path)
        return send_ourselves(location.open(), request.conditions, headers)
    validators = Validators.of_file(location.size, location.mtime)
    if any(name == "ETag" for name, _ in offload):
        # The server uses these validators, so the caller's validators replace ours.
        validators = _chosen(headers, validators)
        given = {name.lower() for name, _ in headers}
        offload = tuple(pair for pair in offload if pair[0].lower() not in given)
    if dialect.etag_is_ours and _fails_precondition(validators, request.conditions):
        return Response(_PRECONDITION_FAILED, (("Content-Length", "0"),))
    return _offloaded(request, headers, offload)


def _check_limit_rate(dialect: Dialect, limit_rate: int | None) -> None:
    if limit_rate is not None and not dialect.supports_limit_rate:
        able = dialects.names(lambda each: each.supports_limit_rate, "or")
        raise ConfigError(
            f"limit_rate={limit_rate!r}: {dialect.title} can't limit the rate of a single "
            f"response; leave it out, or set XACCEL['SERVER'] to {able}"
        )


def _offloaded(request: Request, headers: Headers, offload: Headers) -> Response:
    request.offloads.extend((name.lower(), value) for name, value in offload)
    # If the length were not 0, the server would close its connection to the app.
    return Response(200, (*headers, ("Content-Length", "0"), *offload))


def _refusal(error: XaccelError) -> Response:
    # Anyone can make up a link, so a bad signature does not deserve a warning.
    level = logging.INFO if isinstance(error, BadSignature) else logging.WARNING
    _logger.log(
        level,
        "%s: %s",
        type(error).__name__,
        one_line(error),
        extra=fields(
            "private_file_refused",
            error=type(error).__name__,
            status=error.status_code,
            is_limited=level == logging.INFO,
        ),
    )
    return error_response(error)


def _warn_of_no_limit(path: str) -> None:
    _logger.warning(
        "the app sends %r itself, without its limit_rate",
        path,
        extra=fields("rate_not_limited", path=path),
    )


def _fails_precondition(validators: Validators, conditions: Conditions) -> bool:
    """Whether to respond with 412. lighttpd never does, and nginx would close the connection."""
    return rfc9110.precondition_status(conditions, validators) == _PRECONDITION_FAILED


def _chosen(headers: Headers, ours: Validators) -> Validators:
    """Return the validators in the headers, and our own for any that are missing."""
    names = {name.lower() for name, _ in headers}
    given = Validators.of_headers(headers)
    return Validators(
        given.etag if "etag" in names else ours.etag,
        given.modified if "last-modified" in names else ours.modified,
    )


def _completed(headers: Headers, ours: Validators) -> tuple[Validators, Headers]:
    """Return the validators, and the headers with our validators added if they are missing."""
    if not _has_validators(headers):
        return ours, (*headers, *ours.headers)
    names = {name.lower() for name, _ in headers}
    missing = (pair for pair in ours.headers if pair[0].lower() not in names)
    return _chosen(headers, ours), (*headers, *missing)


@lru_cache(maxsize=64)
def _has_validators(headers: Headers) -> bool:
    return any(name.lower() in _VALIDATORS for name, _ in headers)


def send_ourselves(opened: OpenedFile, conditions: Conditions, headers: Headers) -> Response:
    """Respond with a file that the app itself sends. The file is closed or becomes the body."""
    location = opened.location
    ours = Validators.of_file(location.size, location.mtime)
    validators, headers = _completed(headers, ours)
    if location.size > AT_ONCE:
        file = open(location.path, "rb", opener=lambda *_: opened.detach())  # noqa: SIM115
        return answer_with_file(
            file, location.size, validators, conditions, headers, path=location.path
        )
    with opened:
        content = opened.read(AT_ONCE) or b""
    return answer_with_content(content, len(content), validators, conditions, headers)


def send_opened(file: BinaryIO, conditions: Conditions, headers: Headers) -> Response:
    """Respond with the rest of a file that the app has opened."""
    if has_plain_content(file) and file.seekable():
        plain = plain_file(file)
        if plain is not None and is_unread(file):
            status = os.fstat(plain.fileno())
            ours = Validators.of_file(status.st_size, int(status.st_mtime))
            _, headers = _completed(headers, ours)
        return send_open_file(file, conditions, headers)
    early = precondition_response(conditions, Validators.of_headers(headers), headers)
    if early is None and conditions.method != "HEAD":
        return Response(200, headers, StreamBody(file))
    file.close()
    return early or Response(200, headers)
