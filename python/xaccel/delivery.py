"""How a private file is answered: a request's facts in; status, headers and body out.

This is the one place that decides. Adapters (`xaccel.flask`, `xaccel.django` …) collect the
`Request` from their framework and turn the `Response` into the framework's own; the modules
of `xaccel.servers` say how each server is told to send a file.
"""

from __future__ import annotations

import contextlib
import logging
import mimetypes
import os
import posixpath
import re
import secrets
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, BinaryIO, ClassVar, TypeAlias, TypedDict
from weakref import WeakSet

from xaccel import remote_fetch, remotes, rfc9110, servers
from xaccel._core import Location, encode_path
from xaccel.config import Config
from xaccel.exceptions import ConfigError, FileNotFound, RemoteError, XaccelError
from xaccel.remote_fetch import RemoteBody
from xaccel.rfc9110 import Conditions, Validators
from xaccel.servers import nginx

Headers: TypeAlias = tuple[tuple[str, str], ...]

REQUEST = "xaccel.request"
"""Where the `Sendfile` middleware leaves a request's facts, in a WSGI environment or an ASGI
scope, since it hides some of them from the app."""

CHUNK = 256 * 1024
"""How many bytes of a file are read at once: as many as make the way through a thread cheap."""

AT_ONCE = 64 * 1024
"""A file up to this many bytes is read before it is sent, which takes less than to hand it on."""

_logger = logging.getLogger("xaccel.delivery")

NOSNIFF = ("X-Content-Type-Options", "nosniff")
"""What is not of the type we say is not to be taken for another: a visitor may have sent it."""

ERROR_CACHE_CONTROL = "max-age=15"
"""For moments only: a missing file may come, a bad one be replaced."""

_PRECONDITION_FAILED = 412
# Characters that end or disguise a file name: controls, and those that change the direction
# in which a name is read ("gpj.exe" shown as "exe.jpg").
_DISGUISE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NOT_IN_FALLBACK = re.compile(r'[^\x20-\x7e]|["\\%/]')
# RFC 8187, attr-char, without the letters and digits that `quote` never touches.
_ATTR_CHAR = "!#$&+-.^_`|~"
# What a remote may answer: the file or parts of it; that there is no need to send it; and what
# means to visitors that there is none. S3 says 403 for that.
_WITH_CONTENT = frozenset({200, 206})
_FAILED = frozenset({412, 416})
_WITHOUT_CONTENT = _FAILED | {304}
_NO_SUCH_FILE = frozenset({300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410})
_OF_REMOTE = frozenset(
    {"accept-ranges", "content-length", "content-range", "etag", "last-modified"}
)
_KEPT_BY_304 = frozenset(
    {"cache-control", "content-location", "date", "etag", "expires", "last-modified", "vary"}
)


@dataclass(frozen=True, slots=True)
class Request:
    """The facts of a request on which a response depends."""

    conditions: Conditions
    accept: str | None = None
    offloads: list[tuple[str, str]] = field(default_factory=list, compare=False)
    """The headers, in lower case, by which we told a server to send a file: others are foreign."""

    @classmethod
    def from_headers(cls, method: str, get: Callable[[str], str | None]) -> Request:
        """Collect the facts; `get` finds a header field by its name, such as `If-Range`."""
        return cls(
            Conditions(
                method=method,
                if_match=get("If-Match"),
                if_none_match=get("If-None-Match"),
                if_modified_since=get("If-Modified-Since"),
                if_unmodified_since=get("If-Unmodified-Since"),
                if_range=get("If-Range"),
                range=get("Range"),
            ),
            accept=get("Accept"),
        )

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any]) -> Request:
        """Collect the facts from a WSGI environment (PEP 3333)."""
        known: Request | None = environ.get(REQUEST)
        if known is not None:
            return known
        # One by one: this is asked of every request.
        field = environ.get
        return cls(
            Conditions(
                environ["REQUEST_METHOD"],
                field("HTTP_IF_MATCH"),
                field("HTTP_IF_NONE_MATCH"),
                field("HTTP_IF_MODIFIED_SINCE"),
                field("HTTP_IF_UNMODIFIED_SINCE"),
                field("HTTP_IF_RANGE"),
                field("HTTP_RANGE"),
            ),
            field("HTTP_ACCEPT"),
        )

    @classmethod
    def from_scope(cls, scope: Mapping[str, Any]) -> Request:
        """Collect the facts from the scope of an ASGI request."""
        known: Request | None = scope.get(REQUEST)
        if known is not None:
            return known

        def get(name: str) -> str | None:
            wanted = name.lower().encode()
            values = [value for key, value in scope["headers"] if key.lower() == wanted]
            return b", ".join(values).decode("latin-1") if values else None

        return cls.from_headers(scope["method"], get)


