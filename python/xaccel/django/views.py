"""Private files in views, and the views for thumbnails and signed links."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any, BinaryIO, Unpack, cast

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.core.files.base import File
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views import View

from xaccel._async import FILES
from xaccel._log import fields, one_line
from xaccel.delivery.presentation import FileKeywords, FileOptions, shows_file_keywords
from xaccel.django import conf
from xaccel.django.files import PrivateFile, local_path_of, path_of
from xaccel.django.http import facts, to_django
from xaccel.django.mounts import mount_of_request
from xaccel.exceptions import FileNotFound
from xaccel.thumbnails.rows import focal_point

_logger = logging.getLogger("xaccel.django")


@shows_file_keywords
def send_private_file(
    request: HttpRequest, path: PrivateFile | BinaryIO, **options: Unpack[FileKeywords]
) -> HttpResponseBase:
    """Respond with a file under one of `ROOTS`, sent by the web server if one is configured.

    Call this function after the permission check. Range requests, conditional requests and HEAD
    always work. If a file may not be sent, the response is a 404 that does not reveal the path.

    You can call it in an async view, since it only looks up the file. If the lookup is slow, for
    example on a network file system, use `asend_private_file()`.

    Args:
        request: The request.
        path: The file: a path (absolute or relative to `root`), a file from a model field or a
            storage, an open file, or a `BytesIO`. The app itself sends open files and `BytesIO`
            objects.
        root: The root that a relative path belongs to. Optional if `ROOTS` has one directory.
        mimetype: The media type; by default, guessed from the file's name.
        as_attachment: Whether browsers save the file instead of showing it.
        download_name: The name under which browsers save the file; by default, the file's name.
        max_age: How long the visitor's browser may cache the file, in seconds.
        headers: Additional response headers. They override the headers that xaccel sets.
            Conditional requests are checked against your `ETag` and `Last-Modified`, if you pass
            them.
        limit_rate: The speed at which nginx or lighttpd sends the file, in bytes per second; by
            default, unlimited. With other servers and with `direct`, this raises an error.
        allow_scripts: Whether browsers may run scripts in an HTML, SVG or XML file. Enable this
            only for files that you trust as much as your own pages.
        options: The keyword arguments: all of the above except `request` and `path`.
    """
    file_options = FileOptions(**options)
    try:
        file = path_of(path) if isinstance(path, str | os.PathLike | File) else path
        response = conf.delivery().private_file(file, facts(request), file_options)
    except FileNotFound as error:
        _logger.warning(
            "%s",
            one_line(error),
            extra=fields(
                "private_file_refused", error=type(error).__name__, status=error.status_code
            ),
        )
        raise Http404(error.public_message) from None
    return to_django(response)


@shows_file_keywords
async def asend_private_file(
    request: HttpRequest, path: PrivateFile | BinaryIO, **options: Unpack[FileKeywords]
) -> HttpResponseBase:
    """Like `send_private_file()`, but look up the file in a thread."""
    return await FILES.run(send_private_file, request, path, **options)


class PrivateFileView(View):
    """A view that checks permissions and then sends a private file.

        class Invoice(PrivateFileView):
            as_attachment = True

            def get_path(self):
                return get_object_or_404(Order, pk=self.kwargs["pk"]).invoice

            def can_access_file(self, path):
                return self.request.user.has_perm("shop.view_invoice")

    The attributes are the arguments of `send_private_file()`.
    """

    http_method_names = ["get", "head", "options"]  # noqa: RUF012

    root: str | os.PathLike[str] | None = None
    mimetype: str | None = None
    as_attachment: bool = False
    download_name: str | None = None
    max_age: int | None = None
    headers: Mapping[str, str] | None = None
    limit_rate: int | None = None
    allow_scripts: bool = False

    def get_path(self) -> PrivateFile:
        """Return the file; by default, the URL argument `path`, relative to the root."""
        path: str = self.kwargs["path"]
        return path

    def can_access_file(self, path: PrivateFile) -> bool:
        """Whether the visitor may see the file. You must define this, as no default is safe."""
        raise ImproperlyConfigured(
            f"{type(self).__name__} must define can_access_file(), to decide who may see {path!r}"
        )

    def get(self, request: HttpRequest, *_args: object, **_kwargs: object) -> HttpResponseBase:
        """Respond with the file, or with 403 if the visitor may not see it."""
        path = self.get_path()
        if not self.can_access_file(path):
            raise PermissionDenied
        options = {name: getattr(self, name) for name in FileKeywords.__annotations__}
        return send_private_file(request, path, **cast("FileKeywords", options))


def send_private_thumbnail(
    request: HttpRequest,
    path: PrivateFile,
    width: int | str | None = None,
    height: int | None = None,
    *,
    root: str | os.PathLike[str] | None = None,
    max_age: int | None = None,
    **options: Any,
) -> HttpResponseBase:
    """Respond with a thumbnail of an image under one of `ROOTS`; see `send_private_file()`.

    Call this function after the permission check. The thumbnail is rendered once and stored in
    `THUMBNAIL_CACHE`, but no public URL leads to it. When the file changes, a new thumbnail is
    rendered.

    Args:
        request: The request.
        path: The image: a path (absolute or relative to `root`), or a file from a model field or a
            storage.
        width: The box's width in pixels, or the name of a preset; `None` leaves it free.
        height: The box's height in pixels; `None` leaves it free.
        root: The root that a relative path belongs to. Optional if `ROOTS` has one directory.
        max_age: How long the visitor's browser may cache the thumbnail, in seconds.
        options: The options of a thumbnail: `fit`, `quality`, `format` and so on.
    """
    try:
        image = local_path_of(path)
    except FileNotFound as error:
        raise Http404(error.public_message) from None
    options.setdefault("focal_point", focal_point(path))
    response = conf.private_thumbnails().answer(
        image, width, height, facts(request), root=root, max_age=max_age, **options
    )
    return to_django(response)


def private_file(request: HttpRequest, path: str) -> HttpResponseBase:
    """Respond to a request for a signed link; `path` is the part after `PRIVATE_URL`."""
    config = conf.config()
    url = (config.private_url or "") + path
    query = request.META.get("QUERY_STRING", "")
    mount = mount_of_request(request, url, config.mount)
    return to_django(conf.delivery().respond(url, query, facts(request), mount))


def thumbnail(request: HttpRequest, path: str) -> HttpResponseBase:
    """Respond to a request for a thumbnail; `path` is the part after `THUMBNAIL_URL`."""
    config = conf.config()
    url = config.thumbnail_url + path
    query = request.META.get("QUERY_STRING", "")
    mount = mount_of_request(request, url, config.mount)
    return to_django(conf.thumbnails().respond(url, query, facts(request), mount))
