"""Model fields for images and their focal points, which work without Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.files.base import File
from django.db import models
from django.db.models import signals
from django.db.models.fields import files
from django.utils.translation import gettext_lazy as _

from xaccel.django import forms, images
from xaccel.django.local_files import is_saved
from xaccel.exceptions import SpecError, XaccelError
from xaccel.thumbnails.rows import PlaceholderKind, as_focal_point

__all__ = ["FocalPointField", "ImageField", "ImageFieldFile"]

_PLACEHOLDERS = {
    "thumbhash": ("ThumbHash", 36),
    "blurhash": ("BlurHash", 28),
    "color": ("colour", 7),
    "palette": ("palette", 43),
}
"""The name and the maximum length of each kind of placeholder."""


class ImageFieldFile(files.ImageFieldFile):
    """The value of an `ImageField`. `width` and `height` are the size of the upright image."""

    def _get_image_dimensions(self) -> tuple[int | None, int | None]:
        if not hasattr(self, "_dimensions_cache"):
            info = images.info(self)
            self._dimensions_cache = (info.width, info.height)
        return self._dimensions_cache

    def save(self, name: str, content: File[Any], save: bool = True) -> None:  # noqa: FBT001, FBT002
        """See Django's `FieldFile.save`."""
        # Django treats content without a name as an empty field and would clear the size.
        super().save(name, content if content.name else File(content.file, name), save)