class FileBody:
    """Parts of an open file, between constant bytes, read in constant memory.

    Iterate once, which closes the file, as does `close()`. A file that has become shorter than
    promised is an `OSError`, since a response that ends early must not look complete.
    """

    def __init__(self, file: BinaryIO, parts: Sequence[bytes | rfc9110.Range]) -> None:
        self.file = file
        self.parts = parts
        # Django replaces the file's own method with one that calls this one again.
        self._close = file.close

    @property
    def length(self) -> int:
        """The number of bytes in all parts."""
        return sum(len(part) if isinstance(part, bytes) else part[1] for part in self.parts)

    def __iter__(self) -> Iterator[bytes]:
        with contextlib.closing(self):
            for part in self.parts:
                if isinstance(part, bytes):
                    yield part
                else:
                    yield from self._read(*part)

    def _read(self, start: int, remaining: int) -> Iterator[bytes]:
        self.file.seek(start)
        while remaining:
            chunk = self.file.read(min(CHUNK, remaining))
            if not chunk:
                raise OSError("the file became shorter while it was being sent")
            remaining -= len(chunk)
            yield chunk

    def close(self) -> None:
        """Close the file."""
        self._close()


@dataclass(frozen=True, slots=True)
class Response:
    """A response for an adapter to translate. `headers` is complete: add nothing to it."""

    status: int
    headers: Headers
    body: bytes | FileBody | RemoteBody = b""

    @property
    def whole_file(self) -> BinaryIO | None:
        """The open file, when all of it is the body; its `name` is its path."""
        if isinstance(self.body, FileBody) and self.status == 200:  # noqa: PLR2004
            return self.body.file
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """How a file is presented; the names are those of Flask's `send_file`.

    `limit_rate` is in bytes a second. `headers` are further response headers.

    Raises:
        ConfigError: `limit_rate` is not positive, which to some servers is no limit at all.
    """

    mimetype: str | None = None
    as_attachment: bool = False
    download_name: str | None = None
    max_age: int | None = None
    headers: Mapping[str, str] | None = None
    limit_rate: int | None = None

    def __post_init__(self) -> None:
        if self.limit_rate is not None and self.limit_rate < 1:
            raise ConfigError(
                f"limit_rate={self.limit_rate!r} must be bytes a second; leave it out for no limit"
            )


class FileKeywords(TypedDict, total=False):
    """`FileOptions` as keywords of `send_private_file()`."""

    mimetype: str | None
    as_attachment: bool
    download_name: str | None
    max_age: int | None
    headers: Mapping[str, str] | None
    limit_rate: int | None


