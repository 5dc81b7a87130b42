"""Converts the options of easy-thumbnails to the options of a spec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from xaccel._hints import did_you_mean
from xaccel.django.dropins.facts import ImageFacts
from xaccel.django.dropins.options import (
    FactsNeeded,
    Picture,
    Recipe,
    Wanted,
    check_upright,
    color,
    remembered,
    sizes_needed,
    whole_number,
)
from xaccel.django.easy_thumbnails.settings import setting
from xaccel.exceptions import SpecError

OPTIONS = frozenset(
    {"autocrop", "background", "bw", "crop", "detail", "exif_orientation", "focal_point"}
    | {"keep_icc_profile", "quality", "replace_alpha", "sharpen", "size", "subsampling"}
    | {"target", "upscale", "zoom"}
)
"""The options of the tag."""

_EDGES = re.compile(r"(?:(-?)(\d+))?,(?:(-?)(\d+))?")
_TARGET = re.compile(r"(\d+)?,(\d+)?")
_FORMATS = {
    "jpg": "jpeg",
    "jpeg": "jpeg",
    "png": "png",
    "gif": "gif",
    "webp": "webp",
    "avif": "avif",
}
_SUBSAMPLING = {0: "444", 1: "422", 2: "420"}
_USUAL_SUBSAMPLING = 2
_EFFECTS = {"bw": "grayscale", "autocrop": "trim", "detail": "detail"}
_PILLOWS_SHARPEN = 0.87
"""The sigma for a mask of 3x3 pixels with equal weights around the centre."""

Edge = tuple[bool, int]
"""Whether an offset is measured from the right or bottom, and the offset as a percentage."""


@dataclass(frozen=True, slots=True)
class _Job:
    """The options that determine the thumbnail's size and the region of the source."""

    box: tuple[int, int]
    """The width and the height; 0 leaves a side free."""
    crop: bool | str
    """Whether to fill the box, or how to fill it: `smart` or `scale`."""
    edges: tuple[Edge | None, Edge | None]
    target: tuple[int, int] | None
    """The focal point, as percentages of the width and the height."""
    upscale: bool
    zoom: int
    background: str | None
    trim: bool
    """Whether the border is cut off first. If so, sizes are not known in advance."""

    def wanted(self, facts: ImageFacts | None) -> Wanted:
        """Return the spec options that affect the size or the region."""
        direct = self._direct(facts)
        if direct is not None:
            return direct
        if self.trim:
            raise sizes_needed("autocrop")
        if facts is None:
            raise FactsNeeded
        return self._sized(facts)

    def _direct(self, facts: ImageFacts | None) -> Wanted | None:
        """Return the options if they do not depend on the exact size of the source, else `None`."""
        width, height = (side or None for side in self.box)
        box: Wanted = {"width": width, "height": height}
        has_both = None not in box.values()
        if self.zoom:
            return None
        if not self.crop or not has_both:
            is_padded = self.background is not None and has_both
            return {**box, "fit": "pad" if is_padded else "contain", "upscale": self.upscale}
        is_large = self.upscale or self.trim or (facts and self._fills(facts))
        if self.crop == "scale" or not is_large:
            return None
        gravity = self._gravity()
        if gravity is None:
            return None
        return {**box, "fit": "cover", "gravity": gravity, "upscale": self.upscale}

    def _fills(self, facts: ImageFacts) -> bool:
        """Whether the source fills the box without being enlarged."""
        return facts.width >= self.box[0] and facts.height >= self.box[1]

    def _gravity(self) -> str | tuple[float, float] | None:
        """Return the position of the crop; `None` if it depends on the size of the source."""
        if self.crop == "smart":
            return "smart"
        if self.edges == (None, None):
            target = self.target or (50, 50)
            return (target[0] / 100, target[1] / 100) if target != (50, 50) else "c"
        if self.target is not None or any(edge and edge[1] for edge in self.edges):
            return None
        across, down = self.edges
        letters = ("" if down is None else "sn"[not down[0]]) + (
            "" if across is None else "ew"[not across[0]]
        )
        return letters or "c"

    def _sized(self, facts: ImageFacts) -> Wanted:
        """Return the options for a source of a known size, computed as in easy-thumbnails."""
        source = (facts.width, facts.height)
        ratios = [side / length for side, length in zip(self.box, source, strict=True)]
        scale = max(ratios) if self.crop or 0 in self.box else min(ratios)
        box = (
            self.box[0] or round(source[0] * scale),
            self.box[1] or round(source[1] * scale),
        )
        crop = self.crop
        if self.zoom:
            if not crop:
                box = (round(source[0] * scale), round(source[1] * scale))
                crop = True
            scale *= (100 + self.zoom) / 100
        shown = source
        if scale < 1 or (scale > 1 and self.upscale):
            shown = (max(1, round(source[0] * scale)), max(1, round(source[1] * scale)))
        picture = Picture(0, 0, *source, shown)
        if crop == "smart" and not self.zoom and self.background is None:
            width, height = min(shown[0], box[0]), min(shown[1], box[1])
            box_of = {"width": width, "height": height, "upscale": self.upscale}
            return {**box_of, "fit": "cover", "gravity": "smart"}
        if crop and crop != "scale":
            picture = self._cropped(picture, box)
        is_smaller = picture.shown[0] < self.box[0] or picture.shown[1] < self.box[1]
        if self.background is not None and 0 not in self.box and is_smaller:
            canvas = {"width": self.box[0], "height": self.box[1], "fit": "pad"}
            return {**canvas, "upscale": self.upscale, **picture.crop(facts)}
        return picture.wanted(facts)

    def _cropped(self, picture: Picture, box: tuple[int, int]) -> Picture:
        """Crop a picture to a box."""
        starts, sides = [], []
        for length, side, edge, focus in zip(
            picture.shown, box, self.edges, self.target or (50, 50), strict=True
        ):
            free = length - min(length, side)
            start = max(0, min(length - side, length * focus // 100 - side // 2))
            if edge is not None:
                is_far, percent = edge
                offset = min(side * percent // 100, free)
                start = free - offset if is_far else offset
            starts.append(start)
            sides.append(min(length, side))
        across, down = picture.width / picture.shown[0], picture.height / picture.shown[1]
        return replace(
            picture,
            left=starts[0] * across,
            top=starts[1] * down,
            width=sides[0] * across,
            height=sides[1] * down,
            shown=(sides[0], sides[1]),
        )


@remembered
def recipe(suffix: str, size: object, options: Mapping[str, Any]) -> Recipe:
    """Return the options to render with.

    Args:
        suffix: The suffix of the source's name.
        size: The width and the height.
        options: The other options; options with upper-case names are ignored.

    Raises:
        SpecError: An option is unknown, invalid, or not supported by xaccel's engine.
    """
    given = {**(setting("DEFAULT_OPTIONS") or {}), **options}
    size = size or given.pop("size", None)
    given = {option: value for option, value in given.items() if option != option.upper()}
    for option in given:
        if option not in OPTIONS:
            raise SpecError(f"unknown thumbnail option {option!r}{did_you_mean(option, OPTIONS)}")
    background = given.get("background")
    crop = given.get("crop") or False
    job = _Job(
        _box(size),
        crop=crop if crop in {"smart", "scale"} else bool(crop),
        edges=_edges(crop),
        target=_target(given.get("target") or given.get("focal_point")),
        upscale=bool(given.get("upscale")),
        zoom=whole_number(given, "zoom") if given.get("zoom") else 0,
        background=color(background) if background else None,
        trim=bool(given.get("autocrop")),
    )
    look = _look(given)
    if job.background is not None:
        look["background"] = job.background
    is_opaque = bool(given.get("replace_alpha"))

    def make(facts: ImageFacts | None) -> Wanted:
        wanted = job.wanted(facts)
        image_format = _format(suffix, facts, is_opaque=is_opaque or wanted["fit"] == "pad")
        return {**wanted, **look, "format": image_format}

    return make


def _look(given: Mapping[str, Any]) -> Wanted:
    """Return the options that do not affect the size, except for the format."""
    quality = whole_number({"quality": setting("QUALITY"), **given}, "quality")
    look: Wanted = {"quality": min(max(quality, 1), 100)}
    usual = {"subsampling": _USUAL_SUBSAMPLING}
    subsampling = whole_number({**usual, **given}, "subsampling")
    if subsampling not in _SUBSAMPLING:
        raise SpecError(f"the option 'subsampling' must be 0, 1 or 2, not {subsampling!r}")
    if subsampling != _USUAL_SUBSAMPLING:
        look["subsampling"] = _SUBSAMPLING[subsampling]
    is_upright = bool(given.get("exif_orientation", True))
    check_upright(is_upright=is_upright, given="exif_orientation=False")
    look |= {name: True for option, name in _EFFECTS.items() if given.get(option)}
    if given.get("sharpen"):
        look["sharpen"] = _PILLOWS_SHARPEN
    if given.get("replace_alpha"):
        look["background"] = color(given["replace_alpha"])
    return look


def _format(suffix: str, facts: ImageFacts | None, *, is_opaque: bool) -> str:
    """Return the format that the settings specify for a source."""
    extension = suffix.removeprefix(".")
    preserved = setting("PRESERVE_EXTENSIONS")
    if preserved is True or (preserved and extension in preserved):
        return _FORMATS.get(extension, "jpeg")
    opaque, transparent = (
        _FORMATS.get(str(setting(each)).lower(), "jpeg")
        for each in ("EXTENSION", "TRANSPARENCY_EXTENSION")
    )
    if is_opaque or opaque == transparent or _FORMATS.get(extension) == "jpeg":
        return opaque
    if facts is None or facts.has_alpha is None:
        raise FactsNeeded
    return transparent if facts.has_alpha else opaque


def _box(size: Any) -> tuple[int, int]:
    """Return the width and the height of a box."""
    try:
        words = size.split("x") if isinstance(size, str) else size
        width, height = (int(word) for word in words)
    except (TypeError, ValueError):
        raise SpecError(
            f"the option 'size' must be a width and a height such as (300, 200), not {size!r}"
        ) from None
    if min(width, height) < 0 or max(width, height) == 0:
        raise SpecError(f"the option 'size' can't be {size!r}: only one side can be 0")
    return width, height


def _edges(crop: object) -> tuple[Edge | None, Edge | None]:
    """Parse offsets such as `"0,-10"`: one from the left or right, one from the top or bottom."""
    match = _EDGES.fullmatch(crop) if isinstance(crop, str) else None
    if match is None:
        return None, None
    far_across, across, far_down, down = match.groups()
    return (
        None if across is None else (bool(far_across), int(across)),
        None if down is None else (bool(far_down), int(down)),
    )


def _target(target: Any) -> tuple[int, int] | None:
    """Parse a focal point given as percentages. Either number may be missing."""
    if not target:
        return None
    words = target
    if isinstance(target, str):
        match = _TARGET.fullmatch(target)
        words = match.groups() if match else None
    try:
        across, down = (50 if word in {None, ""} else int(word) for word in words)
    except (TypeError, ValueError):
        raise SpecError(
            f"the option 'target' must be two percentages such as '20,30', not {target!r}"
        ) from None
    return min(max(across, 0), 100), min(max(down, 0), 100)
