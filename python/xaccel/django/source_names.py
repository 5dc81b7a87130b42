"""Finds the names of the images that Django's templates refer to."""

from __future__ import annotations

import operator
import re
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage, default_storage, storages
from django.db.models import FileField, Model

from xaccel.config import Config
from xaccel.django.local_files import (
    described,
    is_saved,
    local_path,
    own_storage,
    shown_storage,
    storage_path,
)
from xaccel.django.public_sources import is_private, source_storages
from xaccel.exceptions import ConfigError, SourceError
from xaccel.thumbnails.names import ImageNames
from xaccel.thumbnails.urls import source_name


class StorageNotPublic(SourceError, ConfigError):
    """The storage of an image is not one of `THUMBNAIL_SOURCES`."""


class SourceNames:
    """Finds the names of images: `cats/tom.jpg`, or `~avatars/tom.jpg` for the source `avatars`."""

    def __init__(self, config: Config) -> None:
        self._names = ImageNames(config)
        named = [(f"~{name}/", storage) for name, storage in source_storages()]
        self._storages: list[tuple[str, Storage]] = [
            ("", default_storage),
            ("", storages["default"]),
            *named,
        ]

    def of(self, source: object) -> str | None:
        """Return the name of an image from a template; `None` if `source` is empty or not saved.

        Raises:
            SourceError: The object is not an image in a source.
        """
        if isinstance(source, str):
            return self._not_a_url(source)
        if isinstance(source, File):
            return self._of_file(source) if is_saved(source) else None
        if isinstance(source, Model):
            raise SourceError(f"{source!r} can't have a thumbnail: it is a row; {_hint(source)}")
        return source_name(source)

    def in_url(self, source: object) -> str | None:
        """Return an image's name as used in URLs; `None` if `source` is empty or not saved.

        Raises:
            SourceError: The object is not an image in a source.
        """
        name = self.of(source)
        return self.checked(name) if name else None

    def checked(self, name: str) -> str:
        """Convert a name from `of` or `in_storage` to the image's name as used in URLs.

        Raises:
            SourceError: `name` is not the name of an image in a source.
        """
        return self._names.checked(name)

    def in_storage(self, storage: Storage, name: str) -> str | None:
        """Return the name of a storage's file; `None` if the file can't have public thumbnails."""
        if is_private(storage):
            return None
        prefix = self._prefix_of(storage)
        if prefix is None:
            try:
                path = storage_path(storage, name)
            except SuspiciousFileOperation:
                return None
            return None if path is None else self._names.of_file(path)
        if prefix and name.startswith("/"):
            return self._names.below(name)
        # In the default storage, such a name would refer to an image in another source.
        return None if not prefix and name.startswith("~") else prefix + name

    def _prefix_of(self, storage: Storage) -> str | None:
        """Return the prefix of the names in a storage; `None` if the storage is not a source."""
        for is_same in (operator.is_, operator.eq):
            for prefix, known in self._storages:
                if is_same(storage, known):
                    return prefix
        return None

    def _not_a_url(self, text: str) -> str:
        for setting in ("MEDIA_URL", "STATIC_URL"):
            prefix = getattr(settings, setting, None)
            if (
                prefix
                and prefix != "/"
                and text.startswith(prefix)
                and self._names.below(text) is None
            ):
                raise SourceError(
                    f"{text!r} can't have a thumbnail: it begins with {setting}, so it is a URL; "
                    "pass the file field itself, such as photo.image instead of photo.image.url, "
                    "or the name of the image below XACCEL['THUMBNAIL_SOURCE']"
                )
        return text

    def _of_file(self, file: File[Any]) -> str:
        storage = own_storage(file)
        if storage is None:
            path = local_path(file)
            name = None if path is None else self._names.of_file(path)
        else:
            name = self.in_storage(storage, file.name or "")
        if name is None:
            raise self._error(file, storage)
        return name

    def _error(self, file: File[Any], storage: Storage | None) -> SourceError:
        problem = f"{described(file)} can't have a public thumbnail: "
        if storage is None:
            return SourceError(f"{problem}save it first, and pass the file field")
        if is_private(storage):
            return SourceError(
                f"{problem}{shown_storage(storage)} is private; link to a view of yours that "
                "checks who may see it and calls send_private_thumbnail()"
            )
        if self._prefix_of(storage) is not None:
            return SourceError(f"{problem}a name in this storage can't begin with '~'")
        return StorageNotPublic(
            f"{problem}{_advice(storage)}; or, if not everyone may see its files, link to a view "
            "of yours that calls send_private_thumbnail()"
        )


def _hint(row: Model) -> str:
    """Return a hint about what to pass instead of a row."""
    fields = [field.name for field in row._meta.get_fields() if isinstance(field, FileField)]  # noqa: SLF001
    variable = type(row).__name__.lower()
    if not fields:
        return "pass the name of the image below XACCEL['THUMBNAIL_SOURCE']"
    return f"pass its file field, such as {variable}.{fields[0]}"


def _alias_of(storage: Storage) -> str | None:
    """Return the alias of a storage in `STORAGES`."""
    for alias in settings.STORAGES:
        # If a storage can't be created, the error is reported where the storage is used.
        with suppress(Exception):
            if storages[alias] == storage:
                return str(alias)
    return None


def _advice(storage: Storage) -> str:
    """Return advice on how to enable thumbnails for the images in a storage."""
    alias = _alias_of(storage)
    place = alias
    if alias is None and isinstance(storage, FileSystemStorage):
        place = str(storage.location)
        alias = PurePath(place).name
    if place is None:
        return (
            "give its storage an alias in STORAGES, use storages[alias] in the field, and add the "
            'alias to XACCEL: "THUMBNAIL_SOURCES": {"name": "alias"}'
        )
    name = re.sub("[^A-Za-z0-9_-]+", "-", alias or "") or "images"
    return f'add its storage to XACCEL: "THUMBNAIL_SOURCES": {{"{name}": "{place}"}}'
