"""An app that opens a file, behind a server that is configured as for Rack::Sendfile."""

import os
from pathlib import Path

from xaccel import Config
from xaccel.wsgi import Sendfile


def app():
    root = Path(os.environ["XACCEL_TEST_ROOT"])

    def file(environ, start_response):
        path = root / environ["PATH_INFO"].removeprefix("/download/")
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-App", "here")])
        return environ["wsgi.file_wrapper"](path.open("rb"))

    sendfile = Sendfile(file, Config(), trust_request_headers=True)

    def app(environ, start_response):
        def start(status, headers, *more):
            length = dict(headers).get("Content-Length", "?")
            return start_response(status, [*headers, ("Set-Cookie", f"length={length}")], *more)

        return sendfile(environ, start)

    return app
