"""A small app for `gunicorn`. The tests of `xaccel doctor` break its deployment."""

import json
import os

from xaccel import Config
from xaccel.wsgi import PrivateLinks, Thumbnails

CONFIG = Config.from_mapping(json.loads(os.environ["XACCEL_TEST_SETTINGS"]))


def app():
    links, thumbnails = PrivateLinks(CONFIG), Thumbnails(CONFIG)

    def application(environ, start_response):
        path = environ["PATH_INFO"]
        if path.startswith("/p/"):
            return links(environ, start_response)
        if path.startswith("/t/"):
            return thumbnails(environ, start_response)
        start_response("200 OK", [("Content-Length", "4"), ("Content-Type", "text/html")])
        return [b"home"]

    return application
