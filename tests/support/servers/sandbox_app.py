"""Apps that only serve thumbnails, with settings from the environment."""

import json
import os

from xaccel import asgi, wsgi
from xaccel.config import Config
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.thumbnail_endpoint import get

config = Config.from_mapping(json.loads(os.environ["XACCEL_TEST_SETTINGS"]))
app = wsgi.Thumbnails(config)
asgi_app = asgi.Thumbnails(config)


def warm_app():
    """Render a thumbnail before the server forks its workers."""
    url = TemplateHelpers(config).thumbnail_url
    assert get(app._endpoint, url("cat.jpg", 7)).status == 200
    return app
