"""Thumbnailers, which return the thumbnail of an image for given options or for an alias."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.db.models.fields.files import FieldFile
from django.utils.safestring import SafeString

from xaccel._core import Spec
from xaccel._log import fields, one_line
from xaccel.django import conf
from xaccel.django.dropins.facts import ImageFacts, forget_facts, source_name
from xaccel.django.dropins.options import Recipe
from xaccel.django.dropins.thumbnails import LazyThumbnail, UnknownSize
from xaccel.django.easy_thumbnails.alias import aliases
from xaccel.django.easy_thumbnails.options import recipe
from xaccel.django.fields import ImageFieldFile
from xaccel.django.functions import purge_thumbnails
from xaccel.exceptions import SourceError, StorageUnavailable, XaccelError
from xaccel.thumbnails.direct import in_memory
from xaccel.thumbnails.markup import element

__all__ = ["ThumbnailFile", "Thumbnailer", "ThumbnailerFieldFile", "get_thumbnailer"]

_logger = logging.getLogger("xaccel.django")

_EXTENSIONS = {"jpeg": ".jpg"}


class ThumbnailFile(LazyThumbnail):
    """A thumbnail."""

    def __init__(self, source: object, options: Mapping[str, Any]) -> None:
        name = conf.source_names().of(source)
        if name is None:
            raise SourceError(f"{source!r} has no image")
        super().__init__(source, _recipe(name, options))
        self.thumbnail_options = dict(options)

    def tag(self, alt: object = "", use_size: bool | None = None, **attrs: object) -> SafeString:  # noqa: FBT001 - as in easy-thumbnails
        """Return an `<img>`.

        Args:
            alt: The text that describes the image.
            use_size: Whether to write the width and the height. By default, they are written if
                known.
            attrs: Additional attributes.
        """
        attributes = {**attrs, "alt": alt, "src": self.url}
        if use_size is not False:
            try:
                attributes.update(width=self.width, height=self.height)
            except UnknownSize:
                if use_size:
                    raise
        return SafeString(element("img", dict(sorted(attributes.items()))))

    def __str__(self) -> str:
        return self.url


class ThumbnailSource:
    """An image that returns thumbnails for given options or an alias: `photo["small"].url`."""

    @property
    def _image(self) -> object:
        """The object that the template helpers accept as a source."""
        return self

    def get_thumbnail(
        self,
        thumbnail_options: Mapping[str, Any],
        save: bool = True,  # noqa: FBT001, FBT002, ARG002 - as in easy-thumbnails
        generate: bool | None = None,  # noqa: FBT001, ARG002
        silent_template_exception: bool = False,  # noqa: FBT001, FBT002, ARG002
    ) -> ThumbnailFile:
        """Return a thumbnail. It is rendered when a browser asks for its URL.

        Args:
            thumbnail_options: The options, including `size`.
            save: Ignored.
            generate: Ignored.
            silent_template_exception: Ignored.

        Raises:
            SpecError: An option is unknown, invalid, or not supported by xaccel's engine.
            SourceError: The image is not below `THUMBNAIL_SOURCE`.
        """
        return ThumbnailFile(self._image, thumbnail_options)

    def __getitem__(self, alias: str) -> ThumbnailFile:
        """Return the thumbnail with the options of an alias.

        Raises:
            KeyError: The alias is unknown.
            SpecError: An option is invalid. Django's templates show an empty string instead.
            SourceError: The image is not below `THUMBNAIL_SOURCE`.
        """
        options = aliases.get(alias, target=self)
        if not options:
            raise KeyError(alias)
        try:
            return self.get_thumbnail(options)
        except XaccelError as error:
            # Django's templates hide this error.
            _logger.warning(
                "the alias %r: %s",
                alias,
                one_line(error),
                extra=fields("no_thumbnail", spec=alias, error=type(error).__name__),
            )
            raise

    def delete_thumbnails(self) -> int:
        """Remove all thumbnails of this image from the cache, and return how many there were."""
        name = source_name(self._image)
        if name is None:
            return 0
        forget_facts(name)
        return purge_thumbnails(name)

    delete_thumbnails.alters_data = True  # type: ignore[attr-defined]


class _StoredFile(File):  # type: ignore[type-arg]
    """A reference to a file in a storage. The file is not opened."""

    def __init__(self, storage: Storage, name: str) -> None:
        super().__init__(None, name)
        self.storage = storage


class Thumbnailer(ThumbnailSource):
    """The thumbnails of an image that is not the value of a field."""

    def __init__(self, image: object, name: str) -> None:
        self.__image = image
        self.name = name

    @property
    def _image(self) -> object:
        return self.__image

    def __bool__(self) -> bool:
        return bool(self.name)


class ThumbnailerFieldFile(ThumbnailSource, FieldFile):
    """The value of a `ThumbnailerField`."""

    def save(self, name: str, content: Any, save: bool = True) -> None:  # noqa: FBT001, FBT002 - Django's
        """Save a file, and purge the thumbnails of an earlier file with the same name."""
        super().save(name, content, save)
        self._forget()

    def delete(self, save: bool = True) -> None:  # noqa: FBT001, FBT002 - Django's
        """Delete the file and its thumbnails."""
        self._forget()
        super().delete(save)

    save.alters_data = True  # type: ignore[attr-defined]
    delete.alters_data = True  # type: ignore[attr-defined]

    def _forget(self) -> None:
        try:
            self.delete_thumbnails()
        except SourceError:
            # A private file has no public thumbnails.
            return
        except (OSError, StorageUnavailable) as error:
            # The file itself is still saved or deleted.
            _logger.warning(
                "can't purge the thumbnails of %r: %s",
                self.name,
                one_line(error),
                extra=fields("purge_failed", source=self.name, error=type(error).__name__),
            )


class ThumbnailerImageFieldFile(ThumbnailerFieldFile, ImageFieldFile):
    """The value of a `ThumbnailerImageField`."""

    def save(self, name: str, content: Any, save: bool = True) -> None:  # noqa: FBT001, FBT002 - Django's
        """Save an image, resized with the field's `resize_source` options."""
        options = getattr(self.field, "resize_source", None)
        if options:
            name, content = _resized(name, content, options)
        super().save(name, content, save)

    save.alters_data = True  # type: ignore[attr-defined]


