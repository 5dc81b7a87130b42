"""xaccel for any WSGI app: private files, thumbnails, signed links, and the `Sendfile` middleware.

    xaccel = XAccel(Config.from_mapping({"SERVER": "nginx", "ROOTS": {…}}))

    def app(environ, start_response):
        if not allowed(environ):
            ...
        return xaccel.send_private_file("film.mp4")(environ, start_response)

What `send_private_file()` returns is a WSGI app itself, so it can be returned from the views of
the frameworks that take one (Werkzeug, Bottle, Pyramid …).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, Unpack

from xaccel import thumbnails
from xaccel.config import Config
from xaccel.delivery import CHUNK, Delivery, FileBody, FileKeywords, FileOptions, Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["PrivateLinks", "Thumbnails", "XAccel"]


class XAccel:
    """Private files for a WSGI app.

    Raises:
        ConfigError: A setting is impossible.
    """

    def __init__(self, config: Config) -> None:
        self.delivery = Delivery(config)

    def send_private_file(
        self,
        path: str | os.PathLike[str],
        *,
        root: str | os.PathLike[str] | None = None,
        **options: Unpack[FileKeywords],
    ) -> WSGIApplication:
        """Answer with a file under one of `ROOTS`; the web server sends it, if there is one.

        Call it after the permission check. The visitor gets ranges, conditional requests and
        HEAD either way. What may not be sent is a 404 that does not show the path.

        Args:
            path: The file, absolute, or relative to `root`.
            root: The directory of a relative path; not needed when there is one root only.
            options: `mimetype`, `as_attachment`, `download_name`, `max_age`, `headers` and
                `limit_rate`: the names of `FileOptions`.

        Returns:
            The answer, as a WSGI app to call with the request's `environ`.
        """
        file_options = FileOptions(**options)

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            request = Request.from_environ(environ)
            response = self.delivery.answer(path, request, file_options, root=root)
            return respond(response, environ, start_response)

        return answer


class _Endpoint(Protocol):
    def respond(self, path: str, query: str, request: Request) -> Response: ...


class PrivateLinks:
    """The answers to signed links, as a WSGI app: mount it at `PRIVATE_URL`, or at the root."""

    def __init__(self, config: Config) -> None:
        self._delivery = Delivery(config)
        self.url = self._delivery.private_url
        """Writes the links, see `Delivery.private_url`."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return _answer(self._delivery, environ, start_response)


class Thumbnails:
    """The thumbnails as a WSGI app: mount it at `THUMBNAIL_URL`, or at the root.

    Raises:
        ConfigError: There is no `THUMBNAIL_SOURCE`, or no signing key.
    """

    def __init__(self, config: Config) -> None:
        self._thumbnails = thumbnails.Thumbnails(config)
        self.url = self._thumbnails.url
        """Writes the URLs, see `xaccel.thumbnails.Thumbnails.url`."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return _answer(self._thumbnails, environ, start_response)


def _answer(
    endpoint: _Endpoint, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    # Where the app is mounted, its URL is in two parts; both are UTF-8 in the guise of Latin-1.
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    response = endpoint.respond(
        path.encode("latin-1").decode(errors="replace"),
        environ.get("QUERY_STRING", ""),
        Request.from_environ(environ),
    )
    return respond(response, environ, start_response)


def respond(
    response: Response, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Answer with a response; the server's `wsgi.file_wrapper` sends a whole file, if it can."""
    status = HTTPStatus(response.status)
    start_response(f"{status.value} {status.phrase}", list(response.headers))
    if not isinstance(response.body, FileBody):
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]
    file_wrapper = environ.get("wsgi.file_wrapper")
    if file_wrapper is not None and response.whole_file is not None:
        wrapped: Iterable[bytes] = file_wrapper(response.whole_file, CHUNK)
        return wrapped
    return response.body
