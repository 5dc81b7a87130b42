"""The thumbnail endpoint under a real application server, for `gunicorn`.

The settings are in the environment, as JSON. Each request and each render is logged as a line in a
file.
"""

import json
import logging
import os
from pathlib import Path

from xaccel.config import Config
from xaccel.wsgi import Thumbnails


class _Lines(logging.Handler):
    def __init__(self, path):
        super().__init__()
        self._path = path

    def emit(self, record):
        write(self._path, record.getMessage())


def write(path, line):
    """Append a line in a single step, as seen by other processes."""
    with Path(path).open("ab", buffering=0) as file:
        file.write(f"{line}\n".encode())


def app():
    settings = json.loads(os.environ["XACCEL_TEST_SETTINGS"])
    log = os.environ["XACCEL_TEST_LOG"]
    logger = logging.getLogger("xaccel.thumbnails")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(_Lines(log))
    thumbnails = Thumbnails(Config.from_mapping(settings))

    def application(environ, start_response):
        write(log, f"asked {environ['PATH_INFO']}")
        return thumbnails(environ, start_response)

    return application
