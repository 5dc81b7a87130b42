"""`settings.XACCEL`, read once and again whenever tests change it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from xaccel.config import Config
from xaccel.delivery import Delivery
from xaccel.exceptions import ConfigError
from xaccel.templates import TemplateHelpers
from xaccel.thumbnails import Thumbnails


@cache
def config() -> Config:
    """The settings, checked.

    Without `SECRET_KEYS` the URLs are signed with keys derived from Django's `SECRET_KEY` and
    `SECRET_KEY_FALLBACKS`.

    Raises:
        ConfigError: A setting is unknown or impossible.
    """
    mapping = getattr(settings, "XACCEL", {})
    if not isinstance(mapping, Mapping):
        raise ConfigError("settings.XACCEL must be a dict of settings")
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return Config.from_mapping(mapping, framework_keys=keys)


@cache
def delivery() -> Delivery:
    """What answers with private files."""
    return Delivery(config())


@cache
def template_helpers() -> TemplateHelpers:
    """What the template tags call."""
    return TemplateHelpers(config())


@cache
def thumbnails() -> Thumbnails:
    """What answers the requests for thumbnails."""
    return Thumbnails(config())


def _reset(*, setting: str, **_: Any) -> None:
    if setting in {"XACCEL", "SECRET_KEY", "SECRET_KEY_FALLBACKS"}:
        for cached in (config, delivery, template_helpers, thumbnails):
            cached.cache_clear()


setting_changed.connect(_reset)
