"""Converts the geometry and options of sorl-thumbnail to the options of a spec."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

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
from xaccel.django.sorl.settings import setting
from xaccel.exceptions import SpecError

Offset: TypeAlias = tuple[int, str]
"""A number and its unit: `%` of the excess to be cut off, or `px` of the thumbnail."""

_GEOMETRY = re.compile(r"(\d+)?(?:x(\d+))?")
_OFFSET = re.compile(r"(\d+)(%|px)")
_ACROSS = {"left": "0%", "center": "50%", "right": "100%"}
_DOWN = {"top": "0%", "center": "50%", "bottom": "100%"}
_SIDES = ({0: "w", 50: "", 100: "e"}, {0: "n", 50: "", 100: "s"})
_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".gif": "GIF"} | {
    ".webp": "WEBP",
    ".avif": "AVIF",
}
_OPTIONS = frozenset(
    {"blur", "colorspace", "crop", "cropbox", "flatten", "format", "orientation", "padding"}
    | {"padding_color", "progressive", "quality", "remove_border", "rounded", "upscale"}
)
_LOWEST_QUALITY, _HIGHEST_QUALITY = 1, 100


@dataclass(frozen=True, slots=True)
class Geometry:
    """A box. One of its sides may be free."""

    width: int | None
    height: int | None

    @classmethod
    def parse(cls, text: object) -> Geometry:
        """Parse `"200x100"`, `"200"` or `"x100"`.

        Raises:
            SpecError: The text has a different form.
        """
        match = _GEOMETRY.fullmatch(str(text))
        if match is None or not any(match.groups()):
            raise SpecError(f"{text!r} is not a geometry such as '200x100', '200' or 'x100'")
        width, height = (None if side is None else int(side) for side in match.groups())
        return cls(width, height)

    def sides(self, ratio: float) -> tuple[int, int]:
        """Return both sides for an image with the given aspect ratio."""
        width, height = self.width, self.height
        if width is None:
            width = _whole((height or 0) * ratio)
        return width, _whole(width / ratio) if height is None else height


@dataclass(frozen=True, slots=True)
class _Job:
    """The geometry, and the options that determine the size and the source region."""

    geometry: Geometry
    upscale: bool
    crop: tuple[Offset, Offset] | str | None
    """The position of the crop, or `smart`."""
    cropbox: tuple[int, int, int, int] | None
    padding: bool
    trim: bool
    """Whether the border is cut off first. If so, sizes are not known in advance."""

    def wanted(self, facts: ImageFacts | None) -> Wanted:
        """Return the spec options that affect the size or the region."""
        direct = self._direct(facts)
        if direct is not None:
            return direct
        if self.trim:
            raise sizes_needed("remove_border")
        if facts is None:
            raise FactsNeeded
        return self._sized(facts)

    def _direct(self, facts: ImageFacts | None) -> Wanted | None:
        """Return the options if they do not depend on the exact size of the source, else `None`."""
        box = {"width": self.geometry.width, "height": self.geometry.height}
        has_both = None not in box.values()
        if self.cropbox is not None:
            return None
        if self.padding and not has_both and not self.upscale:
            return None
        if self.crop is None or not has_both:
            fit = "pad" if self.padding and has_both else "contain"
            return {**box, "fit": fit, "upscale": self.upscale}
        if not (self.upscale or self.trim or (facts and self._fills(facts))):
            return None
        gravity = _gravity(self.crop)
        if gravity is None:
            return None
        return {**box, "fit": "cover", "gravity": gravity, "upscale": self.upscale}

    def _fills(self, facts: ImageFacts) -> bool:
        """Whether the source fills the box without being enlarged."""
        width, height = self.geometry.width or 0, self.geometry.height or 0
        return facts.width >= width and facts.height >= height

    def _sized(self, facts: ImageFacts) -> Wanted:
        """Return the options for a source of a known size, computed as in sorl-thumbnail."""
        left, top, right, bottom = self.cropbox or (0, 0, facts.width, facts.height)
        left, top = min(left, facts.width - 1), min(top, facts.height - 1)
        across = max(1, min(right, facts.width) - left)
        down = max(1, min(bottom, facts.height) - top)
        box = self.geometry.sides(across / down)
        choose = min if self.crop is None else max
        factor = choose(box[0] / across, box[1] / down)
        shown = (across, down)
        if factor < 1 or self.upscale:
            shown = (_whole(across * factor), _whole(down * factor))
        picture = Picture(left, top, across, down, shown)
        if self.crop == "smart":
            shown = _with_ratio(shown, box)
            part = picture.crop(facts)
            return {
                "width": shown[0],
                "height": shown[1],
                "fit": "cover",
                "gravity": "smart",
                "upscale": self.upscale,
            } | part
        if self.crop is not None:
            picture = _cropped(picture, box, self.crop)
        if self.padding and picture.shown != box:
            canvas = {"width": box[0], "height": box[1], "fit": "pad", "upscale": self.upscale}
            return {**canvas, **picture.crop(facts)}
        return picture.wanted(facts)


@remembered
def recipe(suffix: str, geometry: object, options: Mapping[str, Any]) -> Recipe:
    """Return the options to render with.

    Args:
        suffix: The suffix of the source's name.
        geometry: The geometry.
        options: The options of the tag.

    Raises:
        SpecError: An option is unknown, invalid, or not supported by xaccel's engine.
    """
    for option in options:
        if option not in _OPTIONS:
            raise SpecError(f"unknown thumbnail option {option!r}{did_you_mean(option, _OPTIONS)}")
    given = {**_defaults(suffix), **options}
    job = _Job(
        Geometry.parse(geometry),
        upscale=bool(given["upscale"]),
        crop=_crop(given["crop"]),
        cropbox=_cropbox(given["cropbox"]),
        padding=bool(given["padding"]),
        trim=bool(given["remove_border"]),
    )
    look = _look(given)
    if job.padding:
        look["background"] = color(given["padding_color"])
    return lambda facts: {**job.wanted(facts), **look}


def _defaults(suffix: str) -> dict[str, Any]:
    image_format = setting("FORMAT")
    if setting("PRESERVE_FORMAT"):
        image_format = _FORMATS.get(suffix, image_format)
    return {
        "format": image_format,
        "crop": None,
        "cropbox": None,
        "rounded": None,
        "remove_border": False,
        **{
            option: setting(option.upper())
            for option in ("quality", "colorspace", "upscale", "padding", "padding_color")
        },
        **{option: setting(option.upper()) for option in ("blur", "progressive", "orientation")},
    }


def _look(given: Mapping[str, Any]) -> Wanted:
    """Return the options that do not affect the size."""
    if str(given["format"]) not in _FORMATS.values():
        raise SpecError(
            f"the option 'format' must be one of {', '.join(sorted({*_FORMATS.values()}))}, "
            f"not {given['format']!r}"
        )
    quality = whole_number(given, "quality")
    look: Wanted = {
        "format": str(given["format"]).lower(),
        "quality": min(max(quality, _LOWEST_QUALITY), _HIGHEST_QUALITY),
    }
    if look["format"] == "jpeg" and given["progressive"]:
        look["progressive"] = True
    check_upright(is_upright=bool(given["orientation"]), given="orientation=False")
    if given["colorspace"] == "GRAY":
        look["grayscale"] = True
    if given["remove_border"]:
        look["trim"] = True
    if given["rounded"]:
        look["radius"] = whole_number(given, "rounded")
    if given["blur"]:
        look["blur"] = float(whole_number(given, "blur"))
    return look


def _crop(crop: object) -> tuple[Offset, Offset] | str | None:
    """Return the position of the crop: one offset for each direction, or `smart`."""
    if not crop or crop == "noop":
        return None
    if crop == "smart":
        return "smart"
    words = str(crop).split(" ")
    if len(words) == 1:
        word = words[0]
        if word in _ACROSS:
            words = [word, "50%"]
        else:
            words = ["50%", word] if word in _DOWN else [word, word]
    offsets = [
        _OFFSET.fullmatch(names.get(word, word))
        for word, names in zip(words, (_ACROSS, _DOWN), strict=False)
    ]
    if len(words) != len(offsets) or None in offsets:
        raise SpecError(
            f"the option 'crop' must be 'smart', 'noop' or a position such as 'center', 'top' or "
            f"'50% 20px', not {crop!r}"
        )
    across, down = ((int(match[1]), match[2]) for match in offsets if match)
    return across, down


def _cropbox(cropbox: Any) -> tuple[int, int, int, int] | None:
    """Return the left, upper, right and lower edges of the source region to use."""
    if not cropbox:
        return None
    try:
        words = cropbox.split(",") if isinstance(cropbox, str) else cropbox
        left, top, right, bottom = (max(0, int(word)) for word in words)
    except (TypeError, ValueError):
        raise SpecError(
            f"the option 'cropbox' must be four edges in pixels such as '0,0,200,100', not "
            f"{cropbox!r}"
        ) from None
    if left >= right or top >= bottom:
        raise SpecError(
            f"the option 'cropbox' {cropbox!r} is empty: x2 must be greater than x, and y2 than y"
        )
    return left, top, right, bottom


def _gravity(crop: tuple[Offset, Offset] | str) -> str | None:
    """Return a position as a compass direction; `None` if it does not correspond to one."""
    if isinstance(crop, str):
        return crop
    letters = [
        names.get(number) if unit == "%" or number == 0 else None
        for (number, unit), names in zip(crop, _SIDES, strict=True)
    ]
    across, down = letters
    return None if across is None or down is None else down + across or "c"


def _cropped(picture: Picture, box: tuple[int, int], crop: tuple[Offset, Offset] | str) -> Picture:
    """Crop a picture to a box."""
    shown = (min(picture.shown[0], box[0]), min(picture.shown[1], box[1]))
    (left, top), scales = (0, 0), (1.0, 1.0)
    if not isinstance(crop, str):
        left, top = (
            int(max(0, min(free * number / 100 if unit == "%" else number, free)))
            for free, (number, unit) in (
                (picture.shown[0] - shown[0], crop[0]),
                (picture.shown[1] - shown[1], crop[1]),
            )
        )
    scales = (picture.width / picture.shown[0], picture.height / picture.shown[1])
    return replace(
        picture,
        left=picture.left + left * scales[0],
        top=picture.top + top * scales[1],
        width=shown[0] * scales[0],
        height=shown[1] * scales[1],
        shown=shown,
    )


def _with_ratio(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """Return the largest size within `size` that has the aspect ratio of a box."""
    ratio = box[0] / box[1]
    return (
        max(min(size[0], round(size[1] * ratio)), 1),
        max(min(size[1], round(size[0] / ratio)), 1),
    )


def _whole(number: float) -> int:
    """Round a number of pixels in the same way as sorl-thumbnail."""
    return round(number) if number > 1 else math.ceil(number)
