"""Django's default storage as the source of thumbnails."""

from __future__ import annotations

from django.core.files.storage import FileSystemStorage, storages


class PrivateFiles:
    """Marks a storage as private: its files are not the source of public thumbnails."""


def default_source() -> str | None:
    """Return the default storage's directory, or its name as a source; `None` if it is private."""
    storage = storages["default"]
    if isinstance(storage, PrivateFiles):
        return None
    if not isinstance(storage, FileSystemStorage):
        return "storage://default"
    # Without MEDIA_ROOT, the location is the current directory of the process.
    return str(storage.location) if storage.base_location else None
