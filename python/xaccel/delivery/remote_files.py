"""Answers with files on a remote that the app fetches itself."""

from __future__ import annotations

from xaccel.delivery import remote_fetch, remotes
from xaccel.delivery.response import (
    KEPT_BY_304,
    Headers,
    Response,
)
from xaccel.delivery.rfc9110 import Conditions
from xaccel.exceptions import FileNotFound, RemoteError

# What a remote may answer: the file or parts of it; that there is no need to send it; and what
# means to visitors that there is none. S3 says 403 for that.
_WITH_CONTENT = frozenset({200, 206})
_FAILED = frozenset({412, 416})
_WITHOUT_CONTENT = _FAILED | {304}
_NO_SUCH_FILE = frozenset({300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410})
_OF_REMOTE = frozenset(
    {"accept-ranges", "content-length", "content-range", "etag", "last-modified"}
)


def send_remote(file: remotes.RemoteFile, conditions: Conditions, headers: Headers) -> Response:
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
        headers = tuple(pair for pair in headers if pair[0].lower() in KEPT_BY_304)
        kept.remove("content-length")
    elif remote.headers.get("content-type", "").startswith("multipart/byteranges"):
        headers = tuple(pair for pair in headers if pair[0].lower() != "content-type")
        kept.add("content-type")
    theirs = [pair for pair in remote.headers.items() if pair[0] in kept]
    if remote.status in _FAILED:
        theirs.append(("Content-Length", "0"))
    return Response(remote.status, (*headers, *theirs), body)
