"""The engine for this package's own endpoint: `/t/{spec}/{source}?key=…`."""

from __future__ import annotations

from typing import Unpack

from xaccel._core import encode_path
from xaccel.config import Config
from xaccel.exceptions import ConfigError, SpecError
from xaccel.thumbnails.engines.base import Engine, Lifetime, has_expiry


class Embedded:
    """Signed URLs: `/t/{spec}/{source}?key=…`."""

    def __init__(self, config: Config) -> None:
        if not config.source_locations:
            raise ConfigError(
                "XACCEL['THUMBNAIL_SOURCE'] is not set: set it to the directory of the images"
            )
        self._base = config.thumbnail_host or config.thumbnail_engine_url
        self._path = config.thumbnail_url
        self._signer = config.signer()

    def url(self, source: str, spec: str, *, mount: str = "", **lifetime: Unpack[Lifetime]) -> str:
        """See `Engine.url`."""
        path = f"{mount}{self._path}{spec}/{source}"
        return self._base + self._signer.sign_path(path, **lifetime)


class OnlyPresets:
    """Unsigned URLs, which are possible only for presets: `/t/{spec}/{source}`."""

    def __init__(self, config: Config) -> None:
        self._base = config.thumbnail_host or config.thumbnail_engine_url
        self._path = config.thumbnail_url

    def url(self, source: str, spec: str, *, mount: str = "", **lifetime: Unpack[Lifetime]) -> str:
        """See `Engine.url`. Anyone could change a version or an expiry, so URLs have neither."""
        if ",v-" in spec or has_expiry(lifetime):
            raise SpecError(
                "with XACCEL['THUMBNAIL_ONLY_PRESETS'], URLs are not signed, so they can have "
                "neither a version nor an expiry"
            )
        return self._base + encode_path(f"{mount}{self._path}{spec}/{source}")


def create(config: Config) -> Engine:
    """See `xaccel.thumbnails.engines`."""
    return OnlyPresets(config) if config.thumbnail_only_presets else Embedded(config)
