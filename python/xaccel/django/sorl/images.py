"""The thumbnails that sorl-thumbnail's tag and functions return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import cached_property

from xaccel.django import conf
from xaccel.django.dropins.facts import ImageFacts, probed_facts
from xaccel.django.dropins.thumbnails import LazyThumbnail, UnknownSize
from xaccel.django.sorl.options import Geometry, recipe
from xaccel.django.sorl.settings import setting
from xaccel.exceptions import SourceError
from xaccel.thumbnails.rows import possible_sizes


class Sized:
    """Properties that are derived from the size."""

    size: Any

    @property
    def width(self) -> int:
        """The width in pixels."""
        width: int = self.size[0]
        return width

    @property
    def height(self) -> int:
        """The height in pixels."""
        height: int = self.size[1]
        return height

    x = width
    y = height

    def is_portrait(self) -> bool:
        """Whether the height is greater than the width."""
        return self.height > self.width

    @property
    def ratio(self) -> float:
        """The width divided by the height."""
        return self.width / self.height


class Thumbnail(Sized, LazyThumbnail):
    """A thumbnail."""

    @property
    def src(self) -> str:
        """The URL."""
        return self.url

    def __str__(self) -> str:
        return self.url


class DummyThumbnail(Sized):
    """A placeholder from `THUMBNAIL_DUMMY_SOURCE`."""

    def __init__(self, geometry: object) -> None:
        self.size = Geometry.parse(geometry).sides(setting("DUMMY_RATIO"))

    @property
    def url(self) -> str:
        """The URL of the placeholder."""
        url: str = setting("DUMMY_SOURCE") % {"width": self.width, "height": self.height}
        return url

    src = url

    def exists(self) -> bool:
        """Always true: the placeholder exists."""
        return True


class SourceImage(Sized):
    """An original image, for filters that need its size."""

    def __init__(self, source: object) -> None:
        self._source = source

    @cached_property
    def size(self) -> tuple[int, int]:
        """The width and the height of the upright image.

        Raises:
            UnknownSize: The image is missing or broken.
        """
        sizes = possible_sizes(self._source)
        if len(sizes) == 1:
            return sizes[0]
        facts: ImageFacts | None = probed_facts(self._source)
        if facts is None:
            raise UnknownSize(f"the size of {self._source!r} is not known")
        return facts.width, facts.height


def thumbnail(source: object, geometry: object, options: Mapping[str, Any]) -> Thumbnail:
    """Return the thumbnail that a geometry and options describe.

    Raises:
        SpecError: An option is unknown, invalid, or not supported by xaccel's engine.
        SourceError: `source` is not an image below `THUMBNAIL_SOURCE`.
    """
    name = conf.source_names().of(source)
    if name is None:
        raise SourceError(f"{source!r} has no image")
    return Thumbnail(source, recipe(name, geometry, options))


def sized(file: Any) -> Sized:
    """Return an image whose size is known or can be read: a thumbnail or an original."""
    return file if isinstance(file, Sized) else SourceImage(file)
