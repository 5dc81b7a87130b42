"""The gallery as a WSGI app, which responds with pages, files and thumbnails."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from xaccel.cli.gallery.folders import Folders, require_visible
from xaccel.cli.gallery.pages import ASSETS, FILES, FOLDERS, PLAYGROUND, RESULTS, Pages
from xaccel.cli.gallery.playground import Playground
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.delivery.presentation import FileOptions
from xaccel.delivery.request import Request
from xaccel.delivery.response import Response, error_response, method_not_allowed
from xaccel.exceptions import FileNotFound, WorkerLost
from xaccel.thumbnails.direct import DirectRenderer
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.thumbnails.urls import ThumbnailUrls
from xaccel.wsgi import Thumbnails, respond

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_THUMBNAILS = "/thumbnail/"
# Inline styles are allowed because each picture's shape is set in its `style` attribute.
_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = (
    ("Cache-Control", "no-cache"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", _POLICY),
)
# An HTML file in the directory must not run scripts in this site's origin.
_FILE_OPTIONS = FileOptions(headers={"Content-Security-Policy": "script-src 'none'"})


class Gallery:
    """A WSGI app that shows a directory of pictures: its folders, thumbnails and files.

    Args:
        directory: The directory. Its path must not contain symbolic links.
        cache: The directory for finished thumbnails.
        size: The width and height of the box that each picture fits into, in CSS pixels.

    Raises:
        ConfigError: A directory can't be used.
    """

    def __init__(self, directory: Path, cache: Path, size: tuple[int, int]) -> None:
        self.config = Config.from_mapping(
            {
                "ROOTS": {directory: FILES},
                "SECRET_KEYS": [secrets.token_urlsafe()],
                "THUMBNAIL_SOURCE": directory,
                "THUMBNAIL_URL": _THUMBNAILS,
                "THUMBNAIL_CACHE": cache,
            }
        )
        """The settings."""
        self._files = Delivery(self.config)
        self._folders = Folders(directory, self._files, DirectRenderer(self.config))
        self._pages = Pages(directory.name, TemplateHelpers(self.config), size)
        self._thumbnails = Thumbnails(self.config)
        self._playground = Playground(ThumbnailUrls(self.config), self._thumbnails)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Respond to one request."""
        path = os.fsdecode(environ["PATH_INFO"].encode("latin-1"))
        if path.startswith(_THUMBNAILS):
            return self._thumbnails(environ, start_response)
        request = Request.from_environ(environ)
        try:
            if request.conditions.method in {"GET", "HEAD"}:
                response = self._respond(path, request, environ)
            else:
                response = method_not_allowed()
        except (FileNotFound, WorkerLost) as error:
            response = error_response(error)
        return respond(response, environ, start_response)

    def _respond(self, path: str, request: Request, environ: WSGIEnvironment) -> Response:
        if path.startswith(FILES):
            name = path.removeprefix(FILES)
            return self._files.private_file(require_visible(name), request, _FILE_OPTIONS)
        if path in ASSETS:
            text = Path(__file__).with_name(path.removeprefix("/")).read_text()
            return _page(ASSETS[path], text)
        if path.startswith(PLAYGROUND):
            name = path.removeprefix(PLAYGROUND)
            self._folders.picture(name)
            return _page("text/html", self._pages.playground(name, self._playground))
        if path.startswith(RESULTS):
            picture, size = self._folders.picture(path.removeprefix(RESULTS))
            result = self._playground.result(picture, size, environ)
            return _page("application/json", result)
        if path == "/":
            return self._folder("")
        if path.startswith(FOLDERS) and path.endswith("/"):
            return self._folder(path.removeprefix(FOLDERS).removesuffix("/"))
        raise FileNotFound(f"{path!r} is not a page")

    def _folder(self, name: str) -> Response:
        return _page("text/html", self._pages.folder(name, self._folders.list(name)))


def _page(media_type: str, text: str) -> Response:
    body = text.encode()
    headers = (
        ("Content-Type", f"{media_type}; charset=utf-8"),
        ("Content-Length", str(len(body))),
        *_PAGE_HEADERS,
    )
    return Response(200, headers, body)