class Delivery:
    """Answers with files under the configured roots."""

    _instances: ClassVar[WeakSet[Delivery]] = WeakSet()

    def __init__(self, config: Config) -> None:
        self.config = config
        self.path_map = config.path_map()
        self._roots = [directory for directory, _ in self.path_map.roots]
        self.server = servers.get(config)
        self._remote_map = config.remote_map()
        self._link_map = config.link_map()
        self._signer = config.signer() if config.private_url is not None else None
        self._instances.add(self)

    @classmethod
    def in_use(cls) -> list[Delivery]:
        """All that there are; `xaccel.testing` asks them what a response's header means."""
        return list(cls._instances)

    def offload(self, path: str | os.PathLike[str]) -> Headers:
        """The headers that make the server send a file; none when the app has to.

        Raises:
            FileNotFound: There is no such file that may be sent.
            ConfigError: `path` is relative and it is not clear to which root.
        """
        return self.server.offload(self.locate(path), limit_rate=None) or ()

    def private_file(
        self,
        path: str | os.PathLike[str],
        request: Request,
        options: FileOptions,
        *,
        root: str | os.PathLike[str] | None = None,
    ) -> Response:
        """Answer with a file under a root, or on a remote.

        Args:
            path: The file, absolute, or relative to `root`; or a URL below one of `REMOTES`.
            request: The request's facts.
            options: How the file is presented.
            root: The directory of a relative path; not needed when there is one root only.

        Raises:
            FileNotFound: There is no such file that may be sent.
            ConfigError: `path` is relative and it is not clear to which root; or nobody can
                limit the rate.
        """
        if isinstance(path, str) and remotes.is_url(path):
            return self._remote_file(path, request, options)
        location = self.locate(path, root=root)
        headers = presentation(posixpath.basename(location.path), options)
        return hand_over(location, request, headers, self.server, limit_rate=options.limit_rate)

    def locate(
        self, path: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None
    ) -> Location:
        """Find a file under a root; the errors are those of `private_file()`."""
        return self.path_map.locate(self._absolute(path, root))

    def _remote_file(self, url: str, request: Request, options: FileOptions) -> Response:
        file = self._remote_map.find(url)
        headers = presentation(file.name, options)
        if self.server is servers.direct:
            servers.direct.no_limit_rate(options.limit_rate)
            try:
                return _send_remote(file, request.conditions, headers)
            except RemoteError as error:
                return _refusal(error)
        offload = nginx.redirect(file.internal_url, limit_rate=options.limit_rate)
        return _offloaded(request, headers, offload)

    def answer(
        self,
        path: str | os.PathLike[str],
        request: Request,
        options: FileOptions,
        *,
        root: str | os.PathLike[str] | None = None,
    ) -> Response:
        """As `private_file()`, with a 404 instead of an error for what may not be sent."""
        try:
            return self.private_file(path, request, options, root=root)
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
    ) -> str:
        """A signed link to a file under a root: whoever has it gets the file, without a view.

        The file need not exist yet. With `secure-link-md5`, where the server itself checks the
        link and sends the file, a link can't say how the file is presented.

        Args:
            path: The file, absolute, or relative to `root`.
            root: The directory of a relative path; not needed when there is one root only.
            expires: The last second in which the link is good: Unix seconds or an aware
                datetime.
            expires_in: How long it is good, in seconds; it is good for up to 1.5 times as long,
                so that the link stays the same and caches work.
            as_attachment: Whether the browser should save the file rather than show it.
            download_name: The name under which it is saved; by default its own.

        Raises:
            ConfigError: `PRIVATE_URL` is not set, or it is not clear which root is meant.
            FileNotFound: No root contains the path.
            ValueError: The link can't be signed; the message says why.
        """
        if self._signer is None:
            raise ConfigError("signed links need XACCEL['PRIVATE_URL'], such as '/p/'")
        absolute = self._absolute(path, root)
        url = self._link_map.find(absolute)
        if url is None:
            raise FileNotFound(f"{absolute!r} can't be linked to: it is outside every root")
        params = {}
        if as_attachment:
            params["as_attachment"] = "1"
        if download_name is not None:
            params["download_name"] = download_name
        return self._signer.sign_path(
            urllib.parse.unquote(url, errors="strict"),
            params=params or None,
            expires=expires,
            expires_in=expires_in,
        )

    def respond(self, path: str, query: str, request: Request) -> Response:
        """Answer the request for a signed link.

        Args:
            path: The URL's path, decoded, from the first slash.
            query: The URL's query as it was sent, without the question mark.
            request: The request's facts.
        """
        if request.conditions.method not in {"GET", "HEAD"}:
            return method_not_allowed()
        try:
            if self._signer is None:
                raise FileNotFound("there is no PRIVATE_URL")
            signed = self._signer.verify_parts(f"{encode_path(path)}?{query}")
            params = dict(signed.params)
            options = FileOptions(
                as_attachment="as_attachment" in params,
                download_name=params.get("download_name"),
            )
            return self.private_file(self._linked(signed.path), request, options)
        except XaccelError as error:
            return _refusal(error)

    def _linked(self, path: str) -> str:
        """The file that a link's path means."""
        for directory, prefix in self._link_map.roots:
            if path.startswith(prefix):
                return posixpath.join(directory, path.removeprefix(prefix))
        raise FileNotFound(f"{path!r} is below no root's link")

    def _absolute(self, path: str | os.PathLike[str], root: str | os.PathLike[str] | None) -> str:
        path = os.fspath(path)
        is_absolute = path.startswith("/")
        if root is not None:
            if is_absolute:
                raise FileNotFound(f"{path!r} may not be sent: it is not below the root")
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
    server: servers.Server,
    *,
    limit_rate: int | None = None,
) -> Response:
    """Answer with a located file and these headers, by the server or ourselves."""
    offload = server.offload(location, limit_rate=limit_rate)
    if offload is not None:
        if server.ETAG_IS_OURS and _fails_precondition(location, request.conditions):
            return Response(_PRECONDITION_FAILED, (("Content-Length", "0"),))
        return _offloaded(request, headers, offload)
    if limit_rate is not None:
        _logger.warning("%r is sent without its limit_rate, by the app", location.path)
    return _send_ourselves(location, request.conditions, headers)


