"""The engine for a thumbor or imagor server."""

from __future__ import annotations

from typing import Unpack

from xaccel._core import ThumborSigner
from xaccel.config import Config
from xaccel.exceptions import SpecError
from xaccel.thumbnails.engines.base import (
    Engine,
    Lifetime,
    Originals,
    base_url,
    has_expiry,
    keys,
)


class Thumbor:
    """URLs in the format that `ThumborSigner` generates."""

    def __init__(self, config: Config) -> None:
        self._base = base_url(config)
        (key,) = keys(config, "THUMBNAIL_ENGINE_KEY", config.thumbnail_engine_key, most=1)
        self._signer = ThumborSigner(key)
        self._originals = Originals(config, directory="")

    def url(
        self,
        source: str,
        spec: str,
        *,
        mount: str = "",  # noqa: ARG002 - that server is not below the app's path
        **lifetime: Unpack[Lifetime],
    ) -> str:
        """See `Engine.url`. These URLs do not expire."""
        if has_expiry(lifetime):
            raise SpecError("thumbor's URLs can't expire")
        return self._base + self._signer.url(self._originals.url(source), spec)


def create(config: Config) -> Engine:
    """See `xaccel.thumbnails.engines`."""
    return Thumbor(config)
