"""The template helpers for Wagtail's images. The tags for Django and Jinja only wrap them.

The helpers make no queries and create no renditions. Wagtail itself is not imported, because this
package's tags are also loaded on sites without Wagtail.
"""

from __future__ import annotations

from typing import Any

from xaccel.django import conf
from xaccel.thumbnails.markup import Markup
from xaccel.thumbnails.rows import PlaceholderKind


def thumbnail_url(
    image: Any, width: int | str | None = None, height: int | None = None, **options: Any
) -> str:
    """Return the URL of a thumbnail, or an empty string if there is no image."""
    options = {**_focal_point(image), **options}
    return conf.template_helpers().thumbnail_url(_file(image), width, height, **options)


def thumbnail_srcset(
    image: Any, width: int | str | None = None, height: int | None = None, **options: Any
) -> str:
    """Return the value of a `srcset`, or an empty string if there is no image."""
    options = {**_focal_point(image), **options}
    return conf.template_helpers().thumbnail_srcset(_file(image), width, height, **options)


def thumbnail_img(
    image: Any, width: int | str | None = None, height: int | None = None, **options: Any
) -> Markup:
    """Return an `<img>` whose `alt` defaults to Wagtail's, or an empty string without an image."""
    options = {**_focal_point(image), **_alt(image), **options}
    return conf.template_helpers().thumbnail_img(_file(image), width, height, **options)


def thumbnail_picture(
    image: Any, width: int | str | None = None, height: int | None = None, **options: Any
) -> Markup:
    """Return a `<picture>` whose `alt` defaults to Wagtail's; empty without an image."""
    options = {**_focal_point(image), **_alt(image), **options}
    return conf.template_helpers().thumbnail_picture(_file(image), width, height, **options)


def placeholder(image: Any, *, kind: PlaceholderKind | None = None) -> str:
    """Return a blurred picture as a `data:` URI, or another kind of placeholder.

    For the kinds, see the tag `placeholder`.
    """
    return conf.template_helpers().placeholder(_file(image), kind=kind)


def _is_wagtail_image(image: Any) -> bool:
    return hasattr(image, "get_focal_point") and hasattr(image, "file")


def _file(image: Any) -> Any:
    """Return an image's file. Other objects are returned unchanged for the helper to check."""
    return image.file if _is_wagtail_image(image) else image


def _focal_point(image: Any) -> dict[str, Any]:
    """Return the centre of an image's focal area, as fractions of the image's size."""
    area = image.get_focal_point() if _is_wagtail_image(image) else None
    if area is None or not image.width or not image.height:
        return {}
    # Editors choose the area in an upright rendition, whose width and height are in the row.
    x, y = area.centroid
    return {"focal_point": (min(x / image.width, 1), min(y / image.height, 1))}


def _alt(image: Any) -> dict[str, str]:
    """Return the alternative text of an image, chosen as in Wagtail's own tag."""
    if not _is_wagtail_image(image):
        # A file field of another model has no such text, so the helper requires `alt`.
        return {} if image else {"alt": ""}
    if getattr(image, "decorative", False):
        return {"alt": ""}
    contextual = getattr(image, "contextual_alt_text", None)
    return {"alt": contextual or image.default_alt_text}