def _offloaded(request: Request, headers: Headers, offload: Headers) -> Response:
    request.offloads.extend((name.lower(), value) for name, value in offload)
    # A length of 0 is what keeps the server's connection to the app alive.
    return Response(200, (*headers, ("Content-Length", "0"), *offload))


def _refusal(error: XaccelError) -> Response:
    _logger.warning("%s: %s", type(error).__name__, error)
    return error_response(error)


def error_response(error: XaccelError) -> Response:
    """The answer to a visitor when something is wrong with what was asked for.

    It is kept for moments only: a missing file may come, a bad one be replaced.
    """
    body = f"{error.public_message}\n".encode()
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        "Cache-Control": ERROR_CACHE_CONTROL,
        "X-Content-Type-Options": "nosniff",
    }
    if error.retry_after is not None:
        headers |= {"Cache-Control": "no-store", "Retry-After": str(error.retry_after)}
    return Response(error.status_code, tuple(headers.items()), body)


def method_not_allowed() -> Response:
    """The answer to a method that only reads are allowed instead of."""
    return Response(405, (("Allow", "GET, HEAD"), ("Content-Length", "0")))


def content_disposition(name: str, *, as_attachment: bool) -> str:
    """A Content-Disposition by RFC 6266, with the name in UTF-8 (RFC 8187) when it needs that."""
    name = _DISGUISE.sub("_", name)
    disposition = "attachment" if as_attachment else "inline"
    fallback = _NOT_IN_FALLBACK.sub("_", name)
    if fallback == name:
        return f'{disposition}; filename="{name}"'
    encoded = urllib.parse.quote(name.encode(errors="replace"), safe=_ATTR_CHAR)
    return f"{disposition}; filename=\"{fallback}\"; filename*=UTF-8''{encoded}"


def presentation(name: str, options: FileOptions) -> Headers:
    """The headers that say how a file is to be taken, whoever sends it."""
    name = options.download_name or name
    headers = dict((("Content-Type", options.mimetype or _guess_type(name)), NOSNIFF))
    if options.as_attachment or options.download_name:
        headers["Content-Disposition"] = content_disposition(
            name, as_attachment=options.as_attachment
        )
    headers["Cache-Control"] = private_cache_control(options.max_age)
    if not options.headers:
        return tuple(headers.items())
    overridden = {field_name.lower() for field_name in options.headers}
    return (
        *(pair for pair in headers.items() if pair[0].lower() not in overridden),
        *(pair for pair in options.headers.items() if not is_offload_header(pair[0])),
    )


