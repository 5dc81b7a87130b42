"""Private files with scripts, for `gunicorn`: each script that runs requests `/ran?NAME`."""

import os

from xaccel import Config
from xaccel.wsgi import XAccel


def app():
    xaccel = XAccel(Config.from_mapping({"ROOTS": {os.environ["XACCEL_TEST_ROOT"]: "/_p/"}}))
    ran = []

    def app(environ, start_response):
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        if path == "/ran":
            ran.append(query)
        if path in {"/ran", "/seen"}:
            body = " ".join(ran).encode()
            start_response("200 OK", [("Content-Length", str(len(body)))])
            return [body]
        file = xaccel.send_private_file(path[1:], allow_scripts=query == "allow_scripts")
        return file(environ, start_response)

    return app
