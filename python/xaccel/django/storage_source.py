"""Original images in a storage of Django's `STORAGES` that is not a directory."""

from __future__ import annotations

from django.core.files.storage import storages

from xaccel.exceptions import FileNotFound
from xaccel.sources.base import Arriving, Original


class StorageSource:
    """Images in a storage.

    Args:
        alias: The storage's name in `STORAGES`.
        max_bytes: The most bytes of an image.
    """

    def __init__(self, alias: str, *, max_bytes: int) -> None:
        self._alias = alias
        self._max_bytes = max_bytes

    def get(self, name: str) -> Original:
        """See `Source.get`."""
        try:
            file = storages[self._alias].open(name)
            arriving = Arriving(file.read, file.close, name=repr(name), max_bytes=self._max_bytes)
            return arriving.original()
        except OSError as error:
            raise FileNotFound(f"{name!r} is not in the storage {self._alias!r}: {error}") from None

    def state(self, name: str) -> str | None:
        """See `Source.state`: only the storage could tell, and most are on other machines."""