def private_cache_control(max_age: int | None) -> str:
    """For how many seconds a browser may use what is for its user only, without asking again."""
    return "private, no-cache" if max_age is None else f"private, max-age={max_age:d}"


def _guess_type(name: str) -> str:
    mimetype, encoding = mimetypes.guess_type(name)
    # The bytes of "a.tar.gz" are no tar archive yet.
    return "application/octet-stream" if mimetype is None or encoding is not None else mimetype


def is_offload_header(name: str) -> bool:
    """Whether a response header says which file a server sends, or how: ours alone may do that.

    Two of nginx's say how it treats the app's own response: event streams need the one, caches
    the other.
    """
    name = name.lower()
    return name.startswith(("x-accel-", "x-sendfile", "x-lighttpd-")) and name not in {
        "x-accel-buffering",
        "x-accel-expires",
    }


def _fails_precondition(location: Location, conditions: Conditions) -> bool:
    """Whether the answer is 412: lighttpd doesn't know it, nginx drops the connection after it."""
    validators = Validators.of_file(location.size, location.mtime)
    return rfc9110.precondition_status(conditions, validators) == _PRECONDITION_FAILED


def _send_ourselves(location: Location, conditions: Conditions, headers: Headers) -> Response:
    read = location.read(AT_ONCE) if location.size <= AT_ONCE else None
    if read is not None:
        content, modified = read
        validators = Validators.of_file(len(content), modified)
        headers = (*headers, *validators.headers)
        return _conditional(content, len(content), validators, conditions, headers)
    file = _open(location)
    status = os.fstat(file.fileno())
    validators = Validators.of_file(status.st_size, int(status.st_mtime))
    headers = (*headers, *validators.headers)
    return _respond(file, status.st_size, validators, conditions, headers)


def _send_remote(file: remotes.RemoteFile, conditions: Conditions, headers: Headers) -> Response:
    """Answer with a file on a remote, which does ranges and conditions if it knows them."""
    asked = {
        "Range": conditions.range if conditions.method == "GET" else None,
        "If-Range": conditions.if_range,
        "If-Match": conditions.if_match,
        "If-None-Match": conditions.if_none_match,
        "If-Modified-Since": conditions.if_modified_since,
        "If-Unmodified-Since": conditions.if_unmodified_since,
    }
    fields = {name: value for name, value in asked.items() if value is not None}
    remote = remote_fetch.fetch(file, {"Accept-Encoding": "identity", **fields})
    has_content = remote.status in _WITH_CONTENT
    body = remote.body if has_content and conditions.method != "HEAD" else b""
    if isinstance(body, bytes):
        remote.body.close()
    if remote.status in _NO_SUCH_FILE:
        raise FileNotFound(f"{file.remote.url} answers {remote.status} for {file.name!r}")
    if not has_content and remote.status not in _WITHOUT_CONTENT:
        raise RemoteError(f"{file.remote.url} answers {remote.status} for {file.name!r}")
    kept = set(_OF_REMOTE)
    if not has_content:
        headers = tuple(pair for pair in headers if pair[0].lower() in _KEPT_BY_304)
        kept.remove("content-length")
    elif remote.headers.get("content-type", "").startswith("multipart/byteranges"):
        headers = tuple(pair for pair in headers if pair[0].lower() != "content-type")
        kept.add("content-type")
    theirs = [pair for pair in remote.headers.items() if pair[0] in kept]
    if remote.status in _FAILED:
        theirs.append(("Content-Length", "0"))
    return Response(remote.status, (*headers, *theirs), body)


def send_open_file(file: BinaryIO, conditions: Conditions, headers: Headers) -> Response:
    """Answer with a file that an app has opened, whose validators are among `headers`.

    The file has to be seekable. It is closed when it is not the body.
    """
    fields = {name.lower(): value for name, value in headers}
    modified = rfc9110.parse_http_date(fields.get("last-modified", ""))
    validators = Validators(fields.get("etag", ""), -1 if modified is None else modified)
    return _respond(file, file.seek(0, os.SEEK_END), validators, conditions, headers)


