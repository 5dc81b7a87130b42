"""The URLs of thumbnails and of signed links: include this module at the site's root."""

from django.urls import URLPattern, path

from xaccel.django import conf, views

urlpatterns: list[URLPattern] = []

if conf.config().private_url is not None:
    route = f"{conf.config().private_url}<path:path>".removeprefix("/")
    urlpatterns.append(path(route, views.private_file, name="xaccel-private-file"))
if conf.config().has_thumbnail_endpoint:
    route = f"{conf.config().thumbnail_url}<path:path>".removeprefix("/")
    urlpatterns.append(path(route, views.thumbnail, name="xaccel-thumbnail"))
