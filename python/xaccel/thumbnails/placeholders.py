"""Placeholders: blurred pictures to show until the thumbnails have loaded."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from xaccel._core import Cache, draw_blurhash, draw_thumbhash
from xaccel._log import one_line
from xaccel.config import Config
from xaccel.exceptions import XaccelError
from xaccel.thumbnails.rendering import Renderer
from xaccel.thumbnails.rows import PlaceholderKind, stored_placeholder
from xaccel.thumbnails.specs import version_token
from xaccel.thumbnails.turns import ThreadLocks, pauses
from xaccel.thumbnails.urls import ThumbnailUrls

TRANSPARENT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

_PREFIX = "/.placeholder/"
"""The directory in the cache for placeholders. It has no public URL."""

_logger = logging.getLogger("xaccel.thumbnails")


class Placeholders:
    """Makes placeholders, once for each state of an image, in the same queue as thumbnails."""

    def __init__(self, config: Config, urls: ThumbnailUrls) -> None:
        self._urls = urls
        directory = config.thumbnail_cache
        self._cache = None if directory is None else Cache(directory)
        self._renderer = Renderer(config, self._cache)
        self._locks = ThreadLocks()
        self._find = lru_cache(maxsize=4096)(self._find_or_render)

    def placeholder(self, source: object) -> str:
        """Return a blurred picture as a `data:` URI, to show until the thumbnail has loaded.

        If the image's row contains a placeholder, it is used; see
        `xaccel.django.fields.ImageField`. Otherwise, this helper reads the image, unlike all other
        helpers. For a missing or broken image, the placeholder is a transparent pixel.

        Args:
            source: See `ThumbnailUrls.url`.
        """
        name = self._urls.find(source)
        if name is None:
            return TRANSPARENT
        known = stored_placeholder(source)
        try:
            if known is not None:
                return _draw(*known)
            return self.read(name)
        except (XaccelError, OSError, ValueError) as error:
            _logger.warning("%s", one_line(error))
            return TRANSPARENT

    def read(self, name: str) -> str:
        """Return the placeholder of an image. The image is read unless the placeholder is cached.

        Args:
            name: The name of the image below `THUMBNAIL_SOURCE`.
        """
        return self._find(name, self._urls.source.state(name))

    def _find_or_render(self, name: str, state: str | None) -> str:
        cache = self._cache
        if cache is None or state is None:
            return self._render(name, state)
        uri = f"{_PREFIX}{version_token(state)}/{name}"
        number = cache.lock_number(uri)
        with self._locks.get(number):
            pause = pauses()
            while True:
                kept = _read(cache, uri)
                if kept is not None:
                    return kept
                try:
                    lock = cache.try_lock(number)
                except OSError:
                    return self._render(name, state)
                if lock is not None:
                    with lock:
                        return _read(cache, uri) or self._render_and_keep(cache, uri, name, state)
                time.sleep(next(pause))

    def _render_and_keep(self, cache: Cache, uri: str, name: str, state: str) -> str:
        made = self._render(name, state)
        with suppress(OSError):
            cache.publish(uri, made.encode())
        return made

    def _render(self, name: str, state: str | None) -> str:
        self._renderer.failures.check(name, lambda: state)
        with self._urls.source.get(name) as original:
            return self._renderer.placeholder(original, name)


def _read(cache: Cache, uri: str) -> str | None:
    try:
        return Path(cache.path(uri)).read_text("ascii") or None
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=4096)
def _draw(kind: PlaceholderKind, text: str) -> str:
    return draw_blurhash(text) if kind == "blurhash" else draw_thumbhash(text)
