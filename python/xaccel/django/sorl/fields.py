"""The image field of sorl-thumbnail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import models
from django.forms.widgets import FileInput
from django.utils.translation import gettext_lazy as _

from xaccel._core import probe
from xaccel.exceptions import ThumbnailError

__all__ = ["ImageField", "ImageFormField"]


class ImageField(models.ImageField):
    """Django's field, with uploads checked by xaccel instead of Pillow."""

    def formfield(self, **kwargs: Any) -> Any:
        """Return the form field."""
        return super().formfield(**{"form_class": ImageFormField, **kwargs})


class ImageFormField(forms.FileField):
    """A form field for uploading an image in a format that xaccel can make thumbnails of."""

    default_error_messages = {  # noqa: RUF012 - as in Django
        "invalid_image": _(
            "Upload a valid image. The file you uploaded was either not an image or a corrupted "
            "image."
        ),
    }

    def to_python(self, data: Any) -> Any:
        """Check that an upload is an image.

        Raises:
            ValidationError: The upload is not an image.
        """
        file = super().to_python(data)
        if file is None:
            return None
        try:
            probe(file.temporary_file_path() if hasattr(file, "temporary_file_path") else file)
        except ThumbnailError as error:
            raise forms.ValidationError(
                self.error_messages["invalid_image"], code="invalid_image"
            ) from error
        if callable(getattr(file, "seek", None)):
            file.seek(0)
        return file

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Make the browser's file dialog offer only images."""
        attributes: dict[str, Any] = super().widget_attrs(widget)
        if isinstance(widget, FileInput) and "accept" not in widget.attrs:
            attributes.setdefault("accept", "image/*")
        return attributes
