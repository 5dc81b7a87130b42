"""The apps of these tests: the same views in each framework, mounted at `/flask/`, `/django/`
and `/bare/` of one WSGI server.

A name travels compressed and in hexadecimal, so that no server between has an opinion of it.
A cookie, which every server lets through, tells who sent the file.
"""

import json
import os
import zlib
from urllib.parse import parse_qs

import django
import flask
from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path as route
from xaccel import Config
from xaccel.flask import XAccel, send_private_file
from xaccel.wsgi import XAccel as WsgiXAccel

SETTINGS = json.loads(os.environ["XACCEL_TEST_SETTINGS"])
# What an app or its framework adds to any response, and a visitor has to get.
ADDED = {"Vary": "Cookie", "Content-Security-Policy": "default-src 'none'"}
OPTIONS = {"as_attachment", "download_name", "mimetype", "max_age", "limit_rate", "root"}


def arguments(query):
    """The path and the options that the query asks for."""
    values = {key: items[0] for key, items in parse_qs(query, keep_blank_values=True).items()}
    path = os.fsdecode(zlib.decompress(bytes.fromhex(values["name"])))
    options = {key: values[key] for key in OPTIONS & values.keys()}
    for key in ("max_age", "limit_rate"):
        if key in options:
            options[key] = int(options[key])
    if "as_attachment" in options:
        options["as_attachment"] = True
    root = options.pop("root", SETTINGS["MAIN_ROOT"]) or None
    return path, {"root": root, **options}


def flask_app():
    app = flask.Flask(__name__)
    app.config["XACCEL"] = SETTINGS["XACCEL"]
    XAccel(app)

    @app.route("/flask/file", methods=["GET", "POST"])
    def file():
        path, options = arguments(flask.request.query_string.decode())
        response = send_private_file(path, **options)
        response.headers.update(ADDED)
        return response

    @app.route("/flask/stray")
    def stray():
        """An app that lets a visitor write a header of its response."""
        header = flask.request.args["header"]
        return "stray", int(flask.request.args["status"]), {header: flask.request.args["value"]}

    return app


def django_app():
    django_settings.configure(
        DEBUG=False,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="a secret key of these tests",
        INSTALLED_APPS=["xaccel.django"],
        MIDDLEWARE=["django.middleware.http.ConditionalGetMiddleware"],
        XACCEL=SETTINGS["XACCEL"],
    )
    django.setup()
    return get_wsgi_application()


def django_file(request):
    from xaccel.django import send_private_file

    path, options = arguments(request.META["QUERY_STRING"])
    response = send_private_file(request, path, **options)
    for name, value in ADDED.items():
        response.headers[name] = value
    return response


def django_home(_request):
    return HttpResponse("ready")


urlpatterns = [route("django/file", django_file), route("django/", django_home)]


def bare_app():
    xaccel = WsgiXAccel(Config.from_mapping(SETTINGS["XACCEL"]))

    def app(environ, start_response):
        def start(status, headers, *more):
            return start_response(status, [*headers, *ADDED.items()], *more)

        path, options = arguments(environ["QUERY_STRING"])
        return xaccel.send_private_file(path, **options)(environ, start)

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
            offloaded = any(
                name.lower().startswith(("x-accel", "x-sendfile")) for name, _ in headers
            )
            headers.append(("Set-Cookie", f"sender={'server' if offloaded else 'app'}"))
            return start_response(status, headers, *more)

        return apps[first](environ, start)

    return app
