"""The base of `XAccel` for frameworks whose responses are apps: WSGI, ASGI and Starlette."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, TypeAlias, TypeVar, Unpack

from xaccel.config import Config
from xaccel.delivery.files import Delivery, LinkKeywords
from xaccel.delivery.presentation import FileKeywords, FileOptions, shows_file_keywords
from xaccel.delivery.request import Address, Request
from xaccel.delivery.response import Response
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.private import PrivateThumbnails

if TYPE_CHECKING:
    from xaccel.thumbnails.helpers import TemplateHelpers

App = TypeVar("App")
Responder: TypeAlias = Callable[[Request], Response]
"""Makes the response to a request. It looks for a file, so it may block."""


class PrivateFiles(ABC, Generic[App]):
    """Answers with private files.

    Raises:
        ConfigError: A setting is invalid.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        """The settings; `xaccel config --app` finds them here."""
        self._delivery = Delivery(config)

    @shows_file_keywords
    def send_private_file(
        self, path: str | os.PathLike[str] | BinaryIO, **options: Unpack[FileKeywords]
    ) -> App:
        """Answer with a file under one of `ROOTS`, which the web server sends, if there is one.

        Call it after the permission check. Ranges, conditional requests and HEAD work with
        every server, and without one. A file that may not be sent is a 404 that does not show
        its path.

        Args:
            path: The file, absolute, or relative to `root`; or a URL below one of `REMOTES`; or an
                open file or a `BytesIO`, which the app itself sends.
            root: The directory of a relative path; not needed if there is only one root.
            mimetype: The media type; by default the one of the file's name.
            as_attachment: Whether the browser should save the file instead of showing it.
            download_name: The name under which it is saved; by default its own.
            max_age: Seconds for which the visitor's browser may use it without asking again.
            headers: Further response headers. They replace ours. Conditional requests are checked
                against your `ETag` and `Last-Modified`, if you pass them.
            limit_rate: Bytes per second at which nginx or lighttpd sends the file; by default
                unlimited. With other servers, and without one, it is an error.
            allow_scripts: Whether browsers may run the scripts of an HTML, SVG or XML file. Only
                for files that you trust like your own pages.
            options: All of these but `path`.

        Returns:
            The response, to call as an app or to return from a view.
        """
        return self._app(partial(self._delivery.answer, path, options=FileOptions(**options)))

    def send_private_thumbnail(
        self,
        path: str | os.PathLike[str],
        width: int | str | None = None,
        height: int | None = None,
        *,
        root: str | os.PathLike[str] | None = None,
        max_age: int | None = None,
        **options: Any,
    ) -> App:
        """Answer with a thumbnail of an image under one of `ROOTS`; see `send_private_file()`.

        Call it after the permission check. The thumbnail is rendered once, kept in
        `THUMBNAIL_CACHE` below no public URL, and rendered again when the file changes.

        Args:
            path: The image, absolute, or relative to `root`.
            width: The box's width in pixels, or the name of a preset; `None` leaves it free.
            height: The box's height in pixels; `None` leaves it free.
            root: The directory of a relative path; not needed if there is only one root.
            max_age: Seconds for which the visitor's browser may use it without asking again.
            options: The options of the thumbnail: `fit`, `quality`, `format` and so on.

        Returns:
            The response, to call as an app or to return from a view.

        Raises:
            SpecError: An option is unknown or has an invalid value.
        """
        responder = self._thumbnails.responder(
            path, width, height, root=root, max_age=max_age, **options
        )
        return self._thumbnail_app(responder)

    def private_url(
        self,
        path: str | os.PathLike[str],
        *,
        request: Any = None,
        mount: str | None = None,
        **options: Unpack[LinkKeywords],
    ) -> str:
        """A signed link to a file under one of `ROOTS`, see `Delivery.private_url`.

        Args:
            path: The file, absolute, or relative to `root`.
            request: Makes the link absolute, as in `thumbnail_url()`.
            mount: See `Delivery.private_url`.
            options: The options of `Delivery.private_url`.
        """
        if request is None:
            return self._delivery.private_url(path, mount=mount, **options)
        address = self._address(request)
        if mount is None:
            mount = address.mount or self.config.mount
        return address.origin + self._delivery.private_url(path, mount=mount, **options)

    def thumbnail_url(
        self,
        source: object,
        width: int | str | None = None,
        height: int | None = None,
        *,
        request: Any = None,
        **options: Any,
    ) -> str | None:
        """The URL of a thumbnail, as in templates; `None` without an image.

        The endpoint `Thumbnails` of this module answers it.

        Args:
            source: The name of the image below `THUMBNAIL_SOURCE`.
            width: The box's width in pixels, or the name of a preset; `None` leaves it free.
            height: The box's height in pixels; `None` leaves it free.
            request: Makes the URL absolute, with the scheme, the host and the mount of the request:
                a WSGI environment or an ASGI scope, or an object that has one.
            options: `version`, `expires`, `expires_in`, and the options of the thumbnail: `fit`,
                `quality`, `format` and so on.

        Raises:
            ConfigError: `THUMBNAIL_SOURCE` is not set.
        """
        if request is not None:
            address = self._address(request)
            options.setdefault("origin", address.origin)
            options.setdefault("mount", address.mount or None)
        return self._helpers.thumbnail_url(source, width, height, **options) or None

    def purge_thumbnails(self, source: str) -> int:
        """Remove every public thumbnail of an image from the cache, see `Thumbnails.purge`."""
        endpoint = self._endpoint
        return 0 if endpoint is None else endpoint.purge(source)

    @cached_property
    def _helpers(self) -> TemplateHelpers:
        # Only apps that write URLs need all that belongs to templates.
        from xaccel.thumbnails.helpers import TemplateHelpers  # noqa: PLC0415

        return TemplateHelpers(self.config)

    @cached_property
    def _endpoint(self) -> Thumbnails | None:
        return Thumbnails(self.config) if self.config.has_thumbnail_endpoint else None

    @cached_property
    def _thumbnails(self) -> PrivateThumbnails:
        return PrivateThumbnails(self.config, self._delivery)

    @abstractmethod
    def _address(self, request: Any) -> Address:
        """Where the visitor of a request finds the app."""

    @abstractmethod
    def _app(self, responder: Responder) -> App:
        """Turn a responder into a response of the framework."""

    def _thumbnail_app(self, responder: Responder) -> App:
        """Turn a responder that may render a thumbnail into a response of the framework."""
        return self._app(responder)
