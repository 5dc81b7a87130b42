"""Signed links and thumbnails in apps for application servers, both at the root and mounted."""

import json
import os

from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from xaccel import Config, asgi, wsgi
from xaccel.flask import XAccel

SETTINGS = json.loads(os.environ["XACCEL_TEST_SETTINGS"])


def _of_wsgi():
    """Return the endpoints at the root, at their prefixes and below `/app`; Flask at `/flask`."""
    config = Config.from_mapping(SETTINGS)
    links, thumbnails = wsgi.PrivateLinks(config), wsgi.Thumbnails(config)

    flask = Flask(__name__)
    flask.config["XACCEL"] = SETTINGS
    XAccel(flask)

    def both(environ, start_response):
        path = environ["SCRIPT_NAME"] + environ["PATH_INFO"]
        return (links if "/p/" in path else thumbnails)(environ, start_response)

    mounts = {"/p": links, "/t": thumbnails, "/app": both, "/flask": flask, "/app/t": thumbnails}
    return DispatcherMiddleware(both, mounts)


def _of_asgi():
    """Return the same endpoints in Starlette."""
    config = Config.from_mapping(SETTINGS)
    links, thumbnails = asgi.PrivateLinks(config), asgi.Thumbnails(config)
    below = [Mount("/t", thumbnails), Mount("/p", links)]
    return Starlette(routes=[Mount("/app", routes=below), Mount("/flask", routes=below), *below])


wsgi_app = _of_wsgi()
asgi_app = _of_asgi()
