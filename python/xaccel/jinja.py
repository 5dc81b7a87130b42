"""The template helpers for Jinja.

`xaccel.flask` installs them in the app's environment. For any other environment call `install`:

    install(environment, TemplateHelpers(config), private_url=xaccel.private_url)

`xaccel` is the `XAccel` of `xaccel.wsgi`, `xaccel.asgi` or `xaccel.starlette`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from xaccel.thumbnails.helpers import TemplateHelpers

if TYPE_CHECKING:
    import jinja2

__all__ = ["TemplateHelpers", "install"]


def install(
    environment: jinja2.Environment,
    helpers: TemplateHelpers | None = None,
    *,
    private_url: Callable[..., str] | None = None,
) -> None:
    """Add the helpers to an environment, as global functions and as the filter `thumbnail_url`.

    Args:
        environment: The environment.
        helpers: Writes the URLs of thumbnails; `None` to leave those helpers out.
        private_url: Writes signed links, such as `XAccel.private_url`; `None` to leave it out.
    """
    if private_url is not None:
        environment.globals["private_url"] = private_url
    if helpers is None:
        return
    environment.globals.update(
        thumbnail_url=helpers.thumbnail_url,
        thumbnail_srcset=helpers.thumbnail_srcset,
        thumbnail_img=helpers.thumbnail_img,
        thumbnail_picture=helpers.thumbnail_picture,
        placeholder=helpers.placeholder,
    )
    environment.filters["thumbnail_url"] = helpers.thumbnail_url
