"""The URL of the thumbnails, at `THUMBNAIL_URL`: include this module at the site's root."""

from django.urls import URLPattern, path

from xaccel.django import conf, views

urlpatterns: list[URLPattern] = []

if conf.config().thumbnail_source is not None:
    urlpatterns.append(
        path(
            conf.config().thumbnail_url.removeprefix("/") + "<path:path>",
            views.thumbnail,
            name="xaccel-thumbnail",
        )
    )
