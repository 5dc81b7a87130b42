"""The admin mixin of sorl-thumbnail."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.contrib.admin.widgets import AdminFileWidget
from django.utils.html import format_html
from django.utils.safestring import SafeString

from xaccel._log import fields, one_line
from xaccel.django.sorl.fields import ImageField
from xaccel.django.sorl.shortcuts import get_thumbnail

if TYPE_CHECKING:
    from django.contrib.admin.options import BaseModelAdmin

    _Admin = BaseModelAdmin[Any]
else:
    _Admin = object

__all__ = ["AdminImageMixin", "AdminImageWidget", "AdminInlineImageMixin"]

_logger = logging.getLogger("xaccel.django")

_FORMATS = {"png": "PNG", "gif": "GIF"}


class AdminImageWidget(AdminFileWidget):
    """A file input that shows a thumbnail of the current image, linked to the image."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the HTML."""
        output = super().render(name, value, attrs, renderer)
        if not value or not hasattr(value, "url"):
            return output
        image_format = _FORMATS.get(str(value).rpartition(".")[2].lower(), "JPEG")
        try:
            preview = get_thumbnail(value, "x80", upscale=False, format=image_format)
            width = preview.width
        except Exception as error:  # noqa: BLE001 - a form must not fail because of its preview
            _logger.warning(
                "%r has no preview: %s",
                str(value),
                one_line(error),
                extra=fields("no_thumbnail", source=str(value), error=type(error).__name__),
            )
            return output
        return format_html(
            '<div style="float:left"><a style="width:{}px;display:block;margin:0 0 10px" '
            'class="thumbnail" target="_blank" href="{}"><img src="{}" alt=""></a>{}</div>',
            width,
            value.url,
            preview.url,
            output,
        )


class AdminImageMixin(_Admin):
    """Shows a thumbnail next to each `ImageField` in admin forms."""

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Return the form field."""
        if isinstance(db_field, ImageField):
            return db_field.formfield(widget=AdminImageWidget)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


AdminInlineImageMixin = AdminImageMixin
"""The older name of the mixin."""
