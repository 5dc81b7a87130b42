"""Where original images come from: one module for each kind of place."""

from __future__ import annotations

from xaccel.config import Config
from xaccel.exceptions import ConfigError
from xaccel.thumbnails.sources.base import Original, Source
from xaccel.thumbnails.sources.directory import DirectorySource

__all__ = ["DirectorySource", "Original", "Source", "get"]


def get(config: Config) -> Source:
    """The source of the settings.

    Raises:
        ConfigError: There is none, or it is of a kind that can't be read here.
    """
    where = config.thumbnail_source
    if where is None:
        raise ConfigError("XACCEL['THUMBNAIL_SOURCE'] is not set: name the directory of the images")
    if where.startswith(("http://", "https://")):
        # An HTTP client with TLS, which no other source needs.
        from xaccel.thumbnails.sources.http import HttpSource  # noqa: PLC0415

        return HttpSource(
            where,
            max_bytes=config.thumbnail_max_bytes,
            timeout=config.thumbnail_source_timeout,
            allow_private=config.thumbnail_source_private,
        )
    if where.startswith("storage://"):
        # Only Django's settings lead here, so Django is there.
        from xaccel.django.storage_source import StorageSource  # noqa: PLC0415

        return StorageSource(where.removeprefix("storage://"), max_bytes=config.thumbnail_max_bytes)
    if "://" in where:
        raise ConfigError(
            f"XACCEL['THUMBNAIL_SOURCE'] {where!r} can't be read by the engine 'embedded'"
        )
    return DirectorySource(where, follow_symlinks=config.follow_symlinks)
