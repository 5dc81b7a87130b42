"""The options of other packages, in the words of a spec."""

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
"""The keywords of `Spec`."""

Recipe: TypeAlias = Callable[[ImageFacts | None], Wanted]
"""Returns what to render. Without the facts of the source it may raise `FactsNeeded`."""

KNOWN = frozenset(Spec.OPTIONS)
"""The options of this version of the engine."""

_NEAREST = {
    "grayscale": "the CSS filter: grayscale(1)",
    "trim": "the part of the image to show, as crop of xaccel's own tags",
    "detail": "sharpen",
    "radius": "the CSS border-radius",
    "orientation": "nothing: thumbnails are always upright",
}
"""What to use instead of an option that the engine does not have."""


class FactsNeeded(Exception):
    """What to render depends on the size of the source, or on whether it is transparent."""


def engine_option(name: str, value: object, *, given: str) -> Wanted:
    """Return an option that not every version of the engine has.

    Args:
        name: Its name in a spec.
        value: Its value in a spec.
        given: How the template gave it, for the error.

    Raises:
        SpecError: The engine does not have it.
    """
    if name in KNOWN:
        return {name: value}
    raise SpecError(f"{given} has no equivalent in xaccel yet: use {_NEAREST[name]} instead")


def encoder_option(name: str, value: object) -> Wanted:
    """Return an option that does not change what is shown, if the engine has it."""
    return {name: value} if name in KNOWN else {}


def color(value: object) -> str | None:
    """Return a colour as a spec has it.

    Raises:
        SpecError: It is not a colour.
    """
    return Spec(1, 1, background=str(value)).background


@dataclass(frozen=True, slots=True)
class Picture:
    """A part of the source at the size at which another package shows it.

    The part is in pixels of the upright source.
    """

    left: float
    top: float
    width: float
    height: float
    shown: tuple[int, int]

    def wanted(self, facts: ImageFacts) -> Wanted:
        """Return what renders exactly this."""
        width, height = self.shown
        wanted: Wanted = {"width": width, "height": height, "fit": "fill", **self.crop(facts)}
        if width > self.width or height > self.height:
            wanted["upscale"] = True
        return wanted

    def crop(self, facts: ImageFacts) -> Wanted:
        """Return the option `crop`, unless the part is the whole source."""
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
    """Build each recipe once, since a page has many thumbnails with the same options.

    Args:
        build: Takes the suffix of the source's name, the size and the options.
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
    """Return the value of an option, which templates may have as text.

    Raises:
        SpecError: It is not a whole number.
    """
    try:
        return int(options[name])
    except (TypeError, ValueError):
        raise SpecError(
            f"the option {name!r} must be a whole number, not {options[name]!r}"
        ) from None
