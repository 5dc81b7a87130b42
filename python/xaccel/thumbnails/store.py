"""The shared store: finished thumbnails in a bucket, behind the cache of each machine.

The keys of its objects are `{digest of the image's name}/{spec}.{format}`, so that all thumbnails
of an image can be listed. Each object's metadata contains the state of the original that it was
made from. The store is never used as a lock: several machines may render the same thumbnail at the
same time, and one of them publishes it.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from xaccel._log import fields, one_line
from xaccel._s3 import settings
from xaccel._s3.bucket import Bucket, read
from xaccel._s3.errors import S3Error, S3Missing
from xaccel._s3.listing import keys_below
from xaccel.config import Config
from xaccel.exceptions import SourceUnavailable, StorageUnavailable
from xaccel.thumbnails.places import StorePlace, digest

PAUSE = 5.0
"""The number of seconds after an error during which no requests are sent to the store."""

WARNING_SECONDS = 60.0
"""The minimum number of seconds between two warnings about the store in one process."""

# The maximum time that a visitor waits if the store stops responding.
_TIMEOUT = 3.0
_PURGE_TIMEOUT = 10.0
_MOST_BYTES = 64 * 1024 * 1024
_ABSENT, _CONFLICT, _EXISTS, _UNKNOWN = 404, 409, 412, 501
_STATE = "x-amz-meta-state"
_MODIFIED = "x-amz-meta-modified"
_PURGE = ".purged"

_logger = logging.getLogger("xaccel.thumbnails")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredThumbnail:
    """A thumbnail in the store."""

    data: bytes
    etag: str | None
    state: str
    """The state of the original that it was made from; see `shown_state`."""
    modified: int | None
    """When the original was last changed, in seconds since 1970."""


class ThumbnailStore:
    """A bucket of finished thumbnails. Threads, greenlets and forked processes may share it.

    If the store does not respond, thumbnails are neither found in it nor published.

    Args:
        location: The URL of a prefix, such as `s3://bucket/thumbs/`.
        s3: The setting `S3`.
        now: The clock, in seconds.

    Raises:
        ConfigError: No keys are set for the bucket.
    """

    def __init__(
        self, location: str, s3: Mapping[str, Any], *, now: Callable[[], float] = time.monotonic
    ) -> None:
        bucket, self._prefix = settings.parse_url(location)
        self._location = location
        self._bucket = Bucket(settings.for_bucket(s3, bucket), attempts=2)
        self._now = now
        self._asked_again_at = 0.0
        self._warned_at = -WARNING_SECONDS
        self._supports_conditions = True

    @property
    def is_available(self) -> bool:
        """Whether the store responded to the last request."""
        return self._asked_again_at == 0

    def get(self, key: str) -> StoredThumbnail | None:
        """Return a thumbnail, if it is in the store.

        Args:
            key: See `StorePlace.key`.
        """

        def get() -> StoredThumbnail | None:
            try:
                response = self._bucket.request("GET", self._prefix + key, timeout=_TIMEOUT)
            except S3Missing:
                return None
            data = read(response, key, _MOST_BYTES)
            modified = response.headers.get(_MODIFIED, "")
            return StoredThumbnail(
                data,
                response.headers.get("etag"),
                response.headers.get(_STATE, ""),
                int(modified) if modified.isdecimal() else None,
            )

        return self._guarded(get)

    def put(
        self,
        key: str,
        data: bytes,
        *,
        state: str | None,
        modified: int | None,
        image_format: str,
        replaced: StoredThumbnail | None,
    ) -> None:
        """Publish a thumbnail, unless another machine has published one in the meantime.

        Args:
            key: See `StorePlace.key`.
            data: The thumbnail.
            state: The state of the original.
            modified: When the original was last changed, in seconds since 1970.
            image_format: The format of the thumbnail.
            replaced: The outdated thumbnail that was found in the store, if any.
        """
        headers = {"Content-Type": f"image/{image_format}", _STATE: shown_state(state)}
        if modified is not None:
            headers[_MODIFIED] = str(modified)

        def put() -> None:
            condition: dict[str, str] = {}
            refused: tuple[int, ...] = ()
            if self._supports_conditions and replaced is None:
                condition, refused = {"If-None-Match": "*"}, (_CONFLICT, _EXISTS, _UNKNOWN)
            elif self._supports_conditions and replaced is not None and replaced.etag is not None:
                condition = {"If-Match": replaced.etag}
                refused = (_ABSENT, _CONFLICT, _EXISTS, _UNKNOWN)
            response = self._bucket.request(
                "PUT",
                self._prefix + key,
                timeout=_TIMEOUT,
                headers={**headers, **condition},
                body=data,
                expected=(200, *refused),
            )
            response.close()
            if response.status == _UNKNOWN:
                self._supports_conditions = False
                put()

        self._guarded(put)

    def purges(self, name: str) -> str | None:
        """Return a string that changes whenever the thumbnails of an image are purged.

        Args:
            name: The name of the image; see `StorePlace`.
        """

        def head() -> str | None:
            key = f"{self._prefix}{digest(name)}/{_PURGE}"
            try:
                response = self._bucket.request("HEAD", key, timeout=_TIMEOUT)
            except S3Missing:
                return None
            response.close()
            return response.headers.get("etag")

        return self._guarded(head)

    def delete(self, key: str) -> None:
        """Remove a thumbnail, for example because a purge missed it."""

        def delete() -> None:
            self._delete(self._prefix + key)

        self._guarded(delete)

    def purge(self, name: str) -> int:
        """Remove all thumbnails of an image.

        Args:
            name: The name of the image; see `StorePlace`.

        Returns:
            The number of thumbnails that were removed.

        Raises:
            StorageUnavailable: The store does not respond, or refuses the request.
        """
        directory = f"{self._prefix}{digest(name)}/"
        try:
            # A machine that is rendering one of these thumbnails notices this object.
            body = secrets.token_bytes(16)
            key = directory + _PURGE
            self._bucket.request("PUT", key, timeout=_PURGE_TIMEOUT, body=body).close()
            every = keys_below(self._bucket, directory, timeout=_PURGE_TIMEOUT)
            keys = [key for key in every if not key.endswith(f"/{_PURGE}")]
            for key in keys:
                self._delete(key)
        except S3Error as error:
            raise StorageUnavailable(
                f"the thumbnails of {name!r} in XACCEL['THUMBNAIL_STORE'] are not purged: {error}"
            ) from None
        return len(keys)

    def _delete(self, key: str) -> None:
        response = self._bucket.request(
            "DELETE", key, timeout=_PURGE_TIMEOUT, expected=(200, 204, _ABSENT)
        )
        response.close()

    def _guarded(self, ask: Callable[[], T]) -> T | None:
        """Send a request to the store, or return `None` if the store is not responding."""
        now = self._now()
        if now < self._asked_again_at:
            return None
        was_down = self._asked_again_at > 0
        if was_down:
            # One thread tries again; the other threads continue without the store.
            self._asked_again_at = now + PAUSE
        try:
            result = ask()
        except S3Error as error:
            self._asked_again_at = self._now() + PAUSE
            self._warn(error)
            return None
        self._asked_again_at = 0.0
        return result

    def _warn(self, error: S3Error) -> None:
        # Don't add a lock here: a forked process could inherit it while another thread holds it.
        now = self._now()
        is_silent = now - self._warned_at < WARNING_SECONDS
        if not is_silent:
            self._warned_at = now
        level = logging.DEBUG if is_silent else logging.WARNING
        _logger.log(
            level,
            "XACCEL['THUMBNAIL_STORE'] is not used: %s",
            one_line(error),
            extra=fields("store_unavailable", error=type(error).__name__),
        )


def get(config: Config) -> ThumbnailStore | None:
    """Return the store that the settings define, if any."""
    if config.thumbnail_store is None:
        return None
    return ThumbnailStore(config.thumbnail_store, config.s3)


class StoreTurn:
    """Finds one thumbnail in the store, or publishes it after a render.

    Args:
        store: The store.
        place: The place of the thumbnail.
        state: Returns the current state of the original; see `Source.state`.
    """

    def __init__(
        self, store: ThumbnailStore, place: StorePlace, state: Callable[[], str | None]
    ) -> None:
        self._store = store
        self._place = place
        self._state = state
        self._outdated: StoredThumbnail | None = None
        self._purges: str | None = None

    def find(self) -> StoredThumbnail | None:
        """Return the thumbnail, if the store contains one for the original's current state.

        Raises:
            FileNotFound: The original no longer exists.
        """
        found = self._store.get(self._place.key)
        if found is not None and self._is_current(found):
            return found
        self._outdated = found
        if not self._place.has_state:
            self._purges = self._store.purges(self._place.name)
        return None

    def publish(self, data: bytes, state: str | None, modified: int | None) -> None:
        """Publish the rendered thumbnail, unless the image has been purged since `find()`."""
        self._store.put(
            self._place.key,
            data,
            state=state,
            modified=modified,
            image_format=self._place.image_format,
            replaced=self._outdated,
        )
        # If the source knows the state, `find()` notices an outdated thumbnail.
        if not self._place.has_state and self._store.purges(self._place.name) != self._purges:
            self._store.delete(self._place.key)

    def _is_current(self, found: StoredThumbnail) -> bool:
        if self._place.spec.version is not None:
            # The URL changes with the image.
            return True
        try:
            return found.state == shown_state(self._state())
        except SourceUnavailable:
            return True


def shown_state(state: str | None) -> str:
    """Return the state of an original as the value of a header."""
    return "" if state is None else quote(state, safe="!#$&'*+-.^_`|~:/=\"")
