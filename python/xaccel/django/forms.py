"""Form fields for image uploads and for focal points, which work without Pillow."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import FileExtensionValidator
from django.utils.translation import gettext_lazy as _

from xaccel.django import images
from xaccel.exceptions import SpecError
from xaccel.thumbnails.rows import FocalPoint, as_focal_point

__all__ = ["FocalPointField", "FocalPointInput", "ImageField"]

FOCAL_POINT_ERROR = _("Enter both numbers, from 0 to 100.")


class ImageField(forms.ImageField):
    """A replacement for Django's `forms.ImageField` that does not need Pillow.

    It accepts images that xaccel can make thumbnails of, within the limits in the settings. The
    `content_type` of the cleaned file is detected from its content, and its `image` attribute is an
    `xaccel.ImageInfo`.
    """

    default_validators = [FileExtensionValidator(images.EXTENSIONS)]  # noqa: RUF012
    default_error_messages = dict(images.MESSAGES)  # noqa: RUF012

    def to_python(self, data: Any) -> Any:
        """See Django's `Field.to_python`."""
        file: Any = forms.FileField.to_python(self, data)
        if file is None:
            return None
        try:
            file.image = images.validated(file)
        except ValidationError as error:
            message = self.error_messages[error.code or "invalid_image"]
            raise ValidationError(message, code=error.code, params=error.params) from None
        file.content_type = f"image/{file.image.format}"
        return file

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """List the accepted formats, so that phones convert others, such as HEIC, before upload."""
        attributes = forms.FileField.widget_attrs(self, widget)
        if isinstance(widget, forms.FileInput) and "accept" not in widget.attrs:
            attributes["accept"] = ",".join(images.MEDIA_TYPES)
        return attributes


class FocalPointInput(forms.MultiWidget):
    """Two number inputs: the percentages from the left and from the top."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        number = {"min": 0, "max": 100, "step": "any", "inputmode": "decimal"}
        labels = (
            {
                "aria-label": _("Focal point, percent from the left"),
                "placeholder": _("Left in %"),
            },
            {
                "aria-label": _("Focal point, percent from the top"),
                "placeholder": _("Top in %"),
            },
        )
        super().__init__([forms.NumberInput({**number, **label}) for label in labels], attrs)

    def decompress(self, value: Any) -> list[Any]:
        """See Django's `MultiWidget.decompress`."""
        try:
            point = as_focal_point(value)
        except SpecError:
            point = None
        return [None, None] if point is None else [f"{part * 100:.6g}" for part in point]


class FocalPointField(forms.MultiValueField):
    """A focal point, entered as two percentages. Its value is text such as `"0.25x0.6"`."""

    widget = FocalPointInput
    default_error_messages = {"incomplete": FOCAL_POINT_ERROR}  # noqa: RUF012

    def __init__(self, **kwargs: Any) -> None:
        numbers = [forms.FloatField(min_value=0, max_value=100) for _ in range(2)]
        super().__init__(numbers, **{"require_all_fields": False, "required": False, **kwargs})

    def compress(self, data_list: list[Any]) -> str:
        """See Django's `MultiValueField.compress`."""
        x, y = data_list or (None, None)
        return "" if x is None or y is None else focal_point_text((x / 100, y / 100))


def is_focal_point_input(widget: Any) -> bool:
    """Whether a widget or a widget class consists of several inputs, like `FocalPointInput`."""
    kind = widget if isinstance(widget, type) else type(widget)
    return issubclass(kind, forms.MultiWidget)


def focal_point_text(point: FocalPoint | None) -> str:
    """Return the text that the database stores for a focal point; empty for `None`."""
    return "" if point is None else "x".join(f"{part:.4g}" for part in point)
