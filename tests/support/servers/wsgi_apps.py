"""The views in each WSGI framework, mounted at `/flask/`, `/django/` and `/bare/`."""

from pathlib import Path

import flask
from django.core.wsgi import get_wsgi_application
from xaccel.flask import XAccel as FlaskXAccel, send_private_file
from xaccel.wsgi import Sendfile, XAccel

from tests.support.servers import django_pages
from tests.support.servers.apps import ADDED, CONFIG, SETTINGS, arguments, sender, stray


def flask_app():
    app = flask.Flask(__name__)
    app.config["XACCEL"] = SETTINGS["XACCEL"]
    FlaskXAccel(app, sendfile=True)

    @app.route("/flask/file", methods=["GET", "POST"])
    def file():
        path, options = arguments(flask.request.query_string.decode())
        response = send_private_file(path, **options)
        response.headers.update(ADDED)
        return response

    @app.route("/flask/response")
    def response():
        path, options = arguments(flask.request.query_string.decode())
        return flask.send_file(Path(options["root"]) / path)

    @app.route("/flask/stray")
    def stray_header():
        return stray(flask.request.query_string.decode())

    return app


def django_app():
    django_pages.configure()
    return get_wsgi_application()


def bare_app():
    xaccel = XAccel(CONFIG)

    def app(environ, start_response):
        def start(status, headers, *more):
            return start_response(status, [*headers, *ADDED.items()], *more)

        if environ["PATH_INFO"] == "/bare/stray":
            return stray_app(environ, start_response)
        path, options = arguments(environ["QUERY_STRING"])
        return xaccel.send_private_file(path, **options)(environ, start)

    def stray_header(environ, start_response):
        body, status, headers = stray(environ["QUERY_STRING"])
        start_response(f"{status} Stray", [*headers.items(), ("Content-Length", str(len(body)))])
        return [body.encode()]

    stray_app = Sendfile(stray_header, CONFIG)
    return app


def dispatcher():
    apps = {"flask": flask_app(), "django": django_app(), "bare": bare_app()}
    connections = set()

    def app(environ, start_response):
        connections.add(environ["REMOTE_PORT"])
        first = environ["PATH_INFO"].split("/")[1]
        if first == "connections":
            body = str(len(connections)).encode()
            start_response("200 OK", [("Content-Length", str(len(body)))])
            connections.clear()
            return [body]
        if first not in apps:
            start_response("404 Not Found", [("Content-Length", "11")])
            return [b"not a page\n"]

        def start(status, headers, *more):
            headers.append(("Set-Cookie", sender(name for name, _ in headers)))
            return start_response(status, headers, *more)

        return apps[first](environ, start)

    return app
