"""A machine's Celery app, for `celery worker`. The environment contains the settings as JSON."""

import json
import logging
import os

from celery import Celery
from xaccel import Config
from xaccel.celery import init_app

from tests.support.servers.thumbnail_app import _Lines

config = Config.from_mapping(json.loads(os.environ["XACCEL_TEST_SETTINGS"]))
app = Celery("shop", broker=os.environ["XACCEL_TEST_BROKER"], backend=None)
app.conf.update(
    result_backend=os.environ["XACCEL_TEST_BROKER"],
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=1,
)
init_app(app, config)

logger = logging.getLogger("xaccel.thumbnails")
logger.setLevel(logging.DEBUG)
logger.addHandler(_Lines(os.environ["XACCEL_TEST_LOG"]))