def get_thumbnailer(obj: Any, relative_name: str | None = None) -> Any:
    """Return the thumbnailer of an image.

    Args:
        obj: The value of a file field, the name of an image below `THUMBNAIL_SOURCE`, or a
            storage. If an object has the attribute `easy_thumbnails_thumbnailer`, the value of
            the attribute is returned.
        relative_name: The name of the file in the storage.

    Raises:
        ValueError: The name is missing.
        SourceError: `obj` is an open file, which can't have a URL.
    """
    if hasattr(obj, "easy_thumbnails_thumbnailer"):
        return obj.easy_thumbnails_thumbnailer
    if isinstance(obj, ThumbnailSource):
        return obj
    if isinstance(obj, FieldFile):
        name = relative_name or obj.name
        return ThumbnailerFieldFile(obj.instance, obj.field, name or "")
    if isinstance(obj, str):
        return Thumbnailer(obj, obj)
    if not relative_name:
        raise ValueError("get_thumbnailer() needs the name of the file in relative_name")
    if isinstance(obj, Storage):
        return Thumbnailer(_StoredFile(obj, relative_name), relative_name)
    raise SourceError(
        f"{obj!r} can't have a thumbnail URL: save it to a storage first, and pass the "
        "storage and the name"
    )


def _recipe(name: str, options: Mapping[str, Any]) -> Recipe:
    others = dict(options)
    size = others.pop("size", None)
    return recipe(name, tuple(size) if isinstance(size, list) else size, others)


def _resized(name: str, content: Any, options: Mapping[str, Any]) -> tuple[str, ContentFile[bytes]]:
    """Resize an upload with a field's `resize_source` options. Return its name and content."""
    content.seek(0)
    image, renderer = in_memory(content.read()), conf.direct_renderer()
    info = renderer.probe(image)
    make = _recipe(name, options)
    spec = Spec(**make(ImageFacts(info.width, info.height, info.has_alpha)))
    image_format = str(spec.output_format(name))
    thumbnail = renderer.render(image, spec, image_format)
    extension = _EXTENSIONS.get(image_format, f".{image_format}")
    path = PurePath(name)
    if {path.suffix.lower(), extension} != {".jpeg", ".jpg"}:
        name = str(path.with_suffix(extension))
    return name, ContentFile(thumbnail.data)
