"""The apps for the scenarios, for `gunicorn`."""

import json
import os
from pathlib import Path
from urllib.parse import quote

import flask
from xaccel import Config
from xaccel.asgi import XAccel as AsgiXAccel
from xaccel.flask import XAccel, send_private_file
from xaccel.wsgi import Sendfile

SETTINGS = json.loads(os.environ["XACCEL_TEST_SETTINGS"])


def videos():
    """Return a private video messaging app, in which visitors get only the videos sent to them."""
    app = flask.Flask(__name__)
    app.config["XACCEL"] = SETTINGS
    XAccel(app)

    @app.get("/video/<int:video_id>")
    def view_video(video_id):
        if flask.request.headers.get("Authorization") != "bill":
            flask.abort(403)
        return send_private_file(f"bill/to_jane/cute_puppies_{video_id}.mp4")

    @app.get("/elsewhere/<name>")
    def view_video_elsewhere(name):
        if flask.request.headers.get("Authorization") != "bill":
            flask.abort(403)
        (media_url,) = SETTINGS["REMOTES"]
        response = send_private_file(f"{media_url}abc/def/{quote(name)}")
        response.headers["X-MyApp-Username"] = "bill"
        return response

    @app.get("/")
    def home():
        seen = ("Host", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto")
        return {name: flask.request.headers.get(name) for name in seen}

    return app


def asgi_videos():
    """Return the same app for ASGI."""
    xaccel = AsgiXAccel(Config.from_mapping(SETTINGS))

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        if scope["path"] == "/video/7" and headers.get(b"authorization") == b"bill":
            answer = xaccel.send_private_file("bill/to_jane/cute_puppies_7.mp4")
            await answer(scope, receive, send)
            return
        seen = json.dumps({"http": scope["http_version"], "host": headers[b"host"].decode()})
        start = {"type": "http.response.start", "status": 403, "headers": []}
        await send(start)
        await send({"type": "http.response.body", "body": seen.encode()})

    return app


def files():
    """Return an app without X-Accel, behind middleware that trusts the server's headers."""

    def app(environ, start_response):
        path = Path(os.environ["XACCEL_TEST_FILES"], environ["PATH_INFO"].lstrip("/"))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return environ["wsgi.file_wrapper"](path.open("rb"))

    config = Config(server=os.environ.get("XACCEL_TEST_SERVER", "direct"))
    sendfile = Sendfile(app, config, trust_request_headers=True)

    def named(environ, start_response):
        def start(status, headers, *more):
            sent = [name for name, _ in headers if name.lower().startswith("x-")]
            headers.append(("Set-Cookie", f"by={','.join(sent) or 'app'}"))
            return start_response(status, headers, *more)

        return sendfile(environ, start)

    return named
