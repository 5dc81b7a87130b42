"""Responses with files that the app itself fetches from remotes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from xaccel import _http
from xaccel.delivery import rfc9110
from xaccel.delivery.conditional import precondition_response
from xaccel.delivery.origins import RemoteFile
from xaccel.delivery.remotes import RemoteMap
from xaccel.delivery.response import KEPT_BY_304, Headers, Response
from xaccel.delivery.rfc9110 import Conditions, Validators
from xaccel.exceptions import FileNotFound, RemoteError
from xaccel.servers.dialects.values import has_control

_CHUNK = 64 * 1024
_TIMEOUT = 30
# What a status means: the response has the file or a part of it; a condition or a range failed; the
# response has no content; the file does not exist (S3 responds with 403).
_WITH_CONTENT = frozenset({200, 206})
_FAILED = frozenset({412, 416})
_WITHOUT_CONTENT = _FAILED | {304}
_NO_SUCH_FILE = frozenset({300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410})
_VALIDATORS = frozenset({"etag", "last-modified"})
_OF_REMOTE = frozenset(
    {"accept-ranges", "content-length", "content-range", "etag", "last-modified"}
)


class RemoteBody:
    """The content of a file on a remote, read in constant memory. Iterating closes it.

    Each piece has a timeout of 30 seconds. There is no total timeout, because files may be large.
    """

    def __init__(self, response: _http.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with contextlib.closing(self):
            while chunk := self._response.read(_CHUNK):
                yield chunk
                self._response.prolong(_TIMEOUT)

    def close(self) -> None:
        """Release the connection."""
        self._response.close()


class RemoteFiles:
    """Fetches files from the remotes of an app."""

    def __init__(self, remotes: RemoteMap) -> None:
        # The operator chose these servers. Redirects to other servers are not followed.
        origins = [
            _http.Origin(remote.scheme, remote.host.strip("[]"), remote.port)
            for remote in remotes.remotes
        ]
        self._client = _http.Client(private_origins=origins)

    def send(self, file: RemoteFile, conditions: Conditions, headers: Headers) -> Response:
        """Respond with a file on a remote. The remote evaluates ranges and conditions if it can.

        Raises:
            FileNotFound: The file does not exist on the remote.
            RemoteError: The remote can't be reached, or it responded with an error.
        """
        chosen = {name.lower() for name, _ in headers} & _VALIDATORS
        if chosen:
            # The remote does not know these validators, so the conditions are evaluated here.
            validators = Validators.of_headers(headers)
            early = precondition_response(conditions, validators, headers)
            if early is not None:
                return early
            conditions = _without_conditions(conditions, validators)
        asked = {
            "Range": conditions.range if conditions.method == "GET" else None,
            "If-Range": conditions.if_range,
            "If-Match": conditions.if_match,
            "If-None-Match": conditions.if_none_match,
            "If-Modified-Since": conditions.if_modified_since,
            "If-Unmodified-Since": conditions.if_unmodified_since,
        }
        fields = {name: value for name, value in asked.items() if value is not None}
        # A URL that the caller has signed is valid only for GET, so the remote would refuse HEAD.
        is_head = file.remote.is_bucket and conditions.method == "HEAD"
        try:
            remote = self._client.request(
                "HEAD" if is_head else "GET",
                f"{file.remote.scheme}://{file.remote.authority}{file.path}",
                timeout=_TIMEOUT,
                headers={"Accept-Encoding": "identity", **fields},
            )
        except _http.RequestFailed as error:
            raise RemoteError(f"{file.remote.url} can't be reached: {error}") from None
        has_content = remote.status in _WITH_CONTENT
        body = RemoteBody(remote) if has_content and conditions.method != "HEAD" else b""
        if isinstance(body, bytes):
            remote.close()
        if remote.status in _NO_SUCH_FILE:
            raise FileNotFound(f"{file.remote.url} sent status {remote.status} for {file.name!r}")
        if not has_content and remote.status not in _WITHOUT_CONTENT:
            raise RemoteError(f"{file.remote.url} sent status {remote.status} for {file.name!r}")
        kept = set(_OF_REMOTE) - chosen
        if not has_content:
            headers = tuple(pair for pair in headers if pair[0].lower() in KEPT_BY_304)
            kept.remove("content-length")
        elif remote.headers.get("content-type", "").startswith("multipart/byteranges"):
            headers = tuple(pair for pair in headers if pair[0].lower() != "content-type")
            kept.add("content-type")
        theirs = [
            (name, value)
            for name, value in remote.headers.items()
            if name in kept and not has_control(value)
        ]
        if remote.status in _FAILED:
            theirs.append(("Content-Length", "0"))
        return Response(remote.status, (*headers, *theirs), body)


def _without_conditions(conditions: Conditions, validators: Validators) -> Conditions:
    """Return only the method and, if `If-Range` allows it, the range."""
    field = conditions.if_range
    wanted = conditions.range if field is None or rfc9110.is_current(field, validators) else None
    return Conditions(conditions.method, range=wanted)
