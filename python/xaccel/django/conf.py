"""Reads `settings.XACCEL` once, and reads it again after a test overrides a setting."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.delivery.sendfile import Offloader
from xaccel.django.mounts import PRIVATE_FILE, THUMBNAIL, mount_of_urls
from xaccel.django.public_sources import default_source, named_sources
from xaccel.django.source_names import SourceNames
from xaccel.exceptions import ConfigError
from xaccel.thumbnails import sources
from xaccel.thumbnails.direct import DirectRenderer
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.thumbnails.private import PrivateThumbnails
from xaccel.thumbnails.sources.base import Source
from xaccel.thumbnails.tasks import ThumbnailTasks


@cache
def config() -> Config:
    """Return the validated settings; see `config_with`."""
    return config_with({})


def config_with(overrides: Mapping[str, Any]) -> Config:
    """Return the validated settings, with some of them overridden.

    Without `SECRET_KEYS`, URLs are signed with keys derived from Django's `SECRET_KEY` and
    `SECRET_KEY_FALLBACKS`.

    Raises:
        ConfigError: A setting is unknown or invalid.
    """
    mapping = getattr(settings, "XACCEL", {})
    if not isinstance(mapping, Mapping):
        raise ConfigError("settings.XACCEL must be a dict of settings")
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    defaults = {
        "THUMBNAIL_SOURCE": default_source(),
        "MOUNT": settings.FORCE_SCRIPT_NAME or "",
    }
    if "THUMBNAIL_SOURCES" in mapping:
        mapping = {**mapping, "THUMBNAIL_SOURCES": named_sources(mapping["THUMBNAIL_SOURCES"])}
    return Config.from_mapping({**defaults, **mapping, **overrides}, framework_keys=keys)


@cache
def delivery() -> Delivery:
    """Return the object that delivers private files."""
    known = config()
    prefix = known.private_url
    if prefix is None:
        return Delivery(known)
    return Delivery(known, mount=partial(mount_of_urls, PRIVATE_FILE, prefix, known.mount))


@cache
def offloader() -> Offloader:
    """Return the object that the middleware uses to hand file responses to the web server."""
    return Offloader(config())


@cache
def template_helpers() -> TemplateHelpers:
    """Return the implementation of the template tags."""
    known = config()
    return TemplateHelpers(
        known,
        name_of=source_names().of,
        is_debug=lambda: bool(settings.DEBUG),
        mount=partial(mount_of_urls, THUMBNAIL, known.thumbnail_url, known.mount),
    )


@cache
def source_names() -> SourceNames:
    """Return the object that finds the names of images."""
    return SourceNames(config())


@cache
def thumbnail_source() -> Source:
    """Return the source of all original images."""
    return sources.get(config())


@cache
def direct_renderer() -> DirectRenderer:
    """Return the object that reads and renders images immediately, for the app's own code."""
    return DirectRenderer(config())


@cache
def thumbnails() -> Thumbnails:
    """Return the thumbnail endpoint."""
    return Thumbnails(config())


@cache
def thumbnail_tasks() -> ThumbnailTasks:
    """Return the object that renders and purges thumbnails outside of requests."""
    return ThumbnailTasks(config(), name_of=source_names().of)


@cache
def private_thumbnails() -> PrivateThumbnails:
    """Return the object that responds with thumbnails of private files."""
    return PrivateThumbnails(config(), delivery())


SETTINGS = frozenset(
    {"XACCEL", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "MEDIA_ROOT", "STORAGES", "FORCE_SCRIPT_NAME"}
)
"""The Django settings that our own settings depend on."""


def _reset(*, setting: str, **_: Any) -> None:
    if setting in SETTINGS:
        for cached in (
            config,
            delivery,
            offloader,
            template_helpers,
            source_names,
            thumbnail_source,
            direct_renderer,
            thumbnails,
            thumbnail_tasks,
            private_thumbnails,
        ):
            cached.cache_clear()


setting_changed.connect(_reset)
