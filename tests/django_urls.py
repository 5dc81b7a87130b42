"""The URLs of the Django tests."""

from django.urls import include, path
from xaccel.django import send_private_file


def file(request, name):
    return send_private_file(request, name, as_attachment=True)


urlpatterns = [path("file/<path:name>", file), path("file/", file, {"name": ""})]
urlpatterns.append(path("", include("xaccel.django.urls")))
