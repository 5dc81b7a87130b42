"""An app that only serves thumbnails, with settings from the environment."""

import json
import os

from xaccel.config import Config
from xaccel.wsgi import Thumbnails

app = Thumbnails(Config.from_mapping(json.loads(os.environ["XACCEL_TEST_SETTINGS"])))
