"""Original images in a bucket."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from xaccel._core import StreamedSource
from xaccel._s3 import settings
from xaccel._s3.bucket import Bucket, pieces
from xaccel._s3.errors import S3Missing, S3Refused, S3TooLarge, S3Unavailable
from xaccel._s3.listing import keys_below
from xaccel.delivery.rfc9110 import parse_http_date
from xaccel.exceptions import (
    ConfigError,
    FileNotFound,
    ImageTooLarge,
    SourceUnavailable,
    StorageUnavailable,
)
from xaccel.thumbnails.sources.base import Original, is_plain

FIRST_RANGE = 512 * 1024
"""The number of bytes in the first request for an image."""

_OK, _PARTIAL, _CHANGED, _EMPTY = 200, 206, 412, 416
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)", re.ASCII)


class S3Source:
    """Images below one prefix of a bucket.

    Args:
        base: The URL, such as `s3://bucket/photos/`.
        s3: The setting `S3`.
        max_bytes: The maximum size of an image in bytes.
        timeout: The maximum number of seconds for a fetch.

    Raises:
        ConfigError: The URL does not contain the name of a bucket, or no keys are set for the
            bucket.
    """

    def __init__(self, base: str, s3: Mapping[str, Any], *, max_bytes: int, timeout: float) -> None:
        try:
            bucket, self._prefix = settings.parse_url(base.rstrip("/") + "/")
        except ValueError as error:
            raise ConfigError(f"the source {base!r} is invalid: {error}") from None
        self._bucket = Bucket(settings.for_bucket(s3, bucket))
        self._base = base.rstrip("/") + "/"
        self._max_bytes = max_bytes
        self._timeout = timeout

    def get(self, name: str) -> Original:
        """See `Source.get`. Small thumbnails need only the start of a progressive JPEG."""
        stored = _Object(
            self._bucket,
            self._key(name),
            max_bytes=self._max_bytes,
            timeout=self._timeout,
        )
        return stored.original()

    def state(self, name: str) -> str | None:
        """See `Source.state`. The state is the object's ETag. Getting it takes one request."""
        key = self._key(name)
        with _errors():
            response = self._bucket.request("HEAD", key, timeout=self._timeout)
            response.close()
        return response.headers.get("etag")

    def version(self, name: str) -> str | None:
        """See `Source.version`."""
        return self.state(name)

    def names(self, prefix: str) -> Iterator[str]:
        """See `Source.names`."""
        with _errors():
            for key in keys_below(self._bucket, self._prefix + prefix, timeout=self._timeout):
                name = key.removeprefix(self._prefix)
                # Some programs represent a directory as an empty object.
                if is_plain(name):
                    yield name

    def _key(self, name: str) -> str:
        if not is_plain(name):
            raise FileNotFound(f"{name!r} does not name an image below {self._base}")
        return self._prefix + name


class _Object:
    """An image that is fetched range by range, as far as necessary."""

    def __init__(self, bucket: Bucket, key: str, *, max_bytes: int, timeout: float) -> None:
        self._bucket = bucket
        self._key = key
        self._name = f"s3://{bucket.name}/{key}"
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout
        self._incoming = StreamedSource(max_bytes)
        self._size: int | None = None
        self._etag: str | None = None
        self._modified: int | None = None

    def original(self) -> Original:
        """Fetch enough of the image for a small thumbnail."""
        is_enough = self._fetch(FIRST_RANGE)
        while not is_enough and not self._is_whole:
            is_enough = self._fetch(None if self._incoming.needs_all else self._next_size())
        return Original(
            self._incoming,
            self._modified,
            self._etag,
            stream=None if self._is_whole else self,
        )

    def rest(self) -> StreamedSource:
        """Fetch the rest, and return the whole image.

        The time limit starts again, since the image may have waited for other renders.
        """
        self._deadline = time.monotonic() + self._timeout
        while not self._is_whole:
            self._fetch(None)
        return self._incoming

    def close(self) -> None:
        """Do nothing: no connection is in use between two ranges."""

    @property
    def _is_whole(self) -> bool:
        return self._size is not None and len(self._incoming) >= self._size

    def _next_size(self) -> int:
        """Return the number of bytes to request next while the required number is unknown.

        Most progressive JPEGs need a little less than half of their bytes. JPEGs of high quality
        need up to 85 %. A store takes a few milliseconds to respond, so another request would take
        longer than some surplus bytes.
        """
        start, size = len(self._incoming), self._size or 0
        missing = round(0.48 * size) - start
        return max(missing if missing > 0 else size // 3, FIRST_RANGE)

    def _fetch(self, size: int | None) -> bool:
        """Fetch the next bytes, or all remaining bytes. Return whether they are enough."""
        start = len(self._incoming)
        end = "" if size is None else start + size - 1
        headers = {"Range": f"bytes={start}-{end}"}
        if self._etag is not None:
            headers["If-Match"] = self._etag
        is_enough = False
        with _errors():
            response = self._bucket.request(
                "GET",
                self._key,
                timeout=self._deadline - time.monotonic(),
                headers=headers,
                expected=(_OK, _PARTIAL, _CHANGED, _EMPTY),
            )
            with response:
                self._learn(response.status, response.headers, start)
                if response.status == _EMPTY:
                    return False
                for piece in pieces(response, self._name, self._max_bytes):
                    is_enough = self._incoming.feed(piece) or is_enough
        if len(self._incoming) == start:
            raise StorageUnavailable(f"{self._name!r}: the store sent no bytes")
        return is_enough

    def _learn(self, status: int, headers: Mapping[str, str], start: int) -> None:
        """Record the size and the state of the image, which must not change between requests."""
        match = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
        if status == _OK and start == 0:
            length = headers.get("content-length", "")
            size = int(length) if length.isdecimal() else None
        elif status == _PARTIAL and match is not None and int(match[1]) == start:
            size = int(match[3])
        elif status == _EMPTY and start == 0:
            size = 0
        else:
            raise StorageUnavailable(f"{self._name!r} was changed while it was being fetched")
        if size is None:
            raise StorageUnavailable(f"{self._name!r}: the store did not report the size")
        if size > self._max_bytes:
            raise ImageTooLarge(f"{self._name!r} has more than {self._max_bytes} bytes")
        self._size = size
        self._etag = headers.get("etag", self._etag)
        self._modified = parse_http_date(headers.get("last-modified", ""))


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except S3Missing as error:
        raise FileNotFound(str(error)) from None
    except S3TooLarge as error:
        raise ImageTooLarge(str(error)) from None
    except S3Refused as error:
        raise SourceUnavailable(str(error)) from None
    except S3Unavailable as error:
        raise StorageUnavailable(str(error)) from None
