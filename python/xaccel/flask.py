"""xaccel for Flask: the extension `XAccel`, and functions such as `send_private_file()`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, BinaryIO, Unpack
from urllib.parse import urlsplit

import flask
from flask import Flask, current_app, request

from xaccel import jinja
from xaccel._log import fields, one_line
from xaccel.config import Config
from xaccel.delivery.files import Delivery, LinkKeywords
from xaccel.delivery.presentation import FileKeywords, FileOptions, shows_file_keywords
from xaccel.delivery.request import Request
from xaccel.delivery.response import Response
from xaccel.exceptions import ConfigError, FileNotFound
from xaccel.servers.dialects import is_offload_header
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.thumbnails.private import PrivateThumbnails
from xaccel.wsgi import Sendfile, body_of

__all__ = [
    "XAccel",
    "private_url",
    "purge_thumbnails",
    "send_private_file",
    "send_private_thumbnail",
    "thumbnail_img",
    "thumbnail_srcset",
    "thumbnail_url",
]

_EXTENSION = "xaccel"


class XAccel:
    """The Flask extension. It reads `app.config["XACCEL"]`.

    The extension does not store the app's state, so one object can serve several apps:

        xaccel = XAccel()

        def create_app():
            app = Flask(__name__)
            xaccel.init_app(app)
            return app

    If `SECRET_KEYS` is not set, the URLs are signed with keys derived from the app's `SECRET_KEY`
    and `SECRET_KEY_FALLBACKS`.

    Args:
        app: The app. Omit it if you call `init_app()` later.
        sendfile: Whether the web server also sends files for `flask.send_file()` and
            `flask.send_from_directory()`; see `xaccel.wsgi.Sendfile`.

    Raises:
        ConfigError: A setting is unknown or invalid.
    """

    def __init__(self, app: Flask | None = None, *, sendfile: bool = False) -> None:
        self._sendfile = sendfile
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Read the app's settings, and add the endpoints and the template helpers."""
        settings = app.config.get("XACCEL", {})
        if not isinstance(settings, Mapping):
            raise ConfigError("app.config['XACCEL'] must be a dict of settings")
        keys = [app.config.get("SECRET_KEY"), *(app.config.get("SECRET_KEY_FALLBACKS") or ())]
        defaults = {"MOUNT": app.config.get("APPLICATION_ROOT") or ""}
        config = Config.from_mapping({**defaults, **settings}, framework_keys=keys)
        mount = _mount_of(settings.get("MOUNT", ""), config)
        delivery = Delivery(config, mount=mount)
        thumbnails = Thumbnails(config) if config.has_thumbnail_endpoint else None
        private_thumbnails = PrivateThumbnails(config, delivery)
        helpers = None
        if config.has_thumbnails:
            helpers = TemplateHelpers(config, is_debug=lambda: app.debug, mount=mount)
        app.extensions[_EXTENSION] = _State(
            config, delivery, private_thumbnails, thumbnails, helpers
        )
        app.after_request(_strip_offload_headers)
        if self._sendfile:
            app.wsgi_app = Sendfile(app.wsgi_app, config)  # type: ignore[method-assign]
        blueprint = flask.Blueprint("xaccel", __name__)
        if config.private_url is not None:
            _add_endpoint(blueprint, "private_file", config.private_url, delivery.respond)
        links = None if config.private_url is None else _external_links(delivery.private_url)
        jinja.install(app.jinja_env, private_url=links)
        if helpers is not None:
            jinja.install_helpers(app.jinja_env, helpers, _with_external)
        if thumbnails is not None:
            _add_endpoint(blueprint, "thumbnail", config.thumbnail_url, thumbnails.respond)
        app.register_blueprint(blueprint)


@dataclass(frozen=True, slots=True)
class _State:
    """The state of one app."""

    config: Config
    delivery: Delivery
    private_thumbnails: PrivateThumbnails
    thumbnails: Thumbnails | None
    helpers: TemplateHelpers | None


