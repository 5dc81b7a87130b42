"""Converts the options of other packages to the options of a spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, TypeAlias

from django.core.signals import setting_changed

from xaccel._core import Spec
from xaccel.django.dropins.facts import ImageFacts
from xaccel.exceptions import SpecError

Wanted: TypeAlias = dict[str, Any]
"""The keyword arguments of `Spec`."""

Recipe: TypeAlias = Callable[[ImageFacts | None], Wanted]
"""A function that returns the options of a spec.

If it is called with `None`, it may raise `FactsNeeded`.
"""


class FactsNeeded(Exception):
    """The result depends on the size of the source, or on whether the source may be transparent."""


def check_upright(*, is_upright: bool, given: str) -> None:
    """Check that an option does not ask for a thumbnail that ignores the EXIF rotation.

    Args:
        is_upright: Whether the thumbnail is upright.
        given: The option as written in the template, for the error message.

    Raises:
        SpecError: The thumbnail is not upright.
    """
    if not is_upright:
        raise SpecError(f"{given} has no equivalent in xaccel: thumbnails are always upright")


def sizes_needed(option: str) -> SpecError:
    """Return the error for options that need the size of a source after its border is cut off.

    Args:
        option: The option that cuts off the border.
    """
    return SpecError(
        f"{option} works with a box of any size, and with a crop that is 'smart', in the centre, "
        "at an edge or at a corner, but not with options that need the size of the source"
    )


def color(value: object) -> str | None:
    """Return a colour in the form that a spec uses.

    Raises:
        SpecError: The value is not a colour.
    """
    return Spec(1, 1, background=str(value)).background


@dataclass(frozen=True, slots=True)
class Picture:
    """A region of the source, and the size at which another package displays it.

    The region is measured in pixels of the upright source.
    """

    left: float
    top: float
    width: float
    height: float
    shown: tuple[int, int]

    def wanted(self, facts: ImageFacts) -> Wanted:
        """Return the options that render exactly this picture."""
        width, height = self.shown
        wanted: Wanted = {"width": width, "height": height, "fit": "fill", **self.crop(facts)}
        if width > self.width or height > self.height:
            wanted["upscale"] = True
        return wanted

    def crop(self, facts: ImageFacts) -> Wanted:
        """Return the `crop` option, unless the region is the whole source."""
        across, down = facts.width, facts.height
        if (self.left, self.top, self.width, self.height) == (0, 0, across, down):
            return {}
        left = min(max(self.left / across, 0.0), 1.0)
        top = min(max(self.top / down, 0.0), 1.0)
        width = min(self.width / across, 1.0 - left)
        height = min(self.height / down, 1.0 - top)
        return {"crop": (left, top, width, height)}


def remembered(
    build: Callable[[str, Any, Mapping[str, Any]], Recipe],
) -> Callable[[str, Any, Mapping[str, Any]], Recipe]:
    """Build each recipe only once, since many thumbnails on a page have the same options.

    Args:
        build: A function that takes the suffix of the source's name, the size and the options.
    """

    @lru_cache(maxsize=1024)
    def cached(suffix: str, size: Any, items: tuple[tuple[str, Any], ...]) -> Recipe:
        return lru_cache(maxsize=256)(build(suffix, size, dict(items)))

    def forget(*, setting: str, **_: Any) -> None:
        if setting.startswith("THUMBNAIL_"):
            cached.cache_clear()

    setting_changed.connect(forget, weak=False)

    @wraps(build)
    def recipe(name: str, size: Any, options: Mapping[str, Any]) -> Recipe:
        suffix = name[dot:].lower() if (dot := name.rfind(".")) > name.rfind("/") else ""
        items = tuple(options.items())
        try:
            hash((size, items))
        except TypeError:  # a list can't be part of a key
            return build(suffix, size, options)
        return cached(suffix, size, items)

    return recipe


def whole_number(options: Mapping[str, Any], name: str) -> int:
    """Return the value of an option as a number. Templates may pass it as text.

    Raises:
        SpecError: The value is not a whole number.
    """
    try:
        return int(options[name])
    except (TypeError, ValueError):
        raise SpecError(
            f"the option {name!r} must be a whole number, not {options[name]!r}"
        ) from None
