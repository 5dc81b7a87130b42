"""xaccel for Flask: the extension `XAccel`, and `send_private_file()` for views."""

from __future__ import annotations

import os
from collections.abc import Mapping

import flask
from flask import Flask, current_app, request

from xaccel import delivery, jinja
from xaccel.config import Config
from xaccel.delivery import Delivery, FileBody, FileOptions, Request
from xaccel.exceptions import ConfigError, FileNotFound
from xaccel.thumbnails import Thumbnails

__all__ = ["XAccel", "send_private_file"]

_EXTENSION = "xaccel"


class XAccel:
    """The Flask extension; reads `app.config["XACCEL"]`.

    It keeps nothing of the app, so that one object can serve several:

        xaccel = XAccel()

        def create_app():
            app = Flask(__name__)
            xaccel.init_app(app)

    Without `SECRET_KEYS` the URLs are signed with keys derived from the app's `SECRET_KEY` and
    `SECRET_KEY_FALLBACKS`.

    Raises:
        ConfigError: A setting is unknown or impossible.
    """

    def __init__(self, app: Flask | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Read the app's settings, and add the thumbnail endpoint and the template helpers."""
        settings = app.config.get("XACCEL", {})
        if not isinstance(settings, Mapping):
            raise ConfigError("app.config['XACCEL'] must be a dict of settings")
        keys = [app.config.get("SECRET_KEY"), *(app.config.get("SECRET_KEY_FALLBACKS") or ())]
        config = Config.from_mapping(settings, framework_keys=[key for key in keys if key])
        app.extensions[_EXTENSION] = _State(config)
        app.after_request(_strip_offload_headers)
        if config.thumbnail_source is not None:
            thumbnails = Thumbnails(config)
            jinja.install(app.jinja_env, thumbnails)
            blueprint = flask.Blueprint("xaccel", __name__)

            @blueprint.get(f"{config.thumbnail_url}<path:path>", merge_slashes=False)
            def thumbnail(path: str) -> flask.Response:
                response = thumbnails.respond(
                    config.thumbnail_url + path,
                    request.query_string.decode("latin-1"),
                    Request.from_environ(request.environ),
                )
                return _flask_response(response)

            app.register_blueprint(blueprint)


class _State:
    """What the extension keeps for one app."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.delivery = Delivery(config)


def send_private_file(
    path: str | os.PathLike[str],
    *,
    root: str | os.PathLike[str] | None = None,
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    max_age: int | None = None,
    headers: Mapping[str, str] | None = None,
    limit_rate: int | None = None,
) -> flask.Response:
    """Answer with a file under one of `ROOTS`; the web server sends it, if there is one.

    Call it after the permission check. The visitor gets ranges, conditional requests and HEAD
    either way. What may not be sent is a 404 that does not show the path.

    Args:
        path: The file, absolute, or relative to `root`.
        root: The directory of a relative path; not needed when there is one root only.
        mimetype: The type; by default that of the file's name.
        as_attachment: Whether the browser should save the file rather than show it.
        download_name: The name under which it is saved; by default its own.
        max_age: Seconds for which the visitor's browser may use it without asking again.
        headers: Further response headers.
        limit_rate: Bytes a second at which the server sends the file; by default unlimited.
    """
    state = current_app.extensions.get(_EXTENSION)
    if state is None:
        raise ConfigError("send_private_file() needs the extension: XAccel(app)")
    options = FileOptions(
        mimetype=mimetype,
        as_attachment=as_attachment,
        download_name=download_name,
        max_age=max_age,
        headers=headers or {},
        limit_rate=limit_rate,
    )
    try:
        response = state.delivery.private_file(
            path, Request.from_environ(request.environ), options, root=root
        )
    except FileNotFound as error:
        current_app.logger.warning("%s", error)
        flask.abort(error.status_code)
    return _flask_response(response)


def _flask_response(response: delivery.Response) -> flask.Response:
    result = flask.Response(
        # As a list, bytes don't make Werkzeug set a length: with HEAD it is not theirs.
        response.body if isinstance(response.body, FileBody) else [response.body],
        response.status,
        list(response.headers),
        direct_passthrough=True,
    )
    result.automatically_set_content_length = False
    # Werkzeug has a default type, which must not appear where there is no content.
    if not any(name == "Content-Type" for name, _ in response.headers):
        del result.headers["Content-Type"]
    result.__dict__["xaccel"] = response
    return result


def _strip_offload_headers(response: flask.Response) -> flask.Response:
    """Remove headers that would make the server send a file, unless they are our own."""
    ours = response.__dict__.get("xaccel")
    allowed = () if ours is None else ours.headers
    for name, value in response.headers.to_wsgi_list():
        if delivery.is_offload_header(name) and (name, value) not in allowed:
            response.headers.remove(name)
    return response
