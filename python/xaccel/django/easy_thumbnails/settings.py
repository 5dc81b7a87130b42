"""The settings of easy-thumbnails that xaccel uses, with their default values."""

from __future__ import annotations

from typing import Any

from django.conf import settings

_DEFAULTS: dict[str, Any] = {
    "QUALITY": 85,
    "EXTENSION": "jpg",
    "PRESERVE_EXTENSIONS": None,
    "TRANSPARENCY_EXTENSION": "png",
    "ALIASES": None,
    "DEFAULT_OPTIONS": None,
}


def setting(name: str) -> Any:
    """Return the value of `THUMBNAIL_{name}`."""
    return getattr(settings, f"THUMBNAIL_{name}", _DEFAULTS[name])
