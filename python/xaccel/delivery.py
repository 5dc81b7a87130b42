"""How a private file is answered: a request's facts in; status, headers and body out.

This is the one place that decides. Adapters (`xaccel.flask`, `xaccel.django` …) collect the
`Request` from their framework and turn the `Response` into the framework's own; the modules
of `xaccel.servers` say how each server is told to send a file.
"""

from __future__ import annotations

import mimetypes
import os
import re
import secrets
import stat
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from xaccel import rfc9110, servers
from xaccel._core import Location
from xaccel.config import Config
from xaccel.exceptions import ConfigError, FileNotFound
from xaccel.rfc9110 import Conditions, Validators

Headers: TypeAlias = tuple[tuple[str, str], ...]

_CHUNK = 64 * 1024
# Characters that end or disguise a file name: controls, and those that change the direction
# in which a name is read ("gpj.exe" shown as "exe.jpg").
_DISGUISE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NOT_IN_FALLBACK = re.compile(r'[^\x20-\x7e]|["\\%/]')
# RFC 8187, attr-char, without the letters and digits that `quote` never touches.
_ATTR_CHAR = "!#$&+-.^_`|~"


@dataclass(frozen=True, slots=True)
class Request:
    """The facts of a request on which a response depends."""

    conditions: Conditions

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
            )
        )

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any]) -> Request:
        """Collect the facts from a WSGI environment (PEP 3333)."""
        return cls.from_headers(
            environ["REQUEST_METHOD"],
            lambda name: environ.get("HTTP_" + name.upper().replace("-", "_")),
        )


class FileBody:
    """Parts of an open file, between constant bytes, read in constant memory.

    Iterate once; `close()` closes the file. A file that has become shorter than promised is an
    `OSError`, since a response that ends early must not look complete.
    """

    def __init__(self, file: BinaryIO, parts: Sequence[bytes | rfc9110.Range]) -> None:
        self.file = file
        self.parts = parts

    @property
    def length(self) -> int:
        """The number of bytes in all parts."""
        return sum(len(part) if isinstance(part, bytes) else part[1] for part in self.parts)

    def __iter__(self) -> Iterator[bytes]:
        for part in self.parts:
            if isinstance(part, bytes):
                yield part
                continue
            start, remaining = part
            self.file.seek(start)
            while remaining:
                chunk = self.file.read(min(_CHUNK, remaining))
                if not chunk:
                    raise OSError("the file became shorter while it was being sent")
                remaining -= len(chunk)
                yield chunk

    def close(self) -> None:
        """Close the file."""
        self.file.close()


@dataclass(frozen=True, slots=True)
class Response:
    """A response for an adapter to translate. `headers` is complete: add nothing to it."""

    status: int
    headers: Headers
    body: bytes | FileBody = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """How a file is presented; the names are those of Flask's `send_file`.

    `limit_rate` is in bytes a second. `headers` are further response headers.
    """

    mimetype: str | None = None
    as_attachment: bool = False
    download_name: str | None = None
    max_age: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    limit_rate: int | None = None


class Delivery:
    """Answers with files under the configured roots."""

    def __init__(self, config: Config) -> None:
        self._path_map = config.path_map()
        self._server = servers.get(config.server)

    def private_file(
        self,
        path: str | os.PathLike[str],
        request: Request,
        options: FileOptions,
        *,
        root: str | os.PathLike[str] | None = None,
    ) -> Response:
        """Answer with a file under a root.

        Args:
            path: The file, absolute, or relative to `root`.
            request: The request's facts.
            options: How the file is presented.
            root: The directory of a relative path; not needed when there is one root only.

        Raises:
            FileNotFound: There is no such file that may be sent.
            ConfigError: `path` is relative and it is not clear to which root.
        """
        location = self._path_map.locate(self._absolute(path, root))
        return send(location, request, options, self._server)

    def _absolute(
        self, path: str | os.PathLike[str], root: str | os.PathLike[str] | None
    ) -> str:
        path = os.fspath(path)
        if root is not None:
            if Path(path).is_absolute():
                raise FileNotFound(f"{path!r} may not be sent: it is not below the root")
            return str(Path(root) / path)
        if Path(path).is_absolute():
            return path
        roots = self._path_map.roots
        if len(roots) != 1:
            raise ConfigError(
                f"XACCEL['ROOTS'] has {len(roots)} directories: "
                f"pass root=… with the relative path {path!r}"
            )
        return str(Path(roots[0][0]) / path)


def send(
    location: Location, request: Request, options: FileOptions, server: servers.Server
) -> Response:
    """Answer with a located file, by the server or ourselves."""
    headers = [
        *_presentation(Path(location.path).name, options),
        *options.headers.items(),
    ]
    offload = server.offload(location, limit_rate=options.limit_rate)
    if offload is not None:
        # A length of 0 is what keeps the server's connection to the app alive.
        return Response(200, (*headers, ("Content-Length", "0"), *offload))
    return _send_ourselves(location, request.conditions, headers)


