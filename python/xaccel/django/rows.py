"""The images in the rows of a Django model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import FileField, Model, QuerySet
from django.db.models.fields.files import FieldFile

from xaccel._hints import did_you_mean
from xaccel.exceptions import ConfigError

_FIELDS_OF_ROW = ("width_field", "height_field", "focal_point_field")
"""The options of an image field that name the fields to read when a row is loaded."""


class ImageRows:
    """The images in a field, row by row. Rows without an image are skipped.

    Args:
        place: The field, as `app.Model.field`.
        prefix: The start of the images' names in the storage.
        version_field: The field that contains the version of the image.

    Raises:
        ConfigError: The model or the field does not exist.
    """

    def __init__(self, place: str, *, prefix: str, version_field: str | None) -> None:
        self._model, self._field = _field(place)
        self._version_field = version_field
        if version_field is not None:
            _check_field(self._model, version_field)
        self._prefix = prefix

    def count(self) -> int:
        """Count the rows."""
        return self._rows().count()

    def __iter__(self) -> Iterator[tuple[FieldFile, Any]]:
        """Yield each image with its version."""
        others = (getattr(self._field, option, None) for option in _FIELDS_OF_ROW)
        needed = [self._field.name, self._version_field, *others]
        rows = self._rows().only(*filter(None, needed))
        for row in rows.iterator(chunk_size=1000):
            version = None if self._version_field is None else getattr(row, self._version_field)
            yield getattr(row, self._field.name), version

    def _rows(self) -> QuerySet[Model]:
        name = self._field.name
        rows = self._model._default_manager.exclude(**{name: ""})  # noqa: SLF001
        if self._field.null:
            rows = rows.exclude(**{name: None})
        return rows.filter(**{f"{name}__startswith": self._prefix}) if self._prefix else rows


def _field(place: str) -> tuple[type[Model], FileField]:
    label, _, name = place.rpartition(".")
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError) as error:
        raise ConfigError(
            f"--field must be a field such as shop.Photo.image, not {place!r}: {error}"
        ) from None
    field = _check_field(model, name)
    if not isinstance(field, FileField):
        raise ConfigError(f"--field {place}: {name!r} is not a FileField or an ImageField")
    return model, field


def _check_field(model: type[Model], name: str) -> object:
    try:
        return model._meta.get_field(name)  # noqa: SLF001
    except FieldDoesNotExist:
        names = [field.name for field in model._meta.get_fields()]  # noqa: SLF001
        raise ConfigError(
            f"{model._meta.label} does not have the field {name!r}{did_you_mean(name, names)}"  # noqa: SLF001
        ) from None
