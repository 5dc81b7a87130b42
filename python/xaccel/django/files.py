"""What views, storages and templates may name a file by."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

from django.core.files.base import File

from xaccel.exceptions import FileNotFound

PrivateFile: TypeAlias = "str | os.PathLike[str] | File[Any]"
"""A path, or a file of a model's field or of a storage."""


def path_of(file: PrivateFile) -> str | os.PathLike[str]:
    """The path of a file: absolute, or relative to a root.

    Raises:
        FileNotFound: The model's field has no file.
    """
    if isinstance(file, str | os.PathLike):
        return file
    if not file.name:
        raise FileNotFound("the field has no file")
    try:
        path: str = file.path  # type: ignore[attr-defined]
    except (AttributeError, NotImplementedError):
        # A file that was opened, and one of a storage that has no paths.
        return file.name
    return path
