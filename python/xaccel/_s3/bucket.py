"""Requests for the objects in a bucket, sent with the HTTP client in `xaccel._http`."""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
import time
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import quote

from xaccel import _http
from xaccel._s3.credentials import Signers
from xaccel._s3.errors import S3Error, S3Missing, S3Refused, S3TooLarge, S3Unavailable
from xaccel._s3.settings import BucketSettings

ATTEMPTS = 3
"""The default maximum number of attempts to send a request."""

_PAUSE = 0.2
"""The maximum pause before the second attempt, in seconds. It doubles for each further attempt."""

# S3 reports `SlowDown` with the status 503. Some other stores use 429.
_TEMPORARY = frozenset({429, 500, 502, 503, 504})
_TEMPORARY_CODES = frozenset({"RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable"})
_ERROR_BYTES = 16 * 1024
_PIECE = 256 * 1024
_EMPTY = hashlib.sha256(b"").hexdigest()


class Bucket:
    """The objects of a bucket.

    Threads, greenlets and forked processes may share an instance.

    Args:
        settings: The location of the bucket, and its keys.
        attempts: The maximum number of attempts to send a request.

    Raises:
        ConfigError: The bucket has no keys.
    """

    def __init__(self, settings: BucketSettings, *, attempts: int = ATTEMPTS) -> None:
        self._attempts = attempts
        self.name = settings.bucket
        """The name of the bucket."""
        self._settings = settings
        self._signers = Signers(settings)
        # The operator chose this server, so it may be in a private network. Redirects are not
        # followed.
        origin = _http.Origin.of(settings.url("x"))
        self._client = _http.Client(private_origins=[origin])

    def request(
        self,
        method: str,
        key: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        expected: Collection[int] = (200,),
        max_bytes: int | None = None,
    ) -> _http.Response:
        """Send a request, and wait for the response header.

        If the store does not respond or reports that it is overloaded, the request is sent again
        after a short pause.

        Args:
            method: The method, such as `GET`.
            key: The key of the object, not encoded; empty for a request to the bucket itself.
            timeout: The total time in seconds, including pauses and the response's body.
            headers: The header fields of the request.
            query: The parameters of the request.
            body: The body.
            expected: The statuses to accept. Any other status raises an error.
            max_bytes: The maximum size of the response's body in bytes.

        Raises:
            S3Missing: The object does not exist, or may not be read.
            S3Refused: The store refuses the request.
            S3TooLarge: The response header announces a body that is too large.
            S3Unavailable: The store does not respond, or is overloaded.
        """
        place = f"s3://{self.name}/{key}"
        try:
            url = self._settings.url(key)
        except ValueError as error:
            raise S3Missing(f"{place!r} can't be requested: {error}") from None
        if query:
            url += "?" + "&".join(f"{quote(k, safe='')}={quote(query[k], safe='')}" for k in query)
        digest = _EMPTY if body is None else hashlib.sha256(body).hexdigest()
        deadline = time.monotonic() + timeout
        for attempt in range(1, self._attempts + 1):
            given = {"Accept-Encoding": "identity", **(headers or {})}
            signed = self._signers.get().sign_request(method, url, given, digest)
            problem: S3Error
            try:
                response = self._client.request(
                    method,
                    url,
                    timeout=deadline - time.monotonic(),
                    headers={**given, **signed},
                    body=body,
                )
            except _http.RequestFailed as error:
                problem = S3Unavailable(f"{place!r}: the store does not respond: {error}")
            else:
                if response.status in expected:
                    try:
                        response.limit(max_bytes)
                    except _http.TooLarge as error:
                        raise S3TooLarge(f"{place!r}: {error}") from None
                    return response
                problem = _problem(response, place)
            pause = random.uniform(0, _PAUSE) * 2 ** (attempt - 1)  # noqa: S311 - only spreads the load
            is_last = attempt == self._attempts or time.monotonic() + pause >= deadline
            if is_last or not isinstance(problem, S3Unavailable):
                raise problem
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def read(response: _http.Response, place: str, max_bytes: int | None = None) -> bytes:
    """Read the body of a response, and release its connection.

    Raises:
        S3TooLarge: The body has more than `max_bytes` bytes.
        S3Unavailable: The body ended early, or the timeout expired.
    """
    with response:
        return b"".join(pieces(response, place, max_bytes))


def pieces(response: _http.Response, place: str, max_bytes: int | None = None) -> Iterator[bytes]:
    """Read the body of a response piece by piece.

    Raises:
        S3TooLarge: The body has more than `max_bytes` bytes.
        S3Unavailable: The body ended early, or the timeout expired.
    """
    try:
        response.limit(max_bytes)
        while piece := response.read(_PIECE):
            yield piece
    except _http.TooLarge as error:
        raise S3TooLarge(f"{place!r}: {error}") from None
    except _http.RequestFailed as error:
        raise S3Unavailable(f"{place!r}: {error}") from None


def _problem(response: _http.Response, place: str) -> S3Error:
    """Return the error for a response, and release its connection."""
    code = ""
    with contextlib.suppress(S3Error):
        text = read(response, place, _ERROR_BYTES)
        match = re.search(rb"<Code>([A-Za-z0-9]{1,64})</Code>", text)
        code = match[1].decode() if match else ""
    status = response.status
    answer = f"{place!r}: the store responded with {status} {code}".rstrip()
    if status in _TEMPORARY or code in _TEMPORARY_CODES:
        return S3Unavailable(answer)
    if code == "NoSuchBucket":
        return S3Refused(answer)
    if status == 404:  # noqa: PLR2004
        return S3Missing(answer)
    if status == 403 and code in {"", "AccessDenied"}:  # noqa: PLR2004
        return S3Missing(f"{answer}: the object is missing, or the keys do not allow access")
    if 300 <= status < 400:  # noqa: PLR2004
        return S3Refused(f"{answer}, a redirect: check the region and the endpoint")
    return S3Refused(answer)
