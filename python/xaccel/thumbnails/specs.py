"""Converts the arguments of template helpers and views into specs."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, cast

from xaccel._core import Spec
from xaccel._hints import did_you_mean
from xaccel.config import Config
from xaccel.exceptions import SpecError

OPTIONS = frozenset(Spec.OPTIONS) - {"version"}
"""The names of a thumbnail's options, apart from its size and the version of its source."""

_BOX = re.compile(r"([0-9]+|-|)x([0-9]+|-|)")
_WORDS = {
    "format": {"jpg": "jpeg"},
    "flip": {"horizontal": "h", "vertical": "v"},
    "gravity": {
        **dict.fromkeys(("center", "centre", "middle"), "c"),
        "north": "n",
        "east": "e",
        "south": "s",
        "west": "w",
        "top": "n",
        "right": "e",
        "bottom": "s",
        "left": "w",
    },
}
"""Synonyms for the values of options, in lower case."""
_NUMBERS: Mapping[str, Callable[[str], float]] = {
    "quality": int,
    "max_bytes": int,
    "rotate": int,
    "page": int,
    "frame": int,
    "at": float,
    "trim": int,
    "radius": int,
    "pixelate": int,
    "brightness": float,
    "contrast": float,
    "saturation": float,
    "blur": float,
    "sharpen": float,
    "dpr": float,
}


def parse_presets(config: Config) -> dict[str, Spec]:
    """Return the presets in the settings, by name."""
    return {name: Spec.parse(text) for name, text in config.thumbnail_presets.items()}


def build_spec(
    presets: Mapping[str, Spec],
    width: int | str | None,
    height: int | str | None,
    *,
    source_size: tuple[int, int] | None = None,
    **options: Any,
) -> Spec:
    """Return the spec that the arguments of a template helper describe.

    Numbers may also be strings, since templates often pass them as strings.

    Args:
        presets: Specs by name.
        width: The width of the box in pixels, the name of a preset, or the whole box as text
            such as `"300x200"`, `"300x"` or `"x200"`.
        height: The height of the box in pixels.
        source_size: The width and height of the upright source. If it is given, `crop` may be in
            pixels.
        options: The options of `Spec`. They override the options of a preset. Common synonyms for
            their values also work: `"jpg"`, `"center"`, `"white"`.

    Raises:
        SpecError: An option is unknown or its value is invalid.
    """
    for name in options:
        if name not in OPTIONS:
            raise SpecError(f"unknown thumbnail option {name!r}{did_you_mean(name, OPTIONS)}")
    options = {name: _plain(name, value) for name, value in options.items()}
    if options.get("crop") is not None:
        options["crop"] = _crop(options["crop"], source_size)
    try:
        preset = presets.get(width) if isinstance(width, str) else None
        if preset is None:
            return Spec(*_box(presets, width, height), **options)
        if height is not None:
            options["height"] = _side("height", height)
        return preset.replace(**options) if options else preset
    except (TypeError, OverflowError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise SpecError(
            f"a thumbnail can't be {width!r} by {height!r}"
            f"{' with ' if given else ''}{given}: {error}"
        ) from None


def _box(
    presets: Mapping[str, Spec], width: int | str | None, height: int | str | None
) -> tuple[int | None, int | None]:
    """Return the width and the height of a box."""
    if not isinstance(width, str) or width.isdecimal():
        return _side("width", width), _side("height", height)
    match = _BOX.fullmatch(width)
    if match is None:
        raise SpecError(
            f"{width!r} is neither a size such as 300 or '300x200' nor a name in "
            f"XACCEL['THUMBNAIL_PRESETS'], which contains {', '.join(map(repr, presets)) or 'none'}"
        )
    if height is not None:
        raise SpecError(f"{width!r} already has a height, so leave out the height {height!r}")
    wide, high = (None if side in {"", "-"} else _side("width", side) for side in match.groups())
    return wide, high


def _side(name: str, value: object) -> int | None:
    """Return a width or a height as a number."""
    if value is None:
        return None
    number: object = value
    is_text = isinstance(value, str) and value.strip().isdecimal()
    if is_text or (isinstance(value, float) and value.is_integer()):
        number = int(cast("str | float", value))
    right = f"the {name} must be a whole number of pixels from 1, or None to leave it free"
    if isinstance(number, bool) or not isinstance(number, int | str):
        raise TypeError(f"{right}, not {type(value).__name__}")
    if isinstance(number, str) or number < 1:
        raise SpecError(f"{right}, not {value!r}")
    return number


def _plain(name: str, value: Any) -> Any:
    """Return the value of an option in the form that `Spec` expects."""
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, str) or name == "watermark":
        return value
    if name in _NUMBERS and (name, plain_word(name, value)) != ("quality", "auto"):
        try:
            return _NUMBERS[name](value)
        except ValueError:
            raise SpecError(f"'{name}' must be a number, not {value!r}") from None
    return plain_word(name, value)


def plain_word(name: str, value: str) -> str:
    """Return the name that `Spec` uses for the value of an option, such as `jpeg` for `JPG`."""
    word = value.strip().lower()
    if name == "gravity":
        word = _direction(word)
    return _WORDS.get(name, {}).get(word, word)


def _direction(text: str) -> str:
    """Return the two-letter code of a corner such as `top left` or `north-west`."""
    words = [_WORDS["gravity"].get(word, word) for word in re.split(r"[ _-]+", text)]
    if len(words) == 1 and text.startswith(("north", "south")):
        words = [text[0], _WORDS["gravity"].get(text[5:], text[5:])]
    letters = [word for word in ("n", "s", "e", "w") if word in words]
    return "".join(letters) if sorted(letters) == sorted(words) else text


def _crop(crop: Any, source_size: tuple[int, int] | None) -> Any:
    """Return a crop as fractions of the source. The argument may be text, and may be in pixels."""
    if isinstance(crop, str):
        words = crop.replace(",", " ").split()
        if len(words) == 1:
            return crop
        try:
            crop = tuple(float(word) for word in words)
        except ValueError:
            raise SpecError(f"'crop' must be four numbers such as '0 0 0.5 1', not {crop!r}") from (
                None
            )
    numbers = crop if isinstance(crop, tuple) else ()
    if len(numbers) != 4 or not all(isinstance(number, int | float) for number in numbers):  # noqa: PLR2004
        raise SpecError(f"'crop' must be the four numbers (x, y, width, height), not {crop!r}")
    if max(numbers) <= 1:
        return crop
    if source_size is None:
        raise SpecError(
            f"'crop' {crop!r} is in pixels: pass source_size=(width, height) of the upright "
            "source, or pass 'crop' as fractions from 0 to 1"
        )
    width, height = source_size
    x, y, wide, high = numbers
    if min(x, y) < 0 or x + wide > width or y + high > height:
        raise SpecError(f"'crop' {crop!r} does not lie within the source of {width}x{height}")
    return (x / width, y / height, wide / width, high / height)


@lru_cache(maxsize=4096)
def version_token(version: object) -> str:
    """Return eight characters for `Spec.version` that change whenever the value changes."""
    digest = hashlib.blake2s(str(version).encode(errors="replace"), digest_size=6).digest()
    return base64.urlsafe_b64encode(digest).decode()
