"""Placeholders: blurred pictures to show until the thumbnails have arrived."""

from __future__ import annotations

import logging
from functools import lru_cache

from xaccel._core import draw_thumbhash, placeholder
from xaccel.config import Config
from xaccel.exceptions import XaccelError
from xaccel.thumbnails.rows import stored_thumbhash
from xaccel.thumbnails.urls import ThumbnailUrls

TRANSPARENT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

_logger = logging.getLogger("xaccel.thumbnails")


class Placeholders:
    """Makes placeholders, once for each state of an image."""

    def __init__(self, config: Config, urls: ThumbnailUrls) -> None:
        self._urls = urls
        self._limits = config.limits()
        self._render = lru_cache(maxsize=4096)(self._build)

    def placeholder(self, source: object) -> str:
        """Return a blurred picture as a `data:` URI, to show until the thumbnail has arrived.

        The image's row may have it, see `xaccel.django.fields.ImageField`. Otherwise this helper
        reads the image, the only one that does. For a missing or broken image the placeholder is a
        transparent pixel.

        Args:
            source: See `ThumbnailUrls.url`.
        """
        name = self._urls.find(source)
        if name is None:
            return TRANSPARENT
        known = stored_thumbhash(source)
        try:
            if known is not None:
                return _draw(known)
            return self.read(name)
        except (XaccelError, OSError, ValueError) as error:
            _logger.warning("%s", error)
            return TRANSPARENT

    def read(self, name: str) -> str:
        """Return the placeholder of an image, and read it unless its state is known.

        Args:
            name: The name of the image below `THUMBNAIL_SOURCE`.
        """
        return self._render(name, self._urls.source.state(name))

    def _build(self, name: str, state: str | None) -> str:  # noqa: ARG002 - part of the cache's key
        with self._urls.source.get(name) as original:
            return placeholder(original.whole(), limits=self._limits)


_draw = lru_cache(maxsize=4096)(draw_thumbhash)
