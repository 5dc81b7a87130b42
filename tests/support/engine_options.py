"""An engine with other options than the one that is built."""

from contextlib import contextmanager
from unittest.mock import patch

from django.core.signals import setting_changed
from xaccel.django.dropins import options


@contextmanager
def engine_with(*names):
    """Let the drop-ins believe that the engine has these options, and no others."""

    def forget():
        setting_changed.send(sender=None, setting="THUMBNAIL_OPTIONS", value=None, enter=True)

    with patch.object(options, "KNOWN", frozenset(names)):
        forget()
        yield
    forget()
