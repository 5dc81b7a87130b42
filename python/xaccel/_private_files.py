"""The base class of `XAccel` for WSGI, ASGI and Starlette, where a response is itself an app."""

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
"""Returns the response to a request. It accesses the file system, so it may block."""


class PrivateFiles(ABC, Generic[App]):
    """Responds with private files.

    Raises:
        ConfigError: A setting is invalid.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        """The settings. `xaccel config --app` reads this attribute."""
        self._delivery = Delivery(config)

    @shows_file_keywords
    def send_private_file(
        self, path: str | os.PathLike[str] | BinaryIO, **options: Unpack[FileKeywords]
    ) -> App:
        """Respond with a file under one of `ROOTS`, sent by the web server if there is one.

        Call it after the permission check. Ranges, conditional requests and HEAD work with every
        server, and also without a server. If the file may not be sent, the response is a 404 that
        does not reveal its path.

        Args:
            path: The file: a path, absolute or relative to `root`; a URL below one of `REMOTES`; or
                an open file or `BytesIO`, which the app sends itself.
            root: The root that a relative path belongs to. Not needed if there is only one root.
            mimetype: The media type. By default, it is guessed from the file name.
            as_attachment: Whether the browser should save the file instead of showing it.
            download_name: The name under which the browser saves the file. By default, the name of
                the file.
            max_age: How long the visitor's browser may cache the response, in seconds.
            headers: Additional response headers. They replace any headers of the same name that
                xaccel sets. If you pass `ETag` or `Last-Modified`, conditional requests are checked
                against them.
            limit_rate: The maximum rate, in bytes per second, at which nginx or lighttpd sends the
                file. By default, the rate is unlimited. With any other server, or without a server,
                this option raises an error.
            allow_scripts: Whether browsers may run scripts in an HTML, SVG or XML file. Enable this
                only for files that you trust as much as your own pages.
            options: The keyword arguments: all of the above except `path`.

        Returns:
            The response, which you can call as an app or return from a view.
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
        """Respond with a thumbnail of an image under one of `ROOTS`; see `send_private_file()`.

        Call it after the permission check. The thumbnail is rendered once and kept in
        `THUMBNAIL_CACHE`, but has no public URL. It is rendered again when the file changes.

        Args:
            path: The path of the image, absolute or relative to `root`.
            width: The width of the box in pixels, or the name of a preset. `None` means no limit.
            height: The height of the box in pixels. `None` means no limit.
            root: The root that a relative path belongs to. Not needed if there is only one root.
            max_age: How long the visitor's browser may cache the response, in seconds.
            options: The options of the thumbnail: `fit`, `quality`, `format` and so on.

        Returns:
            The response, which you can call as an app or return from a view.

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
        """Return a signed link to a file under one of `ROOTS`; see `Delivery.private_url`.

        Args:
            path: The path of the file, absolute or relative to `root`.
            request: If given, the link is absolute, as in `thumbnail_url()`.
            mount: See `Delivery.private_url`.
            options: The options of `Delivery.private_url`.
        """
        if request is None:
            return self._delivery.private_url(path, mount=mount, **options)
        address = self._address(request)
        if mount is None:
            mount = address.mount or self.config.mount
        return self._delivery.private_url(path, origin=address.origin, mount=mount, **options)

    def thumbnail_url(
        self,
        source: object,
        width: int | str | None = None,
        height: int | None = None,
        *,
        request: Any = None,
        **options: Any,
    ) -> str | None:
        """Return a thumbnail's URL, as the template helper does, or `None` if there is no image.

        The endpoint `Thumbnails` of `xaccel.wsgi` or `xaccel.asgi` serves this URL.

        Args:
            source: The name of the image below `THUMBNAIL_SOURCE`. For an image in one of
                `THUMBNAIL_SOURCES`, a name such as `~avatars/tom.jpg`.
            width: The width of the box in pixels, or the name of a preset. `None` means no limit.
            height: The height of the box in pixels. `None` means no limit.
            request: If given, the URL is absolute, with the scheme, the host and the mount of this
                request. Pass a WSGI environment, an ASGI scope, or a request object with the
                attribute `environ` or `scope`.
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
        """Remove all public thumbnails of an image from the cache; see `Thumbnails.purge`."""
        endpoint = self._endpoint
        return 0 if endpoint is None else endpoint.purge(source)

    @cached_property
    def _helpers(self) -> TemplateHelpers:
        # Only apps that generate URLs need the template helpers.
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
        """Return the address at which the visitor reaches the app."""

    @abstractmethod
    def _app(self, responder: Responder) -> App:
        """Convert a responder to the framework's response type."""

    def _thumbnail_app(self, responder: Responder) -> App:
        """Do the same as `_app()` for a responder that may render a thumbnail."""
        return self._app(responder)
