"""A thumbnail that is rendered later, with the attributes that other packages' thumbnails have."""

from __future__ import annotations

import io
import logging
from contextlib import suppress
from functools import lru_cache
from typing import Any, Self

from django.utils.functional import cached_property

from xaccel._core import Spec
from xaccel._log import fields
from xaccel.django import conf
from xaccel.django.dropins.facts import ImageFacts, probed_facts, source_name
from xaccel.django.dropins.options import FactsNeeded, Recipe, Wanted
from xaccel.exceptions import FileNotFound, SourceError
from xaccel.thumbnails.rows import possible_sizes

_logger = logging.getLogger("xaccel.django")

_TYPICAL = ImageFacts(4000, 3000, has_alpha=False)
"""The properties assumed for an unreadable source, whose thumbnail is broken at any size."""


class UnknownSize(SourceError):
    """The size depends on a missing or broken source, or on how much of the border is cut off.

    Django's templates show an empty string instead of this error.
    """

    silent_variable_failure = True


class ThumbnailUrl(str):
    """The URL of a thumbnail. It also provides the thumbnail's URLs at other pixel densities."""

    __slots__ = ("_thumbnail",)

    _thumbnail: LazyThumbnail

    def __new__(cls, url: str, thumbnail: LazyThumbnail) -> Self:
        """Create the string."""
        text = super().__new__(cls, url)
        text._thumbnail = thumbnail
        return text

    def at(self, density: float) -> str:
        """Return the URL of the thumbnail at a higher pixel density for the same box."""
        return self._thumbnail.url_at(density)


class LazyThumbnail:
    """A thumbnail that the endpoint renders when a browser asks for it.

    The source is opened only if the result depends on the source's size and the database does not
    contain that size.

    Args:
        source: The value of a file field, or the name of an image below `THUMBNAIL_SOURCE`.
        recipe: A function that returns the options to render with.
    """

    def __init__(self, source: object, recipe: Recipe) -> None:
        self.source = source
        self._recipe = recipe

    @cached_property
    def url(self) -> ThumbnailUrl:
        """The URL."""
        return ThumbnailUrl(self.url_at(1), self)

    def url_at(self, density: float) -> str:
        """Return the URL at a higher pixel density for the same box."""
        wanted = self._wanted if density == 1 else {**self._wanted, "dpr": density}
        return conf.template_helpers().thumbnail_url(self.source, **wanted)

    @property
    def name(self) -> str:
        """The name of the source, because the thumbnail does not have a file of its own."""
        return source_name(self.source) or ""

    @cached_property
    def size(self) -> tuple[int, int]:
        """The width and the height, in pixels.

        Raises:
            UnknownSize: The size depends on a source that is missing or broken, or on how much of
                the border is cut off.
        """
        spec = self._spec
        is_exact = spec.fit != "contain" and (
            spec.trim is None or spec.upscale or spec.fit == "pad"
        )
        if is_exact and spec.width is not None and spec.height is not None:
            return spec.width, spec.height
        if spec.trim is not None:
            raise UnknownSize(f"the size of a thumbnail of {self.source!r} depends on its border")
        outputs = {spec.output_size(*size) for size in possible_sizes(self.source)}
        if len(outputs) == 1:
            return outputs.pop()
        facts = self._facts
        if facts is None:
            raise UnknownSize(f"the size of a thumbnail of {self.source!r} is not known")
        return spec.output_size(facts.width, facts.height)

    @property
    def width(self) -> int:
        """The width in pixels."""
        return self.size[0]

    @property
    def height(self) -> int:
        """The height in pixels."""
        return self.size[1]

    def exists(self) -> bool:
        """Whether the source exists, as far as is known without opening it a second time."""
        return bool(possible_sizes(self.source)) or self._facts is not None

    def read(self) -> bytes:
        """Render the thumbnail now, and return its bytes.

        Raises:
            FileNotFound: The field has no file.
            ThumbnailError: The image can't be rendered.
            WorkerLost: The process that renders in the sandbox was killed from outside.
        """
        name = source_name(self.source)
        if name is None:
            raise FileNotFound(f"{self.source!r} has no file")
        with conf.thumbnail_source().get(name) as original:
            image = original.whole()
            return conf.direct_renderer().render(image, self._spec, self.media_format).data

    def open(self, mode: str = "rb") -> io.BytesIO:  # noqa: ARG002 - part of the interface
        """Render the thumbnail now, and return it as a file."""
        return io.BytesIO(self.read())

    @property
    def media_format(self) -> str:
        """The format, such as `jpeg`."""
        shown: str = self._spec.output_format(self.name)
        return "jpeg" if shown == "auto" else shown

    @property
    def _spec(self) -> Spec:
        return _spec(tuple(self._wanted.items()))

    @cached_property
    def _wanted(self) -> Wanted:
        with suppress(FactsNeeded):
            return self._recipe(None)
        with suppress(FactsNeeded):
            found = [self._recipe(ImageFacts(*size)) for size in possible_sizes(self.source)]
            if found and all(each == found[0] for each in found):
                return found[0]
        facts = self._facts
        if facts is None:
            _logger.warning(
                "the size of %r is unknown, so its thumbnail may be wrong",
                self.source,
                extra=fields("size_unknown", source=str(self.source)),
            )
        return self._recipe(facts or _TYPICAL)

    @cached_property
    def _facts(self) -> ImageFacts | None:
        return probed_facts(self.source)


@lru_cache(maxsize=1024)
def _spec(items: tuple[tuple[str, Any], ...]) -> Spec:
    return Spec(**dict(items))
