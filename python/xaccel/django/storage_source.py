"""Originals in a storage (one of Django's `STORAGES`) without a local directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import SuspiciousOperation
from django.core.files.storage import storages

from xaccel.exceptions import ConfigError, FileNotFound, StorageUnavailable
from xaccel.thumbnails.sources.base import Original, StreamedOriginal

_ABSENT = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)


class StorageSource:
    """Images in a storage.

    Args:
        alias: The storage's name in `STORAGES`.
        max_bytes: The maximum size of an image, in bytes.
    """

    def __init__(self, alias: str, *, max_bytes: int) -> None:
        self._alias = alias
        self._max_bytes = max_bytes

    def get(self, name: str) -> Original:
        """See `Source.get`."""
        storage = storages[self._alias]
        with self._errors(name):
            file = storage.open(name)

        def read(size: int) -> bytes:
            with self._errors(name):
                piece: bytes = file.read(size)
            return piece

        return StreamedOriginal(
            read, file.close, name=repr(name), max_bytes=self._max_bytes
        ).original()

    @contextmanager
    def _errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except (*_ABSENT, SuspiciousOperation) as error:
            raise FileNotFound(f"{name!r} is not in the storage {self._alias!r}: {error}") from None
        except Exception as error:
            # A storage passes on the errors of its client. Some of them, such as botocore's errors,
            # do not derive from OSError.
            raise StorageUnavailable(
                f"{name!r} can't be read from the storage {self._alias!r}: "
                f"{type(error).__name__}: {error}"
            ) from error

    def state(self, name: str) -> str | None:
        """See `Source.state`: always `None`, since most storages would need a network request."""

    def version(self, name: str) -> str | None:
        """See `Source.version`: the time of the last change, if the storage knows it."""
        with self._errors(name):
            try:
                return str(storages[self._alias].get_modified_time(name))
            except NotImplementedError:
                return None

    def names(self, prefix: str) -> Iterator[str]:
        """See `Source.names`."""
        start = prefix.rpartition("/")[0]
        waiting = [f"{start}/" if start else ""]
        while waiting:
            below = waiting.pop()
            try:
                directories, files = storages[self._alias].listdir(below)
            except NotImplementedError:
                raise ConfigError(
                    f"the storage {self._alias!r} can't list its files: pass the names of its "
                    "images"
                ) from None
            except Exception as error:
                raise StorageUnavailable(
                    f"the storage {self._alias!r} can't list {below!r}: "
                    f"{type(error).__name__}: {error}"
                ) from error
            # Some storages also list the directory itself, under an empty name.
            yield from (
                f"{below}{name}" for name in files if name and (below + name).startswith(prefix)
            )
            names = (f"{below}{name}/" for name in directories if name)
            waiting += [name for name in names if name.startswith(prefix)]
