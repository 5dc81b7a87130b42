"""The files that views, storages and templates accept."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

from django.core.files.base import File

from xaccel.delivery.origins import is_object, is_url
from xaccel.django import conf
from xaccel.django.local_files import (
    described,
    has_name,
    is_saved,
    local_path,
    own_storage,
    remote_url,
)
from xaccel.exceptions import ConfigError, FileNotFound

PrivateFile: TypeAlias = "str | os.PathLike[str] | File[Any]"
"""A path, or a file from a model field or a storage."""


def path_of(file: PrivateFile) -> str | os.PathLike[str]:
    """Return the path of a file (absolute or relative to a root), or its URL on a remote.

    If the file is from a model field or a storage, the storage determines the path.

    Raises:
        FileNotFound: The model field has no file, or the file has not been saved.
        ConfigError: The file is neither under a root nor below a remote.
    """
    if not isinstance(file, File):
        return file
    found = _path_under_root(file) or _url_on_remote(file)
    if found is None:
        raise ConfigError(
            f"{described(file)} is neither under one of XACCEL['ROOTS'] nor below one of "
            "XACCEL['REMOTES']: add its directory or its URL"
        )
    return found


def local_path_of(file: PrivateFile) -> str | os.PathLike[str]:
    """Like `path_of`, but does not support files on remotes.

    Raises:
        FileNotFound: The model field has no file, or the file has not been saved.
        ConfigError: The file is not under a root.
    """
    if not isinstance(file, File):
        return file
    path = _path_under_root(file)
    if path is None:
        raise ConfigError(
            f"{described(file)} is not under one of XACCEL['ROOTS']: only files on this machine "
            "have signed links and private thumbnails"
        )
    return path


def _path_under_root(file: File[Any]) -> str | None:
    if not is_saved(file):
        raise FileNotFound(f"{file!r} is not saved" if has_name(file) else "the field has no file")
    path = local_path(file)
    if path is None:
        return None
    find = conf.delivery().path_map.find
    if find(path) is not None:
        return path
    # The storage's location may lead to the root through a symbolic link.
    real = os.path.realpath(path)
    return real if find(real) is not None else None


def _url_on_remote(file: File[Any]) -> str | None:
    """Return the URL of a file on a remote: its URL in a bucket, or one signed by its storage."""
    storage = own_storage(file)
    if storage is None:
        return None
    name = file.name or ""
    is_on_remote = conf.delivery().is_on_remote
    url = remote_url(storage, name)
    if url is not None and is_on_remote(url):
        return url
    if all(map(is_object, conf.config().remotes)):
        return None
    url = storage.url(name)
    return url if is_url(url) and is_on_remote(url) else None
