"""The template helpers for Jinja: Flask apps have them, other environments `install` them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

    from xaccel.thumbnails import Thumbnails


def install(environment: jinja2.Environment, thumbnails: Thumbnails) -> None:
    """Add `thumbnail_url` to an environment, as a global function and as a filter."""
    environment.globals["thumbnail_url"] = thumbnails.url
    environment.filters["thumbnail_url"] = thumbnails.url