def _mount_of(setting: str, config: Config) -> Callable[[], str]:
    """Return a function that returns the path at which the app is mounted.

    As in `flask.url_for()`, `APPLICATION_ROOT` applies to URLs that are generated outside of a
    request.
    """
    in_requests = config.mount if setting else ""

    def mount() -> str:
        if flask.has_request_context():
            return request.script_root or in_requests
        return config.mount

    return mount


def _add_endpoint(
    blueprint: flask.Blueprint,
    name: str,
    prefix: str,
    respond: Callable[[str, str, Request, str], Response],
) -> None:
    def view(path: str) -> flask.Response:
        query = request.query_string.decode("latin-1")
        return _flask_response(respond(prefix + path, query, _request(), request.script_root))

    blueprint.add_url_rule(f"{prefix}<path:path>", name, view, methods=["GET"], merge_slashes=False)


@shows_file_keywords
def send_private_file(
    path: str | os.PathLike[str] | BinaryIO, **options: Unpack[FileKeywords]
) -> flask.Response:
    """Respond with a file under one of `ROOTS`, sent by the web server if there is one.

    Call it after the permission check. Ranges, conditional requests and HEAD work with every
    server, and also without a server. If the file may not be sent, the response is a 404 that does
    not reveal its path.

    Args:
        path: The file: a path, absolute or relative to `root`; a URL below one of `REMOTES`; or an
            open file or `BytesIO`, which the app sends itself.
        root: The root that a relative path belongs to. Not needed if there is only one root.
        mimetype: The media type. By default, it is guessed from the file name.
        as_attachment: Whether the browser should save the file instead of showing it.
        download_name: The name under which the browser saves the file. By default, the name of the
            file.
        max_age: How long the visitor's browser may cache the response, in seconds.
        headers: Additional response headers. They replace any headers of the same name that xaccel
            sets. If you pass `ETag` or `Last-Modified`, conditional requests are checked against
            them.
        limit_rate: The maximum rate, in bytes per second, at which nginx or lighttpd sends the
            file. By default, the rate is unlimited. With any other server, or without a server,
            this option raises an error.
        allow_scripts: Whether browsers may run scripts in an HTML, SVG or XML file. Enable this
            only for files that you trust as much as your own pages.
        options: The keyword arguments: all of the above except `path`.
    """
    try:
        response = _state().delivery.private_file(path, _request(), FileOptions(**options))
    except FileNotFound as error:
        current_app.logger.warning(
            "%s",
            one_line(error),
            extra=fields(
                "private_file_refused", error=type(error).__name__, status=error.status_code
            ),
        )
        flask.abort(error.status_code)
    return _flask_response(response)


def send_private_thumbnail(
    path: str | os.PathLike[str],
    width: int | str | None = None,
    height: int | None = None,
    *,
    root: str | os.PathLike[str] | None = None,
    max_age: int | None = None,
    **options: Any,
) -> flask.Response:
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
    """
    response = _state().private_thumbnails.answer(
        path,
        width,
        height,
        _request(),
        root=root,
        max_age=max_age,
        **options,
    )
    return _flask_response(response)


def thumbnail_url(
    source: object,
    width: int | str | None = None,
    height: int | None = None,
    *,
    _external: bool = False,
    **options: Any,
) -> str | None:
    """Return a thumbnail's URL, as the template helper does, or `None` if there is no image.

    Args:
        source: The name of the image below `THUMBNAIL_SOURCE`. For an image in one of
            `THUMBNAIL_SOURCES`, a name such as `~avatars/tom.jpg`. The path of an image in any of
            these sources is also accepted.
        width: The width of the box in pixels, or the name of a preset. `None` means no limit.
        height: The height of the box in pixels. `None` means no limit.
        _external: Whether the URL is absolute, as in `flask.url_for()`.
        options: `version`, `expires`, `expires_in`, `focal_point`, and the options of a thumbnail:
            `fit`, `quality`, `format` and so on.

    Raises:
        SpecError: An option is unknown or its value is invalid.
        SourceError: `source` is not an image in one of the sources, and the app is in debug mode.
    """
    options.update(_origin(external=_external))
    return _helpers().thumbnail_url(source, width, height, **options) or None


def thumbnail_srcset(
    source: object,
    width: int | str | None = None,
    height: int | None = None,
    *,
    _external: bool = False,
    **options: Any,
) -> str | None:
    """Return a `srcset` value, as the template helper does, or `None` if there is no image.

    The arguments and errors are the same as for `thumbnail_url()`. `widths` and `densities` are
    additional options.
    """
    options.update(_origin(external=_external))
    return _helpers().thumbnail_srcset(source, width, height, **options) or None


def thumbnail_img(
    source: object,
    width: int | str | None = None,
    height: int | None = None,
    *,
    alt: object,
    _external: bool = False,
    **options: Any,
) -> str | None:
    """Return an `<img>` tag, as the template helper does, or `None` if there is no image.

    The arguments and errors are the same as for `thumbnail_url()`. `alt` describes the image. You
    can also pass HTML attributes such as `class_` as options.
    """
    options.update(_origin(external=_external))
    return _helpers().thumbnail_img(source, width, height, alt=alt, **options) or None


def _helpers() -> TemplateHelpers:
    helpers = _state().helpers
    if helpers is None:
        raise ConfigError("thumbnails need XACCEL['THUMBNAIL_SOURCE'], the location of images")
    return helpers


def _with_external(helper: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option `_external` of `flask.url_for()` to a template helper."""

    @wraps(helper)
    def call(*args: Any, _external: bool = False, **options: Any) -> Any:
        return helper(*args, **_origin(external=_external), **options)

    return call


