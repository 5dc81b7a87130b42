"""The endpoint and the template helpers with the same settings, without a framework."""

import contextlib

from xaccel.config import Config
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.thumbnail_endpoint import get


@contextlib.contextmanager
def ended(hold):
    """Set an event when a test ends, even if it fails, so that no thread keeps waiting."""
    try:
        yield
    finally:
        hold.set()


KEY = "a key of more than 16 bytes"


class Service:
    """The endpoint and the template helpers of an app, as in a single process."""

    def __init__(self, settings):
        self.config = Config.from_mapping({"SECRET_KEYS": [KEY], **settings})
        self.thumbnails = Thumbnails(self.config)
        self.helpers = TemplateHelpers(self.config)
        self.url = self.helpers.thumbnail_url

    def get(self, url, method="GET", **headers):
        return get(self.thumbnails, url, method, **headers)

    @property
    def renderer(self):
        return self.thumbnails._delivery.renderer


class Submitted:
    """Intercepts the jobs that a renderer submits to its backend, and records their deadlines."""

    def __init__(self, renderer, before=lambda: None, after=lambda: None):
        self.deadlines = []
        self._submit, self._before, self._after = renderer._backend.submit, before, after
        renderer._backend.submit = self

    def __call__(self, job, deadline):
        self.deadlines.append(deadline)
        self._before()
        try:
            return self._submit(job, deadline)
        finally:
            self._after()

    def __len__(self):
        return len(self.deadlines)
