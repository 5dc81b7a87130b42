"""A record of images that can't be rendered, so that they are not tried again for a while.

With a cache, all processes of the machine share this record: a fixed number of slots, with a small
file for each slot. Without a cache, or if the cache is not writable, each process keeps its own
record.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from xaccel.exceptions import (
    CorruptImage,
    ImageTooLarge,
    RenderTimeout,
    ThumbnailError,
    UnsupportedImage,
)

DIRECTORY = ".lock"
"""The directory in the cache for files that are not thumbnails. It has no URL."""

SECONDS = 60
"""The number of seconds for which a failure is remembered."""

_PLACES = 1024
"""The maximum number of recorded failures. A new failure replaces an older one in the same slot."""

_KINDS = {
    kind.__name__: kind
    for kind in (CorruptImage, ImageTooLarge, RenderTimeout, ThumbnailError, UnsupportedImage)
}


class Failures:
    """The images that can't be rendered.

    Args:
        cache: The directory of the cache that all processes share, if there is a cache.
        now: The clock, in seconds since 1970.
    """

    def __init__(self, cache: str | None, *, now: Callable[[], float] = time.time) -> None:
        self._directory = None if cache is None else Path(cache) / DIRECTORY
        self._now = now
        self._texts: dict[int, str] = {}

    def check(self, name: str, state: Callable[[], str | None]) -> None:
        """Raise the recorded error of an image that recently failed.

        Args:
            name: The name of the image.
            state: Returns the image's state; see `Original.state`. It is called only if an image
                has failed.

        Raises:
            ThumbnailError: The error with which the image failed.
        """
        digest = _digest(name)
        text = self._read(_place(digest))
        if text is None:
            return
        then, _, text = text.partition("\n")
        failed, _, text = text.partition("\n")
        kind, _, message = text.partition("\n")
        if (
            failed.startswith(digest)
            and kind in _KINDS
            and 0 <= self._now() - float(then) < SECONDS
            and failed == digest + _digest(str(state()))
        ):
            error = _KINDS[kind](message)
            error.is_known = True
            raise error

    def remember(self, name: str, state: str | None, error: ThumbnailError) -> None:
        """Remember that an image in this state failed with an error."""
        digest = _digest(name)
        place = _place(digest)
        text = f"{self._now()}\n{digest}{_digest(str(state))}\n{type(error).__name__}\n{error}"
        if self._directory is not None:
            try:
                self._directory.mkdir(parents=True, exist_ok=True)
                self._path(place).write_text(text, "utf-8", "replace")
            except OSError:
                pass
            else:
                self._texts.pop(place, None)
                return
        self._texts[place] = text

    def forget(self, name: str) -> None:
        """Forget an image's error."""
        place = _place(_digest(name))
        self._texts.pop(place, None)
        if self._directory is not None:
            self._path(place).unlink(missing_ok=True)

    def _read(self, place: int) -> str | None:
        if self._directory is not None and place not in self._texts:
            try:
                return self._path(place).read_text("utf-8", "replace")
            except OSError:
                return None
        return self._texts.get(place)

    def _path(self, place: int) -> Path:
        return (self._directory or Path()) / f"failed-{place:03x}"


def _digest(text: str) -> str:
    return hashlib.blake2s(text.encode(errors="replace"), digest_size=16).hexdigest()


def _place(digest: str) -> int:
    return int(digest[:8], 16) % _PLACES
