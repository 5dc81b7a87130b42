"""Private files in views, and the views of thumbnails and of signed links."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from typing import Any, Unpack

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views import View

from xaccel.delivery.presentation import FileKeywords, FileOptions, shows_file_keywords
from xaccel.django import conf
from xaccel.django.files import PrivateFile, path_of
from xaccel.django.http import facts, to_django
from xaccel.exceptions import FileNotFound

_logger = logging.getLogger("xaccel.django")


@shows_file_keywords
def send_private_file(
    request: HttpRequest, path: PrivateFile, **options: Unpack[FileKeywords]
) -> HttpResponseBase:
    """Answer with a file under one of `ROOTS`; the web server sends it, if there is one.

    Call it after the permission check. The visitor gets ranges, conditional requests and HEAD
    either way. What may not be sent is a 404 that does not show the path.

    An async view may call it, since it only looks for the file; where even that is slow, as on a
    network file system, there is `asend_private_file()`.

    Args:
        request: The request that is answered.
        path: The file: a path, absolute or relative to `root`, or a file of a model's field or
            of a storage.
        root: The directory of a relative path; not needed when there is one root only.
        mimetype: The type; by default that of the file's name.
        as_attachment: Whether the browser should save the file rather than show it.
        download_name: The name under which it is saved; by default its own.
        max_age: Seconds for which the visitor's browser may use it without asking again.
        headers: Further response headers.
        limit_rate: Bytes a second at which nginx or lighttpd sends the file; by default
            unlimited. An error with the others, and without a server.
        options: All of these but `request` and `path`.
    """
    file_options = FileOptions(**options)
    try:
        response = conf.delivery().private_file(path_of(path), facts(request), file_options)
    except FileNotFound as error:
        _logger.warning("%s", error)
        raise Http404(error.public_message) from None
    return to_django(response)


@shows_file_keywords
async def asend_private_file(
    request: HttpRequest, path: PrivateFile, **options: Unpack[FileKeywords]
) -> HttpResponseBase:
    """As `send_private_file()`, with the same options, looking for the file in a thread."""
    return await asyncio.to_thread(send_private_file, request, path, **options)


class PrivateFileView(View):
    """A view of private files, for those who are allowed to have them.

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

    def get_path(self) -> PrivateFile:
        """The file; by default that which the URL's argument `path` names, below the root."""
        path: str = self.kwargs["path"]
        return path

    def can_access_file(self, path: PrivateFile) -> bool:
        """Whether the visitor may have the file. Has to be defined: there is no safe default."""
        raise ImproperlyConfigured(
            f"{type(self).__name__} must define can_access_file(), which says who may have {path!r}"
        )

    def get(self, request: HttpRequest, *_args: object, **_kwargs: object) -> HttpResponseBase:
        """Answer with the file; 403 for those who may not have it."""
        path = self.get_path()
        if not self.can_access_file(path):
            raise PermissionDenied
        return send_private_file(
            request,
            path,
            root=self.root,
            mimetype=self.mimetype,
            as_attachment=self.as_attachment,
            download_name=self.download_name,
            max_age=self.max_age,
            headers=self.headers,
            limit_rate=self.limit_rate,
        )


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
    """Answer with a thumbnail of an image under one of `ROOTS`; see `send_private_file()`.

    Call it after the permission check. It is made once, kept in `THUMBNAIL_CACHE` below no public
    URL, and always that of the file's present state.

    Args:
        request: The request that is answered.
        path: The image: a path, absolute or relative to `root`, or a file of a model's field or
            of a storage.
        width: The box's width in pixels, or the name of a preset; `None` leaves it free.
        height: The box's height in pixels; `None` leaves it free.
        root: The directory of a relative path; not needed when there is one root only.
        max_age: Seconds for which the visitor's browser may use it without asking again.
        options: Those of a thumbnail: `fit`, `quality`, `format` and so on.
    """
    try:
        image = path_of(path)
    except FileNotFound as error:
        raise Http404(error.public_message) from None
    response = conf.private_thumbnails().answer(
        image, width, height, facts(request), root=root, max_age=max_age, **options
    )
    return to_django(response)


def private_file(request: HttpRequest, path: str) -> HttpResponseBase:
    """Answer the request for a signed link; `path` is what follows `PRIVATE_URL`."""
    url = (conf.config().private_url or "") + path
    query = request.META.get("QUERY_STRING", "")
    return to_django(conf.delivery().respond(url, query, facts(request)))


def thumbnail(request: HttpRequest, path: str) -> HttpResponseBase:
    """Answer the request for a thumbnail; `path` is what follows `THUMBNAIL_URL`."""
    url = conf.config().thumbnail_url + path
    query = request.META.get("QUERY_STRING", "")
    return to_django(conf.thumbnails().respond(url, query, facts(request)))