def content_disposition(name: str, *, as_attachment: bool) -> str:
    """A Content-Disposition by RFC 6266, with the name in UTF-8 (RFC 8187) when it needs that."""
    name = _DISGUISE.sub("_", name)
    disposition = "attachment" if as_attachment else "inline"
    fallback = _NOT_IN_FALLBACK.sub("_", name)
    if fallback == name:
        return f'{disposition}; filename="{name}"'
    encoded = urllib.parse.quote(name.encode(errors="replace"), safe=_ATTR_CHAR)
    return f"{disposition}; filename=\"{fallback}\"; filename*=UTF-8''{encoded}"


def _presentation(name: str, options: FileOptions) -> Iterator[tuple[str, str]]:
    name = options.download_name or name
    mimetype = options.mimetype
    if mimetype is None:
        mimetype, encoding = mimetypes.guess_type(name)
        if mimetype is None or encoding is not None:
            # The bytes of "a.tar.gz" are no tar archive yet.
            mimetype = "application/octet-stream"
    yield "Content-Type", mimetype
    if options.as_attachment or options.download_name:
        yield (
            "Content-Disposition",
            content_disposition(name, as_attachment=options.as_attachment),
        )
    yield "X-Content-Type-Options", "nosniff"
    if options.max_age is None:
        yield "Cache-Control", "private, no-cache"
    else:
        yield "Cache-Control", f"private, max-age={options.max_age:d}"


def _send_ourselves(
    location: Location, conditions: Conditions, headers: list[tuple[str, str]]
) -> Response:
    file = _open(location)
    try:
        status = os.fstat(file.fileno())
        size, validators = (
            status.st_size,
            Validators.of_file(status.st_size, int(status.st_mtime)),
        )
        response = _respond(file, size, validators, conditions, headers)
    except BaseException:
        file.close()
        raise
    if not isinstance(response.body, FileBody):
        file.close()
    return response


def _respond(
    file: BinaryIO,
    size: int,
    validators: Validators,
    conditions: Conditions,
    headers: list[tuple[str, str]],
) -> Response:
    about = (
        ("ETag", validators.etag),
        ("Last-Modified", rfc9110.http_date(validators.modified)),
    )
    status = rfc9110.precondition_status(conditions, validators)
    if status == 304:  # noqa: PLR2004
        kept = {"cache-control", "content-location", "date", "expires", "vary"}
        return Response(304, (*(pair for pair in headers if pair[0].lower() in kept), *about))
    if status is not None:
        return Response(status, (("Content-Length", "0"),))

    ranges = rfc9110.requested_ranges(conditions, validators, size)
    parts: list[bytes | rfc9110.Range]
    if ranges is None:
        status, parts = 200, [(0, size)]
    elif not ranges:
        return Response(416, (("Content-Range", f"bytes */{size}"), ("Content-Length", "0")))
    elif len(ranges) == 1:
        status, parts = 206, list(ranges)
        headers = [*headers, ("Content-Range", _content_range(ranges[0], size))]
    else:
        status = 206
        headers, parts = _multipart(headers, ranges, size)
    body = FileBody(file, parts)
    return Response(
        status,
        (*headers, *about, ("Accept-Ranges", "bytes"), ("Content-Length", str(body.length))),
        b"" if conditions.method == "HEAD" else body,
    )


def _multipart(
    headers: list[tuple[str, str]], ranges: Sequence[rfc9110.Range], size: int
) -> tuple[list[tuple[str, str]], list[bytes | rfc9110.Range]]:
    """Several ranges as `multipart/byteranges` (RFC 9110, section 14.6)."""
    boundary = secrets.token_hex(12)
    content_type = dict(headers)["Content-Type"]
    parts: list[bytes | rfc9110.Range] = []
    for part in ranges:
        head = (
            f"\r\n--{boundary}\r\nContent-Type: {content_type}\r\n"
            f"Content-Range: {_content_range(part, size)}\r\n\r\n"
        )
        parts += [head.encode("latin-1"), part]
    parts.append(f"\r\n--{boundary}--\r\n".encode())
    others = [(name, value) for name, value in headers if name != "Content-Type"]
    return [*others, ("Content-Type", f"multipart/byteranges; boundary={boundary}")], parts


def _content_range(part: rfc9110.Range, size: int) -> str:
    start, length = part
    return f"bytes {start}-{start + length - 1}/{size}"


def _open(location: Location) -> BinaryIO:
    """Open exactly the file that was located: no link, and nothing that blocks, in its place."""
    try:
        descriptor = os.open(location.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise FileNotFound(f"{location.path!r} can't be read: {error.strerror}") from None
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise FileNotFound(f"{location.path!r} may not be sent: it is not a regular file")
    return file