class ImageField(models.ImageField):
    """A replacement for Django's `ImageField` that does not need Pillow.

    When an image is assigned or saved, the fields that you name in the arguments are filled in. The
    template tags read these fields, so that they neither open the image nor query the database.

    Forms and `full_clean()` accept only images that xaccel can make thumbnails of: the format must
    be supported, and the image must not exceed the limits in the settings, such as
    `THUMBNAIL_MAX_BYTES` and `THUMBNAIL_MAX_MEMORY`.

    Args:
        verbose_name: See Django's `Field`.
        name: See Django's `Field`.
        width_field: The name of the field for the width of the upright image, in pixels.
        height_field: The name of the field for the height of the upright image, in pixels.
        placeholder_field: The name of a `CharField` for the image's placeholder.
        placeholder_kind: `"thumbhash"`; `"blurhash"` for apps that use BlurHash; `"color"` for the
            dominant colour; or `"palette"` for the five main colours. A ThumbHash keeps the aspect
            ratio and transparency. After you change the kind, save each image again.
        focal_point_field: The name of a `FocalPointField` for the point to keep when cropping.
        kwargs: The arguments of Django's `FileField`.
    """

    attr_class = ImageFieldFile
    has_upright_size = True
    width_field: str | None
    height_field: str | None

    def __init__(
        self,
        verbose_name: Any = None,
        name: str | None = None,
        width_field: str | None = None,
        height_field: str | None = None,
        *,
        placeholder_field: str | None = None,
        placeholder_kind: PlaceholderKind = "thumbhash",
        focal_point_field: str | None = None,
        **kwargs: Any,
    ) -> None:
        if placeholder_kind not in _PLACEHOLDERS:
            raise ValueError(
                f"placeholder_kind must be one of {', '.join(map(repr, _PLACEHOLDERS))}, "
                f"not {placeholder_kind!r}"
            )
        self.placeholder_field = placeholder_field
        self.placeholder_kind = placeholder_kind
        self.focal_point_field = focal_point_field
        super().__init__(verbose_name, name, width_field, height_field, **kwargs)

    def _check_image_library_installed(self) -> list[CheckMessage]:
        """Skip Django's check for Pillow."""
        return []

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """E005: a named field does not exist. E006: a placeholder is too long for its field."""
        return [*super().check(**kwargs), *self._check_named_fields()]

    def _check_named_fields(self) -> Iterator[CheckMessage]:
        for option in ("width_field", "height_field", "placeholder_field", "focal_point_field"):
            name = getattr(self, option)
            if name is None:
                continue
            try:
                field = self.model._meta.get_field(name)  # noqa: SLF001
            except FieldDoesNotExist:
                yield Error(
                    f"{option} is {name!r}, which is not a field of {self.model.__name__}.",
                    hint="Add the field, or correct the name.",
                    obj=self,
                    id="xaccel.E005",
                )
                continue
            length = getattr(field, "max_length", None)
            title, needed = _PLACEHOLDERS[self.placeholder_kind]
            if option == "placeholder_field" and length is not None and length < needed:
                yield Error(
                    f"The field {name!r} holds {length} characters, too few for a {title}.",
                    hint=f"Set its max_length to {needed} or more.",
                    obj=self,
                    id="xaccel.E006",
                )

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """See Django's `Field.deconstruct`."""
        name, path, args, kwargs = super().deconstruct()
        for option in ("placeholder_field", "focal_point_field"):
            if getattr(self, option):
                kwargs[option] = getattr(self, option)
        if self.placeholder_kind != "thumbhash":
            kwargs["placeholder_kind"] = self.placeholder_kind
        return name, path, [*args], kwargs

    def contribute_to_class(  # type: ignore[override] # the stubs differ among themselves
        self, cls: type[models.Model], name: str, **kwargs: Any
    ) -> None:
        """See Django's `Field.contribute_to_class`."""
        super().contribute_to_class(cls, name, **kwargs)
        has_size = self.width_field or self.height_field
        if self.placeholder_field and not has_size and not cls._meta.abstract:
            signals.post_init.connect(self.update_dimension_fields, sender=cls)

    def update_dimension_fields(
        self,
        instance: models.Model,
        force: bool = False,  # noqa: FBT001, FBT002
        **_: Any,
    ) -> None:
        """Fill in the size and placeholder fields when an image is assigned.

        If these fields are empty when a row is loaded, Django's method opens the image. This method
        does not.
        """
        named = (self.width_field, self.height_field, self.placeholder_field)
        if not any(named) or self.attname not in instance.__dict__:
            return
        file = getattr(instance, self.attname)
        if not force and (not file or is_saved(file)):
            return
        # Do not read the fields any earlier, because reading a deferred field queries the database.
        if not force and all(getattr(instance, name) for name in named if name):
            return
        for option, value in zip(named, self._facts(file), strict=True):
            if option:
                setattr(instance, option, value)

    def _facts(self, file: ImageFieldFile) -> tuple[int | None, int | None, str]:
        """Return the width, the height and the placeholder of an image, if they are known."""
        width, height, placeholder = None, None, ""
        if file:
            with suppress(XaccelError, OSError):
                width, height = file.width, file.height
                if self.placeholder_field:
                    placeholder = images.placeholder_of(file, self.placeholder_kind)
        return width, height, placeholder

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """Reject a new file that is not an image; see Django's `Field.validate`."""
        super().validate(value, model_instance)
        if isinstance(value, File) and not getattr(value, "_committed", True):
            images.validated(value)

    def formfield(self, **kwargs: Any) -> Any:
        """See Django's `Field.formfield`."""
        return super().formfield(**{"form_class": forms.ImageField, **kwargs})


def _validate_focal_point(value: Any) -> None:
    try:
        as_focal_point(value)
    except SpecError:
        raise ValidationError(forms.FOCAL_POINT_ERROR, code="invalid") from None


class FocalPointField(models.CharField):  # type: ignore[type-arg] # not generic at run time
    """The point of an image to keep when cropping, such as `"0.25x0.6"`; empty for the centre.

    The numbers are fractions of the upright image, from the left and from the top. You can also
    assign a pair of numbers.
    """

    description = _("Focal point")
    # This is a validator, because REST framework does not call `validate`.
    default_validators = [_validate_focal_point]  # noqa: RUF012

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 20, "blank": True, "default": "", **kwargs})

    def to_python(self, value: Any) -> Any:
        """See Django's `Field.to_python`."""
        try:
            return forms.focal_point_text(as_focal_point(value))
        except SpecError:
            # The validator rejects invalid values. A query may contain part of a focal point.
            return super().to_python(value)

    def formfield(self, **kwargs: Any) -> Any:
        """See Django's `Field.formfield`."""
        # The admin passes its text widget, and `CharField` would add arguments for text.
        if not forms.is_focal_point_input(kwargs.get("widget")):
            kwargs.pop("widget", None)
        return models.Field.formfield(self, **{"form_class": forms.FocalPointField, **kwargs})
