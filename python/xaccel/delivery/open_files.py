"""Open files of an app: their paths, and whether reading them returns their bytes unchanged.

An app may read a file through a custom object that decompresses the file or skips a part of it.
Only objects of the types below are known to return the file's bytes unchanged. Only these objects
may be replaced by the file itself or split into ranges.
"""

from __future__ import annotations

import io
import os
import stat
from typing import Any, BinaryIO, cast

from xaccel._core import Location

_BUFFERED = (io.BufferedReader, io.BufferedRandom)
_DJANGO = frozenset(
    {"django.core.files.base", "django.core.files.images", "django.db.models.fields.files"}
)
# The interpreter sets `name` on a file, and Django sets a `close` that also closes the response.
_HARMLESS_ATTRIBUTES = frozenset({"close", "name"})


def plain_file(file: Any) -> BinaryIO | None:
    """Return the plain file on disk whose bytes an object returns unchanged.

    Returns `None` if the object reads from something else or may change the bytes.
    """
    while _is_django(file):
        file = file.file
    raw = file.raw if type(file) in _BUFFERED else file
    if type(raw) is not io.FileIO or _is_patched(file) or _is_patched(raw):
        return None
    try:
        is_regular = stat.S_ISREG(os.fstat(raw.fileno()).st_mode)
    except (OSError, ValueError):
        return None
    return cast("BinaryIO", file) if is_regular else None


def has_plain_content(file: Any) -> bool:
    """Whether an object returns the bytes of a file, a temporary file or a `BytesIO` unchanged.

    If so, its ranges can be read by position.
    """
    while _is_django(file):
        file = file.file
    if type(file).__module__ == "tempfile":
        # A `NamedTemporaryFile` has the attribute `file`, and a `SpooledTemporaryFile` has `_file`.
        file = getattr(file, "file", None) or getattr(file, "_file", None)
    if type(file) is io.BytesIO:
        return not _is_patched(file)
    return plain_file(file) is not None


def path_of(file: Any) -> str | None:
    """Return the absolute path that a plain file was opened with, if nothing has been read yet.

    Returns `None` if the object may change the file's bytes. By now, the path may refer to a
    different file.
    """
    plain = plain_file(file)
    if plain is None or not is_unread(plain):
        return None
    try:
        return os.path.abspath(os.fsdecode(plain.name))  # noqa: PTH100
    except TypeError:  # the name is the number of a descriptor
        return None


def is_open_file(location: Location, file: Any) -> bool:
    """Whether a located file and an open file are the same file."""
    status = os.fstat(file.fileno())
    return (status.st_dev, status.st_ino) == (location.device, location.inode)


def is_unread(file: BinaryIO) -> bool:
    """Whether the file's position is still at the start."""
    try:
        return file.seekable() and file.tell() == 0
    except (AttributeError, OSError, ValueError):
        return False


def _is_django(file: Any) -> bool:
    """Whether a file is one of Django's own wrappers, which return the bytes of their `file`."""
    return type(file).__module__ in _DJANGO


def _is_patched(file: Any) -> bool:
    """Whether an attribute of the object replaces a method of its type."""
    return bool(getattr(file, "__dict__", {}).keys() - _HARMLESS_ATTRIBUTES)
