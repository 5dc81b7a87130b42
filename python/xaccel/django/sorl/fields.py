"""The image field of sorl-thumbnail."""

from __future__ import annotations

from typing import Any

from django.forms import Widget
from django.forms.widgets import FileInput

from xaccel.django import fields, forms

__all__ = ["ImageField", "ImageFormField"]


class ImageField(fields.ImageField):
    """xaccel's field with the form field of sorl-thumbnail."""

    # Rows saved before the switch to xaccel contain Pillow's sizes, which ignore EXIF rotation.
    has_upright_size = False

    def formfield(self, **kwargs: Any) -> Any:
        """Return the form field."""
        return super().formfield(**{"form_class": ImageFormField, **kwargs})


class ImageFormField(forms.ImageField):
    """A form field for uploading an image in a format that xaccel can make thumbnails of.

    The name of the file does not matter.
    """

    default_validators = []  # noqa: RUF012 - as in Django

    def widget_attrs(self, widget: Widget) -> dict[str, Any]:
        """Make the browser's file dialog offer only images."""
        attributes = super().widget_attrs(widget)
        if isinstance(widget, FileInput) and "accept" not in widget.attrs:
            attributes["accept"] = "image/*"
        return attributes
