"""Placeholders: blurred pictures or colours to show until the thumbnails have loaded."""

from __future__ import annotations

import base64
import logging
import re
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import get_args

from xaccel._core import Cache, draw_blurhash, draw_thumbhash
from xaccel._log import fields, one_line
from xaccel.config import Config
from xaccel.exceptions import SpecError, XaccelError
from xaccel.thumbnails.rendering import Renderer
from xaccel.thumbnails.rows import PlaceholderKind, stored_placeholder
from xaccel.thumbnails.specs import version_token
from xaccel.thumbnails.turns import ThreadLocks, pauses
from xaccel.thumbnails.urls import ThumbnailUrls

TRANSPARENT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

_KINDS = get_args(PlaceholderKind)
ABSENT: dict[PlaceholderKind | None, str] = {
    None: TRANSPARENT,
    "color": "transparent",
    "palette": "transparent, transparent",
    "thumbhash": "",
    "blurhash": "",
}
"""The placeholders for missing and broken images."""

_PIXEL = re.compile("#([0-9a-f]{6})(, #[0-9a-f]{6})*")

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

    def placeholder(self, source: object, *, kind: PlaceholderKind | None = None) -> str:
        """Return a blurred picture as a `data:` URI, to show until the thumbnail has loaded.

        If the image's row contains a placeholder, it is used; see
        `xaccel.django.fields.ImageField`. Otherwise, this helper reads the image, unlike all other
        helpers. For a missing or broken image, the placeholder is a transparent pixel, the colour
        `transparent`, or an empty hash.

        Args:
            source: See `ThumbnailUrls.url`.
            kind: Return a different kind of placeholder: `"color"` for the dominant colour, as in
                CSS; `"palette"` for the five main colours, separated by commas as in a CSS
                gradient; `"thumbhash"` or `"blurhash"` for a hash.

        Raises:
            SpecError: The kind is unknown.
        """
        if kind is not None and kind not in _KINDS:
            raise SpecError(f"'kind' must be one of {', '.join(map(repr, _KINDS))}, not {kind!r}")
        name = self._urls.find(source)
        if name is None:
            return ABSENT[kind]
        known = stored_placeholder(source)
        try:
            if known is not None and kind in {None, known[0]}:
                return known[1] if kind else _draw(*known)
            return self.read(name, kind)
        except (XaccelError, OSError, ValueError) as error:
            _logger.warning(
                "%s",
                one_line(error),
                extra=fields("no_thumbnail", source=name, error=type(error).__name__),
            )
            return ABSENT[kind]

    def read(self, name: str, kind: PlaceholderKind | None = None) -> str:
        """Return the placeholder of an image. The image is read unless the placeholder is cached.

        Args:
            name: The name of the image below `THUMBNAIL_SOURCE`.
            kind: See `placeholder`.
        """
        return self._find(name, self._urls.source.state(name), kind)

    def _find_or_render(self, name: str, state: str | None, kind: PlaceholderKind | None) -> str:
        cache = self._cache
        if cache is None or state is None:
            return self._render(name, state, kind)
        ending = "" if kind is None else f",{kind}"
        uri = f"{_PREFIX}{version_token(state)}{ending}/{name}"
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
                    return self._render(name, state, kind)
                if lock is not None:
                    with lock:
                        kept = _read(cache, uri)
                        return kept or self._render_and_keep(cache, uri, name, state, kind)
                time.sleep(next(pause))

    def _render_and_keep(
        self, cache: Cache, uri: str, name: str, state: str, kind: PlaceholderKind | None
    ) -> str:
        made = self._render(name, state, kind)
        with suppress(OSError):
            cache.publish(uri, made.encode())
        return made

    def _render(self, name: str, state: str | None, kind: PlaceholderKind | None) -> str:
        self._renderer.failures.check(name, lambda: state)
        with self._urls.source.get(name) as original:
            return self._renderer.placeholder(original, name, kind)


def _read(cache: Cache, uri: str) -> str | None:
    try:
        return Path(cache.path(uri)).read_text("ascii") or None
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=4096)
def _draw(kind: PlaceholderKind, text: str) -> str:
    if kind in {"color", "palette"}:
        return _pixel(text)
    return draw_blurhash(text) if kind == "blurhash" else draw_thumbhash(text)


def _pixel(colors: str) -> str:
    """Return a one-pixel GIF in the first colour of a text such as `#102030, #405060`.

    Raises:
        ValueError: The text is not a list of colours.
    """
    match = _PIXEL.fullmatch(colors)
    if match is None:
        raise ValueError(f"{colors!r} is not a colour such as '#102030'")
    screen = b"GIF89a\1\0\1\0\x80\0\0" + bytes.fromhex(match[1]) + bytes(3)
    gif = screen + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
    return f"data:image/gif;base64,{base64.b64encode(gif).decode()}"
