"""The functions of sorl-thumbnail."""

from __future__ import annotations

from typing import Any

from django.core.files.base import File
from django.core.files.storage import Storage, default_storage

from xaccel.django.dropins.facts import forget_facts, source_name
from xaccel.django.functions import purge_thumbnails
from xaccel.django.sorl import images
from xaccel.django.sorl.images import DummyThumbnail, Thumbnail
from xaccel.django.sorl.settings import setting

__all__ = ["delete", "get_thumbnail"]


def get_thumbnail(file_: Any, geometry_string: str, **options: Any) -> Thumbnail | DummyThumbnail:
    """Return a thumbnail. It is rendered when a browser asks for its URL.

    Args:
        file_: The value of a file field, or the name of an image below `THUMBNAIL_SOURCE`.
        geometry_string: The box, such as `"200x100"`, `"200"` or `"x100"`.
        options: The options of sorl-thumbnail: `crop`, `quality` and so on.

    Raises:
        ValueError: `file_` is empty.
        SpecError: An option is unknown, invalid, or not supported by xaccel's engine.
    """
    if not file_:
        raise ValueError("get_thumbnail() needs a file")
    thumbnail = images.thumbnail(file_, geometry_string, options)
    if setting("DUMMY") and not thumbnail.exists():
        return DummyThumbnail(geometry_string)
    return thumbnail


def delete(file_: Any, delete_file: bool = True) -> None:  # noqa: FBT001, FBT002 - as in sorl-thumbnail
    """Remove all thumbnails of an image from the cache and, by default, delete the image itself.

    Args:
        file_: The value of a file field, or the name of an image below `THUMBNAIL_SOURCE`.
        delete_file: Whether to delete the image itself.
    """
    name = source_name(file_)
    if name is None:
        return
    if delete_file:
        storage: Storage = getattr(file_, "storage", default_storage)
        storage.delete((file_.name or "") if isinstance(file_, File) else name)
    purge_thumbnails(name)
    forget_facts(name)
