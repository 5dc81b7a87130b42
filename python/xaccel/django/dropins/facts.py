"""Information from the header of a source image, read once and cached."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from functools import lru_cache

from django.core.cache import cache

from xaccel._log import fields, one_line
from xaccel.django import conf
from xaccel.exceptions import XaccelError

_logger = logging.getLogger("xaccel.django")

_DAY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Properties of an image that affect how the options of other packages are converted."""

    width: int
    """The width of the upright image, in pixels."""
    height: int
    """The height of the upright image, in pixels."""
    has_alpha: bool | None = None
    """Whether the image may be transparent; `None` if only the size is known."""


def probed_facts(source: object) -> ImageFacts | None:
    """Return information about an image.

    If the image is missing or broken, the error is logged and the result is `None`.

    The information is cached. If the source is a directory, this process caches the information
    until the file changes. Otherwise, Django's default cache stores it for a day.

    Args:
        source: The value of a file field, or the name of an image below `THUMBNAIL_SOURCE`.
    """
    try:
        name = source_name(source)
        return None if name is None else _facts_of(name)
    except (XaccelError, OSError, ValueError) as error:
        _logger.warning(
            "%s",
            one_line(error),
            extra=fields("no_thumbnail", source=str(source), error=type(error).__name__),
        )
        return None


def forget_facts(source: object) -> None:
    """Clear the information that Django's cache holds about a replaced or deleted image."""
    name = source_name(source)
    if name is not None:
        cache.delete(_key(name))


def source_name(source: object) -> str | None:
    """Return an image's name as used in URLs; `None` if `source` is empty or not saved.

    Raises:
        SourceError: The image is not in a source.
    """
    return conf.source_names().in_url(source)


def _facts_of(name: str) -> ImageFacts:
    state = conf.thumbnail_source().state(name)
    if state is not None:
        return _facts_in_state(name, state)
    key = _key(name)
    known: tuple[int, int, bool] | None = cache.get(key)
    if known is None:
        facts = _read_facts(name)
        cache.set(key, (facts.width, facts.height, facts.has_alpha), _DAY)
        return facts
    return ImageFacts(*known)


@lru_cache(maxsize=4096)
def _facts_in_state(name: str, state: str) -> ImageFacts:  # noqa: ARG001 - part of the key
    return _read_facts(name)


def _read_facts(name: str) -> ImageFacts:
    with conf.thumbnail_source().get(name) as original:
        info = conf.direct_renderer().probe(original.image)
    return ImageFacts(info.width, info.height, info.has_alpha)


def _key(name: str) -> str:
    return f"xaccel:facts:{hashlib.blake2s(name.encode(errors='replace')).hexdigest()}"
