"""Decides when tags and filters raise an error instead of logging it."""

from __future__ import annotations

from django.conf import settings

from xaccel.exceptions import SpecError


def raises(error: Exception) -> bool:
    """Whether to raise: any error if `THUMBNAIL_DEBUG` is on, invalid options if `DEBUG` is on."""
    is_debug = settings.DEBUG and isinstance(error, SpecError)
    return bool(getattr(settings, "THUMBNAIL_DEBUG", False) or is_debug)
