"""Finds the names of images below `THUMBNAIL_SOURCE` for objects in Django's templates."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage, default_storage
from django.db.models import FileField, Model

from xaccel.config import Config
from xaccel.django.default_source import PrivateFiles
from xaccel.django.local_files import (
    described,
    is_saved,
    local_path,
    own_storage,
    shown_storage,
    storage_path,
)
from xaccel.exceptions import SourceError
from xaccel.thumbnails.urls import source_name


class SourceNames:
    """Finds the name of an image below `THUMBNAIL_SOURCE`."""

    def __init__(self, config: Config) -> None:
        self._source = config.thumbnail_source or ""
        self._is_default_public = not isinstance(default_storage, PrivateFiles)

    def of(self, source: object) -> str | None:
        """Return the name of an image that a template passes; `None` if it is empty or not saved.

        Raises:
            SourceError: The object is not an image below `THUMBNAIL_SOURCE`.
        """
        if isinstance(source, str):
            return self._checked(source)
        if isinstance(source, File):
            return self._of_file(source) if is_saved(source) else None
        if isinstance(source, Model):
            raise SourceError(f"{source!r} can't have a thumbnail: it is a row; {_hint(source)}")
        return source_name(source)

    def in_storage(self, storage: Storage, name: str) -> str | None:
        """Return the name of a file in a storage; `None` if the file is not below the source."""
        # `default_storage` is a lazy object, and unwrapping it is the slowest step.
        if storage is default_storage or storage == default_storage:
            return name if self._is_default_public else None
        if isinstance(storage, PrivateFiles):
            return None
        path = storage_path(storage, name)
        return None if path is None else self._below_source(path)

    def _checked(self, text: str) -> str:
        for setting in ("MEDIA_URL", "STATIC_URL"):
            prefix = getattr(settings, setting, None)
            if prefix and prefix != "/" and text.startswith(prefix) and not self._begins(text):
                raise SourceError(
                    f"{text!r} can't have a thumbnail: it begins with {setting}, so it is a URL; "
                    "pass the file field itself, such as photo.image instead of photo.image.url, "
                    "or the name of the image below XACCEL['THUMBNAIL_SOURCE']"
                )
        return text

    def _begins(self, text: str) -> bool:
        """Whether a text begins with the source."""
        return bool(self._source) and text.startswith(self._source.rstrip("/") + "/")

    def _of_file(self, file: File[Any]) -> str:
        storage = own_storage(file)
        if storage is None:
            path = local_path(file)
            name = None if path is None else self._below_source(path)
        else:
            name = self.in_storage(storage, file.name or "")
        if name is None:
            raise SourceError(f"{described(file)} can't have a public thumbnail: {_why(storage)}")
        return name

    def _below_source(self, path: str) -> str | None:
        """Return the name of a file in the source directory."""
        if not self._source.startswith("/"):
            return None
        for directory, file in (
            (self._source, path),
            (os.path.realpath(self._source), os.path.realpath(path)),
        ):
            if Path(file).is_relative_to(directory):
                return Path(file).relative_to(directory).as_posix()
        return None


def _hint(row: Model) -> str:
    """Return a hint about what to pass instead of a row."""
    fields = [field.name for field in row._meta.get_fields() if isinstance(field, FileField)]  # noqa: SLF001
    variable = type(row).__name__.lower()
    if not fields:
        return "pass the name of the image below XACCEL['THUMBNAIL_SOURCE']"
    return f"pass its file field, such as {variable}.{fields[0]}"


def _why(storage: Storage | None) -> str:
    if storage is None:
        return "save it first, and pass the file field"
    if isinstance(storage, PrivateFiles):
        return (
            f"{shown_storage(storage)} is private; link to a view of yours that checks who may see "
            "it and calls send_private_thumbnail()"
        )
    return (
        "public thumbnails are only made of XACCEL['THUMBNAIL_SOURCE'], by default the default "
        "storage; for this storage, link to a view of yours that calls send_private_thumbnail()"
    )
