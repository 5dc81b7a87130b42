"""The files that views, storages and templates accept."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

from django.core.files.base import File

from xaccel.delivery.remotes import is_url
from xaccel.django import conf
from xaccel.exceptions import FileNotFound

PrivateFile: TypeAlias = "str | os.PathLike[str] | File[Any]"
"""A path, or the file of a model's field or of a storage."""


def path_of(file: PrivateFile) -> str | os.PathLike[str]:
    """The path of a file, absolute or relative to a root, or its URL on a remote.

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
        # An opened file, or a file in a storage without paths.
        return _url_of(file) or file.name
    return path


def _url_of(file: File[Any]) -> str | None:
    """The URL of a file on a remote such as a bucket, signed by its storage."""
    if not conf.config().remotes:
        return None
    url: str | None = getattr(file, "url", None)
    return url if is_url(url) else None
