"""The template helpers for Wagtail's images; the tags of Django and Jinja only wrap them.

They make neither a query nor a rendition. Wagtail itself is not imported: the tags of this package
are loaded on sites without it, too.
"""

from __future__ import annotations

from typing import Any

from xaccel.django import conf
from xaccel.thumbnails.markup import Markup


def thumbnail_url(
    image: Any, width: int | str | None = None, height: int | None = None, **options: Any
) -> str:
    """Return the URL of a thumbnail, empty without an image."""
    options = {**_focal_point(image), **options}
    return conf.template_helpers().thumbnail_url(_file(image), width, height, **options)


def thumbnail_srcset(
    image: Any, width: int | str | None = None, height: int | None = None, **options: Any
) -> str:
    """Return the value of a `srcset`, empty without an image."""
    options = {**_focal_point(image), **options}
    return conf.template_helpers().thumbnail_srcset(_file(image), width, height, **options)


def thumbnail_img(
    image: Any, width: int | str | None = None, height: int | None = None, **options: Any
) -> Markup:
    """Return an `<img>`, empty without an image. `alt` is Wagtail's by default."""
    options = {**_focal_point(image), **_alt(image), **options}
    return conf.template_helpers().thumbnail_img(_file(image), width, height, **options)


def thumbnail_picture(
    image: Any, width: int | str | None = None, height: int | None = None, **options: Any
) -> Markup:
    """Return a `<picture>`, empty without an image. `alt` is Wagtail's by default."""
    options = {**_focal_point(image), **_alt(image), **options}
    return conf.template_helpers().thumbnail_picture(_file(image), width, height, **options)


def placeholder(image: Any) -> str:
    """Return a blurred picture as a `data:` URI."""
    return conf.template_helpers().placeholder(_file(image))


def _is_wagtail_image(image: Any) -> bool:
    return hasattr(image, "get_focal_point") and hasattr(image, "file")


def _file(image: Any) -> Any:
    """Return the file of an image. Anything else is for the helper to judge."""
    return image.file if _is_wagtail_image(image) else image


def _focal_point(image: Any) -> dict[str, Any]:
    """Return the centre of an image's focal area, in fractions of the image."""
    area = image.get_focal_point() if _is_wagtail_image(image) else None
    if area is None or not image.width or not image.height:
        return {}
    # Editors pick it in an upright rendition that is scaled to the width and height of the row.
    x, y = area.centroid
    return {"focal_point": (min(x / image.width, 1), min(y / image.height, 1))}


def _alt(image: Any) -> dict[str, str]:
    """Return the text that describes an image, as Wagtail's own tag writes it."""
    if not _is_wagtail_image(image):
        # A field of another model has no text of its own: the helper asks for one.
        return {} if image else {"alt": ""}
    if getattr(image, "decorative", False):
        return {"alt": ""}
    contextual = getattr(image, "contextual_alt_text", None)
    return {"alt": contextual or image.default_alt_text}
