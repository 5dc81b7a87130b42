"""Finds where Django keeps a file: its storage, and its local path or its URL in a bucket."""

from __future__ import annotations

import io
import os
import posixpath
import sys
from typing import Any

from django.core.files.base import File
from django.core.files.storage import InMemoryStorage, Storage

_PLAIN_FILES = (io.FileIO, io.BufferedReader, io.BufferedRandom)


def own_storage(file: File[Any]) -> Storage | None:
    """Return the storage of a model field's file, or the storage that opened the file."""
    # django-storages uses the second attribute.
    storage: Storage | None = getattr(file, "storage", None) or getattr(file, "_storage", None)
    return storage


def has_name(file: File[Any]) -> bool:
    """Whether a file has a name."""
    # The files that the `InMemoryStorage` of Django 4.2 opens do not have the attribute.
    return bool(getattr(file, "name", None))


def is_saved(file: File[Any]) -> bool:
    """Whether a file has a name and, if it belongs to a model field, has been saved."""
    return has_name(file) and bool(getattr(file, "_committed", True))


def storage_path(storage: Storage, name: str) -> str | None:
    """Return the path of a file in a storage; `None` if the storage has no local paths."""
    # This storage returns made-up paths in MEDIA_ROOT, where other files may exist.
    if isinstance(storage, InMemoryStorage):
        return None
    try:
        return storage.path(name)
    except NotImplementedError:
        return None


def remote_url(storage: Storage, name: str) -> str | None:
    """Return the URL at which a storage keeps a file, such as `s3://bucket/media/a.mp4`.

    A storage can have a method `xaccel_url(name)` that returns the URL. For `S3Storage` of
    django-storages, the URL consists of the bucket, the `location` and the name. Returns `None` if
    the URL is unknown.
    """
    own = getattr(storage, "xaccel_url", None)
    if callable(own):
        return str(own(name))
    django_storages = sys.modules.get("storages.backends.s3")
    if django_storages is None or not isinstance(storage, django_storages.S3Storage):
        return None
    key = posixpath.join(storage.location or "", name.replace("\\", "/")).lstrip("/")
    return f"s3://{storage.bucket_name}/{key}"


def local_path(file: File[Any]) -> str | None:
    """Return the absolute path of a file; `None` if the file does not have a path.

    The name alone is not enough, since another storage may have a file with the same name.
    """
    storage = own_storage(file)
    if storage is not None:
        return storage_path(storage, file.name or "")
    opened: Any = file.file
    # Objects of other types, such as `GzipFile`, may have a file's name but different content.
    if type(opened) not in _PLAIN_FILES or not isinstance(opened.name, str):
        return None
    return os.path.abspath(opened.name)  # noqa: PTH100 - must not follow links


def described(file: File[Any]) -> str:
    """Return the description of a file for error messages: its name and its storage."""
    storage = own_storage(file)
    if storage is None:
        return f"{file.name!r} ({type(file).__name__}), which is not in a storage,"
    return f"{file.name!r} in the storage {shown_storage(storage)}"


def shown_storage(storage: Storage) -> str:
    """Return the description of a storage for error messages."""
    # `default_storage` is a lazy object, and `__class__` returns the class that it wraps.
    kind = storage.__class__.__name__
    location = getattr(storage, "location", None)
    return f"{kind}({str(location)!r})" if location else kind
