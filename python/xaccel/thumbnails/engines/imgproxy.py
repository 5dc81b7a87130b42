"""The engine for an imgproxy server."""

from __future__ import annotations

from typing import Unpack

from xaccel._core import ImgproxySigner
from xaccel.config import Config
from xaccel.exceptions import ConfigError
from xaccel.thumbnails.engines.base import Engine, Lifetime, Originals, base_url, keys


class Imgproxy:
    """URLs in the format that `ImgproxySigner` generates."""

    def __init__(self, config: Config) -> None:
        self._base = base_url(config)
        signing_keys = keys(config, "THUMBNAIL_ENGINE_KEY", config.thumbnail_engine_key)
        salts = keys(config, "THUMBNAIL_ENGINE_SALT", config.thumbnail_engine_salt)
        try:
            self._signer = ImgproxySigner(signing_keys, salts)
        except ConfigError as error:
            raise ConfigError(f"XACCEL['THUMBNAIL_ENGINE_KEY']: {error}") from None
        self._originals = Originals(config, directory="local:///")

    def url(
        self,
        source: str,
        spec: str,
        *,
        mount: str = "",  # noqa: ARG002 - that server is not below the app's path
        **lifetime: Unpack[Lifetime],
    ) -> str:
        """See `Engine.url`."""
        return self._base + self._signer.url(self._originals.url(source), spec, **lifetime)


def create(config: Config) -> Engine:
    """See `xaccel.thumbnails.engines`."""
    return Imgproxy(config)
