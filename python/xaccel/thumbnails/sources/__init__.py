"""The sources of original images.

The scheme of a URL in `THUMBNAIL_SOURCE` or `THUMBNAIL_SOURCES` selects the kind of source; a path
stands for a directory. Each kind of source has its own module, which is imported only if a setting
uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xaccel._core import available_parallelism
from xaccel.config import Config, SourceLocation
from xaccel.exceptions import ConfigError
from xaccel.thumbnails.sources.base import Source


def get(config: Config) -> Source:
    """Return the source for all images in the configured locations.

    Raises:
        ConfigError: No sources are set, or this package can't read one of them.
    """
    places = config.source_locations
    if not places:
        raise ConfigError(
            "XACCEL['THUMBNAIL_SOURCE'] is not set: set it to the directory of the images"
        )
    opened = {place.prefix: _open(place, config) for place in places}
    if config.thumbnail_sources:
        from xaccel.thumbnails.sources.named import NamedSources  # noqa: PLC0415

        source: Source = NamedSources(opened)
    else:
        source = opened[""]
    if config.thumbnail_fallback is None:
        return source
    from xaccel.thumbnails.sources.fallback import WithFallback  # noqa: PLC0415

    return WithFallback(source, config.thumbnail_fallback)


def has_state(name: str, config: Config) -> bool:
    """Whether the source of an image knows its state; see `Source.state`.

    Args:
        name: The name of the image.
        config: The settings.
    """
    prefix = name[: name.find("/") + 1] if name.startswith("~") else ""
    locations = {place.prefix: place.location for place in config.source_locations}
    scheme, separator, _ = locations.get(prefix, "").partition("://")
    return not separator or scheme == "s3"


def _open(place: SourceLocation, config: Config) -> Source:
    scheme, separator, _ = place.location.partition("://")
    create = _SOURCES.get(scheme if separator else "")
    if create is None:
        raise ConfigError(
            f"{place.setting} {place.location!r} can't be read by the engine 'embedded'"
        )
    return create(place.location, config)


def _directory(location: str, config: Config) -> Source:
    from xaccel.thumbnails.sources.directory import DirectorySource  # noqa: PLC0415

    return DirectorySource(location, follow_symlinks=config.follow_symlinks)


def _http(location: str, config: Config) -> Source:
    from xaccel.thumbnails.sources.http import HttpSource  # noqa: PLC0415

    source = HttpSource(
        location,
        max_bytes=config.thumbnail_max_bytes,
        timeout=config.thumbnail_source_timeout,
        allow_private=config.thumbnail_source_private,
    )
    return _bounded(source, config)


def _s3(location: str, config: Config) -> Source:
    from xaccel.thumbnails.sources.s3 import S3Source  # noqa: PLC0415

    source = S3Source(
        location,
        config.s3,
        max_bytes=config.thumbnail_max_bytes,
        timeout=config.thumbnail_source_timeout,
    )
    return _bounded(source, config)


def _storage(location: str, config: Config) -> Source:
    from xaccel.django.storage_source import StorageSource  # noqa: PLC0415

    alias = location.removeprefix("storage://")
    return _bounded(StorageSource(alias, max_bytes=config.thumbnail_max_bytes), config)


def _bounded(source: Source, config: Config) -> Source:
    from xaccel.thumbnails.sources.fetches import BoundedSource  # noqa: PLC0415

    # Allow one fetch for each current render, and two for the next renders.
    fetches = 2 + (config.thumbnail_workers or available_parallelism())
    return BoundedSource(
        source,
        fetches=fetches,
        max_bytes=config.thumbnail_max_bytes,
        queue=config.thumbnail_queue,
    )


_SOURCES: Mapping[str, Callable[[str, Config], Source]] = {
    "": _directory,
    "http": _http,
    "https": _http,
    "s3": _s3,
    "storage": _storage,
}
"""The kinds of source, by the scheme of the URL. `storage` occurs only in Django's settings."""
