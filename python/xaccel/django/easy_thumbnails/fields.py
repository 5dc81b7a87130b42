"""The fields of easy-thumbnails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import FileField

from xaccel.django.easy_thumbnails.files import ThumbnailerFieldFile, ThumbnailerImageFieldFile
from xaccel.django.fields import ImageField

__all__ = ["ThumbnailerField", "ThumbnailerImageField"]


class ThumbnailerField(FileField):
    """A file field whose value has thumbnails: `document.scan["small"].url`.

    Args:
        thumbnail_storage: Ignored, because thumbnails are stored in `THUMBNAIL_CACHE`.
        arguments: The arguments of `FileField`.
        keywords: The arguments of `FileField`.
    """

    attr_class = ThumbnailerFieldFile

    def __init__(self, *arguments: Any, thumbnail_storage: Any = None, **keywords: Any) -> None:
        self.thumbnail_storage = thumbnail_storage
        super().__init__(*arguments, **keywords)


class ThumbnailerImageField(ThumbnailerField, ImageField):
    """An image field whose value has thumbnails: `person.photo["small"].url`.

    It does not need Pillow.

    Args:
        resize_source: The options for resizing an upload before it is saved.
        arguments: The arguments of `ThumbnailerField` and `ImageField`.
        keywords: The arguments of `ThumbnailerField` and `ImageField`.
    """

    attr_class = ThumbnailerImageFieldFile
    # Rows saved before the switch to xaccel contain Pillow's sizes, which ignore EXIF rotation.
    has_upright_size = False

    def __init__(
        self, *arguments: Any, resize_source: Mapping[str, Any] | None = None, **keywords: Any
    ) -> None:
        self.resize_source = resize_source
        super().__init__(*arguments, **keywords)
