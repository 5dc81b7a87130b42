"""Middleware that lets the web server send the files of all views."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from xaccel._async import FILES
from xaccel.delivery import sendfile
from xaccel.delivery.request import REQUEST
from xaccel.django import conf
from xaccel.django.http import PartsResponse, context, facts, to_django


class SendfileMiddleware:
    """Lets the web server send each `FileResponse` whose file is under a root.

    Put it first in `MIDDLEWARE`. Django itself sends files that are outside every root. The
    middleware removes all `X-Sendfile`, `X-Accel-Redirect` and similar headers that xaccel did not
    set, because such headers could make the server send any file.

    With the server `direct`, the middleware answers range requests and conditional requests
    itself.
    """

    sync_capable = True
    async_capable = True

    def __init__(
        self,
        get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]],
    ) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Respond to one request."""
        context(request).setdefault(REQUEST, facts(request))
        if self._is_async:
            return self._answer(request)
        return _process(request, cast("HttpResponseBase", self._get_response(request)))

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        response = await cast("Awaitable[HttpResponseBase]", self._get_response(request))
        if response.streaming:
            return await FILES.run(_process, request, response)
        return _process(request, response)


def _process(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    ours = facts(request)
    if not isinstance(response, PartsResponse):
        response = _offload(request, response) or response
    headers = tuple(response.headers.items())
    for name, _ in set(headers) - set(sendfile.without_foreign(headers, ours)):
        del response.headers[name]
    return response


def _offload(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase | None:
    file = getattr(response, "file_to_stream", None)
    if file is None or response.status_code != 200:  # noqa: PLR2004
        return None
    offloader = conf.offloader()
    sender = offloader.sender(request.method or "GET", context(request), request.headers.get)
    if sender is None:
        return None
    headers = tuple(response.headers.items())
    offloaded = offloader.offload(sender, facts(request), headers, file)
    if offloaded is None:
        return None
    # Close only the file, because closing the response would end the request.
    file.close()
    result = to_django(offloaded)
    result.cookies = response.cookies
    return result
