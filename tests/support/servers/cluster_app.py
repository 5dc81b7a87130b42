"""The app on each machine of a cluster: thumbnails, and pages that show what reaches the app."""

import json
import os
import signal
import threading

from tests.support.servers import thumbnail_app

SHOWN = ("HTTP_HOST", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO")


def app():
    thumbnails = thumbnail_app.app()
    log, name = os.environ["XACCEL_TEST_LOG"], os.environ["XACCEL_TEST_MACHINE"]

    def application(environ, start_response):
        path = environ["PATH_INFO"]
        if path == "/page":
            seen = {"machine": name} | {key: environ.get(key) for key in SHOWN}
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(seen).encode()]
        if path == "/die":
            thumbnail_app.write(log, f"died {environ['REQUEST_METHOD']}")
            os.kill(os.getpid(), signal.SIGKILL)
        if path == "/origin-is-down":
            thumbnail_app.write(log, "bad gateway")
            start_response("502 Bad Gateway", [("Content-Type", "text/plain")])
            return [b"of the app"]
        if path == "/stream":
            start_response("200 OK", [("X-Accel-Buffering", "no")])
            return stream()
        return thumbnails(environ, start_response)

    return application


def stream():
    yield b"first"
    # This is too slow to fill a buffer, and ends when the client hangs up.
    while True:
        threading.Event().wait(0.01)
        yield b"."
