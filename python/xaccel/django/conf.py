"""`settings.XACCEL`, read once and again whenever tests change it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from django.core.signals import setting_changed

from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.delivery.sendfile import Offloader
from xaccel.exceptions import ConfigError
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.thumbnails.private import PrivateThumbnails


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
    defaults = {"THUMBNAIL_SOURCE": _default_source()}
    return Config.from_mapping({**defaults, **mapping}, framework_keys=keys)


def _default_source() -> str | None:
    """The default storage as a source: its directory, if it has one; private files are none."""
    from xaccel.django.storage import PrivateStorage  # noqa: PLC0415  it needs this module

    storage = storages["default"]
    if isinstance(storage, PrivateStorage):
        return None
    if not isinstance(storage, FileSystemStorage):
        return "storage://default"
    # Without MEDIA_ROOT its directory would be that in which the process happens to be.
    return str(storage.location) if storage.base_location else None


@cache
def delivery() -> Delivery:
    """What answers with private files."""
    return Delivery(config())


@cache
def offloader() -> Offloader:
    """What finds the file responses that the web server can send."""
    return Offloader(config())


@cache
def template_helpers() -> TemplateHelpers:
    """What the template tags call."""
    return TemplateHelpers(config())


@cache
def thumbnails() -> Thumbnails:
    """What answers the requests for thumbnails."""
    return Thumbnails(config())


@cache
def private_thumbnails() -> PrivateThumbnails:
    """What answers with thumbnails of private files."""
    return PrivateThumbnails(config(), delivery())


def _reset(*, setting: str, **_: Any) -> None:
    if setting in {"XACCEL", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "MEDIA_ROOT", "STORAGES"}:
        for cached in (
            config,
            delivery,
            offloader,
            template_helpers,
            thumbnails,
            private_thumbnails,
        ):
            cached.cache_clear()


setting_changed.connect(_reset)
