"""Thumbnails of Wagtail's images, cropped around their focal points, without renditions.

Templates use `{% load xaccel_wagtail %}`. For Jinja, add
`"xaccel.django.wagtail.ThumbnailsExtension"` to the `extensions` of Django's Jinja backend.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment
from jinja2.ext import Extension

from xaccel.django import wagtail_images

__all__ = ["ThumbnailsExtension"]


class ThumbnailsExtension(Extension):
    """Makes the tags of `{% load xaccel_wagtail %}` available as functions in Jinja."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        functions: dict[str, Any] = {
            "thumbnail_url": wagtail_images.thumbnail_url,
            "thumbnail_srcset": wagtail_images.thumbnail_srcset,
            "thumbnail_img": wagtail_images.thumbnail_img,
            "thumbnail_picture": wagtail_images.thumbnail_picture,
            "placeholder": wagtail_images.placeholder,
        }
        environment.globals.update(functions)
        environment.filters["thumbnail_url"] = wagtail_images.thumbnail_url
