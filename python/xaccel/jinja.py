"""The template helpers for Jinja.

`xaccel.flask` installs them in the app's environment. For any other environment call `install`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xaccel.thumbnails.helpers import TemplateHelpers

if TYPE_CHECKING:
    import jinja2

__all__ = ["TemplateHelpers", "install"]


def install(environment: jinja2.Environment, helpers: TemplateHelpers) -> None:
    """Add the helpers to an environment, as global functions and as the filter `thumbnail_url`."""
    environment.globals.update(
        thumbnail_url=helpers.thumbnail_url,
        thumbnail_srcset=helpers.thumbnail_srcset,
        thumbnail_img=helpers.thumbnail_img,
        thumbnail_picture=helpers.thumbnail_picture,
        placeholder=helpers.placeholder,
    )
    environment.filters["thumbnail_url"] = helpers.thumbnail_url
