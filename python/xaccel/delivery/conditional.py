"""Responses to conditional requests and range requests (RFC 9110)."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from typing import BinaryIO

from xaccel.delivery import rfc9110
from xaccel.delivery.response import (
    KEPT_BY_304,
    FileBody,
    Headers,
    Response,
)
from xaccel.delivery.rfc9110 import Conditions, Validators


def send_open_file(
    file: BinaryIO, conditions: Conditions, headers: Headers, *, path: str | None = None
) -> Response:
    """Respond with the rest of a seekable file. `headers` includes its validators.

    The file is closed unless it becomes the body. `path` is the path of a file with the same
    content, if there is one. A server may read that file instead.
    """
    start = file.tell()
    size = max(file.seek(0, os.SEEK_END) - start, 0)
    validators = Validators.of_headers(headers)
    return answer_with_file(file, size, validators, conditions, headers, start=start, path=path)


def precondition_response(
    conditions: Conditions, validators: Validators, headers: Headers
) -> Response | None:
    """Return the 304 or 412 response that ends a request early, or `None` to continue.

    `headers` also includes the validators.
    """
    status = rfc9110.precondition_status(conditions, validators)
    if status == 304:  # noqa: PLR2004
        return Response(304, tuple(pair for pair in headers if pair[0].lower() in KEPT_BY_304))
    if status is not None:
        return Response(status, (("Content-Length", "0"),))
    return None


def answer_with_file(
    file: BinaryIO,
    size: int,
    validators: Validators,
    conditions: Conditions,
    headers: Headers,
    *,
    start: int = 0,
    path: str | None = None,
) -> Response:
    """Respond with a seekable file. The file is closed unless it becomes the body.

    `headers` also includes the validators. `start` is the position of the first byte. For `path`,
    see `FileBody.path`.
    """
    try:
        response = answer_with_content(
            file, size, validators, conditions, headers, start=start, path=path
        )
        file.seek(start)
    except BaseException:
        file.close()
        raise
    if not isinstance(response.body, FileBody):
        file.close()
    return response


def answer_with_content(
    content: BinaryIO | bytes,
    size: int,
    validators: Validators,
    conditions: Conditions,
    headers: Headers,
    *,
    start: int = 0,
    path: str | None = None,
) -> Response:
    """Respond with all of `content`, with its requested ranges, or with an empty body.

    `headers` also includes the validators. `size` is in bytes. `start` and `path` apply to files;
    see `answer_with_file()`.
    """
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
        body = content if ranges is None else _joined(content, parts)
        length = len(body)
    else:
        shifted = [
            part if isinstance(part, bytes) else (start + part[0], part[1]) for part in parts
        ]
        body = FileBody(content, shifted, path=path)
        length = body.length
    return Response(
        status,
        (*headers, ("Accept-Ranges", "bytes"), ("Content-Length", str(length))),
        b"" if conditions.method == "HEAD" else body,
    )


def _joined(content: bytes, parts: Sequence[bytes | rfc9110.Range]) -> bytes:
    return b"".join(
        part if isinstance(part, bytes) else content[part[0] : sum(part)] for part in parts
    )


def _multipart(
    headers: Headers, ranges: Sequence[rfc9110.Range], size: int
) -> tuple[Headers, list[bytes | rfc9110.Range]]:
    """Return the headers and the body for several ranges (RFC 9110, section 14.6)."""
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
