"""Decides when tags and filters raise an error instead of logging it."""

from __future__ import annotations

from django.conf import settings

from xaccel.exceptions import SpecError


def raises(error: Exception) -> bool:
    """Whether to raise an error instead of logging it.

    If `THUMBNAIL_DEBUG` is on, all errors are raised. If only `DEBUG` is on, errors in options are
    raised.
    """
    is_debug = settings.DEBUG and isinstance(error, SpecError)
    return bool(getattr(settings, "THUMBNAIL_DEBUG", False) or is_debug)
