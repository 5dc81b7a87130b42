"""The admin widget of easy-thumbnails."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.forms.widgets import ClearableFileInput
from django.utils.html import format_html
from django.utils.safestring import SafeString

from xaccel._log import fields, one_line
from xaccel.django.easy_thumbnails.files import get_thumbnailer
from xaccel.exceptions import XaccelError

__all__ = ["ImageClearableFileInput"]

_logger = logging.getLogger("xaccel.django")

_DEFAULT = {"size": (80, 80)}


class ImageClearableFileInput(ClearableFileInput):
    """A file input that shows a thumbnail of the current image, linked to the image.

    Args:
        thumbnail_options: The options of the thumbnail; the default is `THUMBNAIL_WIDGET_OPTIONS`.
        attrs: The HTML attributes.
    """

    def __init__(
        self, thumbnail_options: Mapping[str, Any] | None = None, attrs: Any = None
    ) -> None:
        chosen = thumbnail_options or getattr(settings, "THUMBNAIL_WIDGET_OPTIONS", _DEFAULT)
        self.thumbnail_options = {**_DEFAULT, **chosen}
        super().__init__(attrs)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the HTML."""
        output = super().render(name, value, attrs, renderer)
        if not value or not hasattr(value, "storage"):
            return output
        try:
            thumbnail = get_thumbnailer(value).get_thumbnail(self.thumbnail_options)
            preview = thumbnail.tag(id=f"{name}_thumb_id")
        except XaccelError as error:
            # A form must not fail because of its preview.
            _logger.warning(
                "%r has no preview: %s",
                str(value),
                one_line(error),
                extra=fields("no_thumbnail", source=str(value), error=type(error).__name__),
            )
            return output
        return format_html('{}<br><a href="{}" target="_blank">{}</a>', output, value.url, preview)
