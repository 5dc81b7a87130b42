"""The settings of sorl-thumbnail that xaccel uses, with their default values."""

from __future__ import annotations

from typing import Any

from django.conf import settings

_DEFAULTS: dict[str, Any] = {
    "FORMAT": "JPEG",
    "PRESERVE_FORMAT": False,
    "COLORSPACE": "RGB",
    "UPSCALE": True,
    "QUALITY": 95,
    "BLUR": 0,
    "PADDING": False,
    "PADDING_COLOR": "#ffffff",
    "PROGRESSIVE": True,
    "ORIENTATION": True,
    "DUMMY": False,
    "DUMMY_SOURCE": "https://dummyimage.com/%(width)sx%(height)s",
    "DUMMY_RATIO": 1.5,
    "FILTER_WIDTH": 500,
}


def setting(name: str) -> Any:
    """Return the value of `THUMBNAIL_{name}`."""
    return getattr(settings, f"THUMBNAIL_{name}", _DEFAULTS[name])
