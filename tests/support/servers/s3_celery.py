"""Celery tasks that fetch images from a bucket, with directories as the broker."""

import os
from pathlib import Path

from celery import Celery


def make() -> Celery:
    """Return the app for the producer, which does not load images."""
    broker = os.environ["XACCEL_TEST_BROKER"]
    made = Celery("soak", broker="filesystem://")
    made.conf.broker_transport_options = {
        "data_folder_in": broker,
        "data_folder_out": broker,
        "control_folder": f"{broker}/control",
        "polling_interval": 0.1,
    }
    return made


if "XACCEL_TEST_BROKER" in os.environ:
    from tests.support.servers.s3_app import SIZE, source

    app = make()

    @app.task(name="fetch")
    def fetch(name):
        with source.get(name) as original:
            assert len(original.whole()) == SIZE
        with Path(os.environ["XACCEL_TEST_RESULTS"]).open("ab", buffering=0) as file:
            file.write(f"{os.getpid()}\n".encode())
