"""Converts storages with public thumbnails to sources in the settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage, storages

from xaccel._hints import did_you_mean, shown
from xaccel.exceptions import ConfigError


def is_private(storage: Storage) -> bool:
    """Whether a storage is private, that is, has the attribute `private = True`."""
    return getattr(storage, "private", False) is True


def default_source() -> str | None:
    """Return the default storage's directory or source URL; `None` if the storage is private."""
    storage = storages["default"]
    return None if is_private(storage) else _location("default", storage)


def named_sources(setting: Any) -> Any:
    """Return `THUMBNAIL_SOURCES`, with aliases of `STORAGES` replaced by directories and URLs.

    Raises:
        ConfigError: An alias is unknown, or its storage is private or has no directory.
    """
    if not isinstance(setting, Mapping):
        return setting
    return {name: _named_source(name, value) for name, value in setting.items()}


def source_storages() -> Iterator[tuple[str, Storage]]:
    """Yield the name and the storage of each source in `THUMBNAIL_SOURCES` that has a storage.

    The storage's alias is the value of the source. If the value is not an alias, the storage's
    alias is the name of the source.
    """
    for name, value in getattr(settings, "XACCEL", {}).get("THUMBNAIL_SOURCES", {}).items():
        for alias in (value, name):
            if _is_alias(alias):
                yield name, storages[alias]
                break


def _named_source(name: object, value: Any) -> Any:
    setting = f"XACCEL['THUMBNAIL_SOURCES'][{shown(name)}]"
    if not _is_alias(value):
        if isinstance(value, str) and "/" not in value:
            raise ConfigError(
                f"{setting} must be an alias of STORAGES, the absolute path of a directory or a "
                f"URL such as 'https://example.org/photos/', not {shown(value)}"
                f"{did_you_mean(value, settings.STORAGES)}"
            )
        return value
    storage = storages[value]
    if is_private(storage):
        raise ConfigError(
            f"{setting}: the storage {value!r} is private, so its images have no public "
            "thumbnails; use send_private_thumbnail() in a view"
        )
    location = _location(value, storage)
    if location is None:
        raise ConfigError(f"{setting}: the storage {value!r} needs OPTIONS = {{'location': …}}")
    return location


def _is_alias(value: object) -> bool:
    return isinstance(value, str) and value in settings.STORAGES


def _location(alias: str, storage: Storage) -> str | None:
    """Return the directory or the source URL of a storage; `None` if its directory is not set."""
    if not isinstance(storage, FileSystemStorage):
        return f"storage://{alias}"
    # Without MEDIA_ROOT, the location is the current directory of the process.
    return str(storage.location) if storage.base_location else None
