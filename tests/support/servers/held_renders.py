"""Apps in which each render blocks its thread until a file exists, for `gunicorn` and `uvicorn`.

The apps serve a private file at `/file`, and thumbnails.
"""

import json
import os
import sys
import time
from pathlib import Path

from xaccel import asgi, wsgi
from xaccel.config import Config
from xaccel.thumbnails.backends import RenderJob


def hold(directory):
    """Make each render record that it has begun, and block its thread until it may continue."""
    sleep, run = time.sleep, RenderJob.run
    if "gevent.monkey" in sys.modules:
        sleep = sys.modules["gevent.monkey"].get_original("time", "sleep")

    def held(job, timeout):
        (directory / f"began-{job.spec}").touch()
        while not (directory / "go").exists():
            sleep(0.01)
        return run(job, timeout)

    RenderJob.run = held


def config():
    hold(Path(os.environ["XACCEL_TEST_DIRECTORY"]))
    return Config.from_mapping(json.loads(os.environ["XACCEL_TEST_SETTINGS"]))


def wsgi_app():
    settings = config()
    thumbnails, xaccel = wsgi.Thumbnails(settings), wsgi.XAccel(settings)

    def app(environ, start_response):
        is_file = environ["PATH_INFO"] == "/file"
        answer = xaccel.send_private_file("cat.jpg") if is_file else thumbnails
        return answer(environ, start_response)

    return app


def asgi_app():
    settings = config()
    thumbnails, xaccel = asgi.Thumbnails(settings), asgi.XAccel(settings)

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        if scope["path"] == "/file":
            answer = xaccel.send_private_file("cat.jpg")
        elif scope["path"].startswith("/private/"):
            width = int(scope["path"].removeprefix("/private/"))
            answer = xaccel.send_private_thumbnail("cat.jpg", width)
        else:
            answer = thumbnails
        await answer(scope, receive, send)

    return app
