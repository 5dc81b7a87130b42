"""Previews, a focal-point picker and a thumbnail column for Django's admin.

Add them to the admin of your model:

    @admin.register(Photo)
    class PhotoAdmin(ImageAdminMixin, admin.ModelAdmin):
        list_display = ["__str__", thumbnail_column("image", 96)]
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import AdminFileWidget
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext

from xaccel._log import fields, one_line
from xaccel.django import conf
from xaccel.django.functions import thumbnail_img, thumbnail_url
from xaccel.exceptions import SpecError, XaccelError

if TYPE_CHECKING:
    _Admin = admin.options.BaseModelAdmin[Any]
else:
    _Admin = object

__all__ = ["ImageAdminMixin", "ImageWidget", "thumbnail_column"]

_PREVIEW = (480, 360)
"""The size of a preview's box, in CSS pixels."""

_logger = logging.getLogger("xaccel.django")


class ImageWidget(AdminFileWidget):
    """A file input for an image, with a preview and a focal-point picker.

    Users pick the point with a click or with the arrow keys. Without JavaScript, they enter it as
    two numbers.

    Args:
        attrs: HTML attributes of the input.
        focal_point_field: The name of the form field that holds the focal point; `None` means no
            picker.
    """

    class Media:
        """The style sheet and the script."""

        css = {"all": ["xaccel/image_widget.css"]}  # noqa: RUF012
        js = ["xaccel/image_widget.js"]  # noqa: RUF012

    def __init__(
        self, attrs: dict[str, Any] | None = None, *, focal_point_field: str | None = None
    ) -> None:
        super().__init__(attrs)
        self.focal_point_field = focal_point_field

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """See Django's `Widget.render`."""
        control = super().render(name, value, attrs, renderer)
        url, problem = "", gettext("The preview can't be shown: the file may be missing or broken.")
        if self.is_initial(value):
            try:
                conf.source_names().of(value)
                url = thumbnail_url(value, *_PREVIEW) or ""
            except SpecError:
                # THUMBNAIL_ONLY_PRESETS does not allow the size of the preview.
                url = value.url
            except XaccelError as error:
                problem = _described(error)
        return format_html(
            '{control}<div class="xaccel-image" data-name="{name}" data-field="{field}"'
            ' data-label="{label}" data-position="{position}" data-center="{center}">'
            '<div class="xaccel-picture"><img{source} alt="{alt}"></div>'
            '<p class="xaccel-hint" id="{name}_focal_point_hint" hidden>{hint}</p>'
            '<p class="xaccel-error" role="alert"{hidden}>{problem}</p></div>',
            control=control,
            name=name,
            field=self.focal_point_field or "",
            label=gettext("Focal point"),
            position=gettext("{x} percent from the left, {y} percent from the top"),
            center=gettext("No focal point: crops keep the centre"),
            source=format_html(' src="{}"', url) if url else SafeString(" hidden"),
            alt=gettext("Preview"),
            hint=gettext(
                "Click the part of the picture that crops keep, or move the point with the arrow "
                "keys. Delete removes it."
            ),
            hidden=SafeString("" if self.is_initial(value) and not url else " hidden"),
            problem=problem,
        )


class ImageAdminMixin(_Admin):
    """Adds a preview and a focal-point picker to each image field of a `ModelAdmin` or inline.

    It works with `xaccel.django.fields.ImageField` and with Django's `ImageField`. Put it before
    `ModelAdmin` in the list of base classes.
    """

    def formfield_for_dbfield(
        self, db_field: models.Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """See Django's `ModelAdmin.formfield_for_dbfield`."""
        if isinstance(db_field, models.ImageField) and "widget" not in kwargs:
            focal_point_field = getattr(db_field, "focal_point_field", None)
            kwargs["widget"] = ImageWidget(focal_point_field=focal_point_field)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


def thumbnail_column(
    field: str,
    width: int | str,
    height: int | None = None,
    *,
    description: str | None = None,
    **options: Any,
) -> Callable[[models.Model], SafeString | None]:
    """Return a column of thumbnails for `list_display`.

    The column makes no queries and opens no files. If an image can't have a thumbnail, the column
    shows the reason.

    Args:
        field: The name of the model's file field.
        width: The width of the box in CSS pixels, or the name of a preset.
        height: The height of the box in CSS pixels; by default, the box is a square.
        description: The heading; by default, the field's name.
        options: The options of `thumbnail_img()`; by default, `fit="cover"`.
    """
    if isinstance(width, int):
        height = width if height is None else height
        options.setdefault("fit", "cover")

    def column(row: models.Model) -> SafeString | None:
        image = getattr(row, field)
        try:
            if conf.source_names().of(image) is None:
                return None
            return thumbnail_img(image, width, height, **{"alt": str(row), **options})
        except XaccelError as error:
            return format_html('<span class="xaccel-error">{}</span>', _described(error))

    column.__name__ = f"{field}_thumbnail"
    heading = capfirst(field.replace("_", " ")) if description is None else description
    return admin.display(description=heading, empty_value="-")(column)


def _described(error: XaccelError) -> str:
    """Return the text that the admin shows for an error. It contains paths only in debug mode."""
    if settings.DEBUG:
        return str(error)
    _logger.warning("%s", one_line(error), extra=fields("no_thumbnail", error=type(error).__name__))
    return gettext("This image can't have a thumbnail. The log says why.")
