"""Private files in views, and the view of the thumbnails."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from xaccel.delivery import FileBody, FileOptions, Request, Response
from xaccel.django import conf
from xaccel.exceptions import FileNotFound

_logger = logging.getLogger("xaccel.django")


def send_private_file(
    request: HttpRequest,
    path: str | os.PathLike[str],
    *,
    root: str | os.PathLike[str] | None = None,
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    max_age: int | None = None,
    headers: Mapping[str, str] | None = None,
    limit_rate: int | None = None,
) -> HttpResponseBase:
    """Answer with a file under one of `ROOTS`; the web server sends it, if there is one.

    Call it after the permission check. The visitor gets ranges, conditional requests and HEAD
    either way. What may not be sent is a 404 that does not show the path.

    Args:
        request: The request that is answered.
        path: The file, absolute, or relative to `root`.
        root: The directory of a relative path; not needed when there is one root only.
        mimetype: The type; by default that of the file's name.
        as_attachment: Whether the browser should save the file rather than show it.
        download_name: The name under which it is saved; by default its own.
        max_age: Seconds for which the visitor's browser may use it without asking again.
        headers: Further response headers.
        limit_rate: Bytes a second at which the server sends the file; by default unlimited.
    """
    options = FileOptions(
        mimetype=mimetype,
        as_attachment=as_attachment,
        download_name=download_name,
        max_age=max_age,
        headers=headers or {},
        limit_rate=limit_rate,
    )
    try:
        response = conf.delivery().private_file(path, _facts(request), options, root=root)
    except FileNotFound as error:
        _logger.warning("%s", error)
        raise Http404(error.public_message) from None
    return _django_response(response)


def private_file(request: HttpRequest, path: str) -> HttpResponseBase:
    """Answer the request for a signed link; `path` is what follows `PRIVATE_URL`."""
    url = (conf.config().private_url or "") + path
    query = request.META.get("QUERY_STRING", "")
    return _django_response(conf.delivery().respond(url, query, _facts(request)))


def thumbnail(request: HttpRequest, path: str) -> HttpResponseBase:
    """Answer the request for a thumbnail; `path` is what follows `THUMBNAIL_URL`."""
    url = conf.config().thumbnail_url + path
    query = request.META.get("QUERY_STRING", "")
    return _django_response(conf.thumbnails().respond(url, query, _facts(request)))


def _facts(request: HttpRequest) -> Request:
    return Request.from_headers(request.method or "GET", request.headers.get)


def _django_response(response: Response) -> HttpResponseBase:
    if isinstance(response.body, FileBody):
        body = response.body
        result: HttpResponseBase = StreamingHttpResponse(body, status=response.status)
    else:
        result = HttpResponse(response.body, status=response.status)
    # Django has a default type, which must not appear where there is no content.
    del result.headers["Content-Type"]
    for name, value in response.headers:
        result.headers[name] = value
    return result