def _external_links(private_url: Callable[..., str]) -> Callable[..., str]:
    """Add the option `_external` of `flask.url_for()` to a function that returns signed links."""

    @wraps(private_url)
    def call(*args: Any, _external: bool = False, **options: Any) -> str:
        if _external:
            options["origin"] = _origin_of("xaccel.private_file")
        return private_url(*args, **options)

    return call


def _origin(*, external: bool) -> dict[str, str]:
    """Return the option that makes URLs absolute. Other engines' URLs are always absolute."""
    if not external or _state().thumbnails is None:
        return {}
    return {"origin": _origin_of("xaccel.thumbnail")}


def _origin_of(endpoint: str) -> str:
    """Return the scheme and the host of an endpoint's URLs."""
    url = urlsplit(flask.url_for(endpoint, path="x", _external=True))
    return f"{url.scheme}://{url.netloc}"


def purge_thumbnails(source: str) -> int:
    """Remove all public thumbnails of an image from the cache; see `Thumbnails.purge`."""
    thumbnails = _state().thumbnails
    return 0 if thumbnails is None else thumbnails.purge(source)


def private_url(
    path: str | os.PathLike[str], *, _external: bool = False, **options: Unpack[LinkKeywords]
) -> str:
    """Return a signed link to a file under one of `ROOTS`; see `Delivery.private_url`.

    Args:
        path: The path of the file, absolute or relative to `root`.
        _external: Whether the link is absolute, as in `flask.url_for()`.
        options: The options of `Delivery.private_url`.
    """
    links = _external_links(_state().delivery.private_url)
    return links(path, _external=_external, **options)


def _state() -> _State:
    state: _State | None = current_app.extensions.get(_EXTENSION)
    if state is None:
        raise ConfigError(
            "xaccel is not set up for this app: call XAccel(app) or init_app(app) first"
        )
    return state


def _request() -> Request:
    return Request.from_environ(request.environ)


def _flask_response(response: Response) -> flask.Response:
    result = flask.Response(
        body_of(response, request.environ),
        response.status,
        list(response.headers),
        direct_passthrough=True,
    )
    result.automatically_set_content_length = False
    # A response without content must not have Werkzeug's default content type.
    if not any(name == "Content-Type" for name, _ in response.headers):
        del result.headers["Content-Type"]
    result.__dict__["xaccel"] = response
    return result


def _strip_offload_headers(response: flask.Response) -> flask.Response:
    """Remove headers that would make the server send a file, unless xaccel has set them."""
    ours = response.__dict__.get("xaccel")
    allowed = () if ours is None else ours.headers
    headers = response.headers.to_wsgi_list()
    kept = [pair for pair in headers if pair in allowed or not is_offload_header(pair[0])]
    if len(kept) < len(headers):
        response.headers.clear()
        response.headers.extend(kept)
    return response
