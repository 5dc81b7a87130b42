"""nginx's `image_filter` behind `secure_link`: URLs as in `embedded`, but without options."""

from __future__ import annotations

from typing import Unpack

from xaccel.config import Config
from xaccel.exceptions import ConfigError, SpecError
from xaccel.thumbnails.engines.base import Engine, Lifetime
from xaccel.thumbnails.engines.embedded import Embedded


class ImageFilter(Embedded):
    """Signed URLs that stock nginx verifies: `/t/{width}x{height}/{source}?key=…`."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if config.signature != "secure-link-md5":
            raise ConfigError(
                "XACCEL['THUMBNAIL_ENGINE'] 'image-filter' needs XACCEL['SIGNATURE'] "
                "'secure-link-md5', which nginx can verify"
            )

    def url(self, source: str, spec: str, *, mount: str = "", **lifetime: Unpack[Lifetime]) -> str:
        """See `Engine.url`."""
        _, comma, options = spec.partition(",")
        if comma:
            raise SpecError(
                f"nginx's image_filter does not have the option {options.partition(',')[0]!r}: "
                "it can only shrink an image into a box"
            )
        return super().url(source, spec, mount=mount, **lifetime)


def create(config: Config) -> Engine:
    """See `xaccel.thumbnails.engines`."""
    return ImageFilter(config)
