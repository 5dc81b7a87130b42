"""The URLs of the Django tests."""

from pathlib import Path

from django.http import FileResponse, HttpResponse
from django.urls import include, path
from xaccel.django import PrivateFileView, asend_private_file, send_private_file


def file(request, name):
    return send_private_file(request, name, as_attachment=True)


async def async_file(request, name):
    return await asend_private_file(request, name)


async def async_file_without_a_thread(request, name):
    return send_private_file(request, name)


def file_response(request, name):
    response = FileResponse(Path(f"/{name}").open("rb"))  # noqa: SIM115
    response.set_cookie("seen", "1")
    return response


def foreign(request):
    return HttpResponse("text", headers={"X-Accel-Redirect": "/etc/", "X-Sendfile": "/etc/passwd"})


class Allowed(PrivateFileView):
    as_attachment = True
    download_name = "a.pdf"
    headers = {"X-Robots-Tag": "noindex"}  # noqa: RUF012

    def can_access_file(self, path):
        return self.request.headers.get("X-May") == path


class Undecided(PrivateFileView):
    pass


urlpatterns = [
    path("file/<path:name>", file),
    path("file/", file, {"name": ""}),
    path("async/<path:name>", async_file),
    path("async-inline/<path:name>", async_file_without_a_thread),
    path("file_response/<path:name>", file_response),
    path("foreign", foreign),
    path("allowed/<path:path>", Allowed.as_view()),
    path("undecided/<path:path>", Undecided.as_view()),
]
urlpatterns.append(path("", include("xaccel.django.urls")))
