"""The views in Django, and the site's settings with and without async views."""

from pathlib import Path

import django
from django.conf import settings
from django.http import FileResponse, HttpResponse
from django.urls import path as route

from tests.support.servers.apps import ADDED, SETTINGS, arguments, stray


def configure(*middleware):
    settings.configure(
        DEBUG=False,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="a secret key of these tests",
        INSTALLED_APPS=["xaccel.django"],
        MIDDLEWARE=[*middleware, "django.middleware.http.ConditionalGetMiddleware"],
        XACCEL=SETTINGS["XACCEL"],
    )
    django.setup()


def file(request):
    from xaccel.django import send_private_file

    path, options = arguments(request.META["QUERY_STRING"])
    return _with_added(send_private_file(request, path, **options))


async def async_file(request):
    from xaccel.django import asend_private_file

    path, options = arguments(request.META["QUERY_STRING"])
    return _with_added(await asend_private_file(request, path, **options))


def _with_added(response):
    for name, value in ADDED.items():
        response.headers[name] = value
    return response


async def async_response(request):
    path, options = arguments(request.META["QUERY_STRING"])
    return FileResponse((Path(options["root"]) / path).open("rb"))


async def async_stray(request):
    body, status, headers = stray(request.META["QUERY_STRING"])
    return HttpResponse(body, status=status, headers=headers)


urlpatterns = [
    route("django/file", file),
    route("django-asgi/file", async_file),
    route("django-asgi/response", async_response),
    route("django-asgi/stray", async_stray),
]
