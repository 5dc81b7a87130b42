"""Files that an app has opened: what their readers give, and where they are.

An app may read a file through an object of its own, which decompresses it or leaves something
out. Only the types below are known to give the file's bytes, so only they may be replaced by the
file itself or cut into ranges.
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
# The interpreter sets the name, and Django sets a `close` that also ends its response.
_HARMLESS_ATTRIBUTES = frozenset({"close", "name"})


def plain_file(file: Any) -> BinaryIO | None:
    """The plain file on the disk that an object reads from, byte for byte.

    `None` if it reads from something else, or may change the bytes.
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
    """Whether an object reads, byte for byte, from a plain file, a temporary file or a `BytesIO`.

    Its ranges can be read by their positions.
    """
    while _is_django(file):
        file = file.file
    if type(file).__module__ == "tempfile":
        # A `NamedTemporaryFile` has the one attribute, a `SpooledTemporaryFile` the other.
        file = getattr(file, "file", None) or getattr(file, "_file", None)
    if type(file) is io.BytesIO:
        return not _is_patched(file)
    return plain_file(file) is not None


def path_of(file: Any) -> str | None:
    """The absolute path by which a plain file was opened, if it has not been read from.

    `None` if the object may change the file's bytes. The path may lead to another file by now.
    """
    plain = plain_file(file)
    if plain is None or not is_unread(plain):
        return None
    try:
        return os.path.abspath(os.fsdecode(plain.name))  # noqa: PTH100
    except TypeError:  # the number of a descriptor
        return None


def is_open_file(location: Location, file: Any) -> bool:
    """Whether a located file is the one that an object has open."""
    status = os.fstat(file.fileno())
    return (status.st_dev, status.st_ino) == (location.device, location.inode)


def is_unread(file: BinaryIO) -> bool:
    """Whether a file stands at its start."""
    try:
        return file.seekable() and file.tell() == 0
    except (AttributeError, OSError, ValueError):
        return False


def _is_django(file: Any) -> bool:
    """Whether it is one of Django's own wrappers, which pass on what their `file` reads."""
    return type(file).__module__ in _DJANGO


def _is_patched(file: Any) -> bool:
    """Whether an attribute of the object replaces a method of its type."""
    return bool(getattr(file, "__dict__", {}).keys() - _HARMLESS_ATTRIBUTES)
