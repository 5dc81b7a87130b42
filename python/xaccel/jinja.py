"""The template helpers for Jinja: Flask apps have them, other environments `install` them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

    from xaccel.templates import TemplateHelpers


def install(environment: jinja2.Environment, helpers: TemplateHelpers) -> None:
    """Add `thumbnail_url` to an environment, as a global function and as a filter."""
    environment.globals["thumbnail_url"] = helpers.thumbnail_url
    environment.filters["thumbnail_url"] = helpers.thumbnail_url