def precondition_response(
    conditions: Conditions, validators: Validators, headers: Headers
) -> Response | None:
    """The 304 or 412 with which a request ends early; `None` to go on.

    The validators are among the headers, too.
    """
    status = rfc9110.precondition_status(conditions, validators)
    if status == 304:  # noqa: PLR2004
        return Response(304, tuple(pair for pair in headers if pair[0].lower() in _KEPT_BY_304))
    if status is not None:
        return Response(status, (("Content-Length", "0"),))
    return None


def _respond(
    file: BinaryIO,
    size: int,
    validators: Validators,
    conditions: Conditions,
    headers: Headers,
) -> Response:
    try:
        response = _conditional(file, size, validators, conditions, headers)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    if not isinstance(response.body, FileBody):
        file.close()
    return response


def _conditional(
    content: BinaryIO | bytes,
    size: int,
    validators: Validators,
    conditions: Conditions,
    headers: Headers,
) -> Response:
    early = precondition_response(conditions, validators, headers)
    if early is not None:
        return early
    ranges = rfc9110.requested_ranges(conditions, validators, size)
    parts: list[bytes | rfc9110.Range]
    if ranges is None:
        status, parts = 200, [(0, size)]
    elif not ranges:
        return Response(416, (("Content-Range", f"bytes */{size}"), ("Content-Length", "0")))
    elif len(ranges) == 1:
        status, parts = 206, list(ranges)
        headers = (*headers, ("Content-Range", _content_range(ranges[0], size)))
    else:
        status = 206
        headers, parts = _multipart(headers, ranges, size)
    body: bytes | FileBody
    if isinstance(content, bytes):
        body = b"".join(
            part if isinstance(part, bytes) else content[part[0] : sum(part)] for part in parts
        )
        length = len(body)
    else:
        body = FileBody(content, parts)
        length = body.length
    return Response(
        status,
        (*headers, ("Accept-Ranges", "bytes"), ("Content-Length", str(length))),
        b"" if conditions.method == "HEAD" else body,
    )


def _multipart(
    headers: Headers, ranges: Sequence[rfc9110.Range], size: int
) -> tuple[Headers, list[bytes | rfc9110.Range]]:
    """Several ranges as `multipart/byteranges` (RFC 9110, section 14.6)."""
    boundary = secrets.token_hex(12)
    fields = {name.lower(): value for name, value in headers}
    content_type = fields.get("content-type", "application/octet-stream")
    parts: list[bytes | rfc9110.Range] = []
    for part in ranges:
        head = (
            f"\r\n--{boundary}\r\nContent-Type: {content_type}\r\n"
            f"Content-Range: {_content_range(part, size)}\r\n\r\n"
        )
        parts += [head.encode("latin-1"), part]
    parts.append(f"\r\n--{boundary}--\r\n".encode())
    others = (pair for pair in headers if pair[0].lower() != "content-type")
    return (*others, ("Content-Type", f"multipart/byteranges; boundary={boundary}")), parts


def _content_range(part: rfc9110.Range, size: int) -> str:
    start, length = part
    return f"bytes {start}-{start + length - 1}/{size}"


def _open(location: Location) -> BinaryIO:
    """Open exactly the file that was located: nothing that was put in its place since."""

    def opener(path: str, flags: int) -> int:
        return os.open(path, flags | os.O_NONBLOCK)

    try:
        # Its user closes it.
        file = open(location.path, "rb", opener=opener)  # noqa: SIM115
    except OSError as error:
        raise FileNotFound(f"{location.path!r} can't be read: {error.strerror}") from None
    status = os.fstat(file.fileno())
    if (status.st_dev, status.st_ino) != (location.device, location.inode):
        file.close()
        raise FileNotFound(f"{location.path!r} may not be sent: it was replaced meanwhile")
    return file
