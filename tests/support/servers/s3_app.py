"""Thumbnails of images in a bucket, for servers that load the app before they fork.

The settings are in the environment, as JSON. The app fetches an image when it is imported, so that
the parent of the workers has open connections.
"""

import json
import os

from xaccel import asgi, wsgi
from xaccel.config import Config
from xaccel.thumbnails import sources

config = Config.from_mapping(json.loads(os.environ["XACCEL_TEST_SETTINGS"]))
source = sources.get(config)
with source.get("cat.jpg") as original:
    SIZE = len(original.whole())

app = wsgi.Thumbnails(config)
asgi_app = asgi.Thumbnails(config)
