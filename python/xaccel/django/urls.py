"""The URLs of thumbnails and signed links. Include this module at the site's root."""

from collections.abc import Iterator

from django.urls import URLPattern, path

from xaccel.django import conf, views
from xaccel.django.mounts import PRIVATE_FILE, THUMBNAIL
from xaccel.exceptions import ConfigError


def _urlpatterns() -> Iterator[URLPattern]:
    try:
        config = conf.config()
    except ConfigError:
        # The system check E001 reports this error, and every view raises it.
        return
    if config.private_url is not None:
        route = f"{config.private_url}<path:path>".removeprefix("/")
        yield path(route, views.private_file, name=PRIVATE_FILE)
    if config.has_thumbnail_endpoint:
        route = f"{config.thumbnail_url}<path:path>".removeprefix("/")
        yield path(route, views.thumbnail, name=THUMBNAIL)


urlpatterns = list(_urlpatterns())
