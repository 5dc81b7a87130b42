"""Access to an image's size, focal point and placeholder in its database row.

Django's `ImageField` names the fields of the row that contain the size.
`xaccel.django.fields.ImageField` also names the fields that contain the focal point and the
placeholder. This module never opens an image or queries a database. A deferred field is treated as
empty.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from xaccel._core import Spec
from xaccel.exceptions import SpecError

PlaceholderKind = Literal["thumbhash", "blurhash", "color", "palette"]
"""The format of a placeholder as text: a hash, a colour, or several colours separated by commas."""

FocalPoint = tuple[float, float]
"""The point that a crop keeps: `(x, y)` as fractions of the upright image."""


def possible_sizes(source: object) -> tuple[tuple[int, int], ...]:
    """Return the possible sizes of the upright image, if fields of its row contain a size.

    Django stores the size before the EXIF rotation, so the width and the height of the upright
    image may be swapped. `ImageFieldFile.width` would open the file.
    """
    width, height = _value(source, "width_field"), _value(source, "height_field")
    if not width or not height:
        return ()
    is_upright = getattr(getattr(source, "field", None), "has_upright_size", False)
    if width == height or is_upright:
        return ((width, height),)
    return ((width, height), (height, width))


def focal_point(source: object) -> FocalPoint | None:
    """Return the focal point from an image's row, if the row contains a valid focal point."""
    try:
        return as_focal_point(_value(source, "focal_point_field"))
    except SpecError:
        return None


def stored_placeholder(source: object) -> tuple[PlaceholderKind, str] | None:
    """Return the kind and text of the placeholder in an image's row, if there is one."""
    text: str | None = _value(source, "placeholder_field")
    if not text:
        return None
    return getattr(getattr(source, "field", None), "placeholder_kind", "thumbhash"), text


def placeholder_text(made: str | list[str]) -> str:
    """Return a placeholder as text. A palette is written as in CSS: `#102030, #405060`."""
    return made if isinstance(made, str) else ", ".join(made)


def as_focal_point(value: Any) -> FocalPoint | None:
    """Return a focal point from two numbers or from text such as `"0.25x0.6"`.

    Raises:
        SpecError: The value has a different form, or the point lies outside the image.
    """
    if value is None or value == "":
        return None
    parts = value.replace(",", " ").replace("x", " ").split() if isinstance(value, str) else value
    try:
        x, y = (float(part) for part in parts)
    except (TypeError, ValueError):
        x = y = math.nan
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise SpecError(
            "'focal_point' must be two fractions of the image from 0 to 1, such as (0.25, 0.6) or "
            f"'0.25x0.6', not {value!r}"
        )
    return (x, y)


def focused(spec: Spec, point: FocalPoint | None) -> Spec:
    """Return a spec whose crop keeps a focal point, unless the spec sets a gravity or crop."""
    chosen = spec.gravity is not None or spec.crop is not None
    if point is None or chosen or spec.fit != "cover":
        return spec
    # The gravity of a spec applies after the image is rotated and mirrored.
    return spec.replace(gravity=_turned(point, spec.rotate, spec.flip))


def _turned(point: FocalPoint, rotate: int, flip: str | None) -> FocalPoint:
    """Return the position of a point after its image is rotated clockwise and then mirrored."""
    x, y = point
    for _ in range(rotate // 90):
        x, y = 1 - y, x
    if flip is None:
        return x, y
    return (1 - x, y) if flip == "h" else (x, 1 - y)


def _value(source: object, option: str) -> Any:
    """Return the value of a row's field, which is named in an option of the image field."""
    name = getattr(getattr(source, "field", None), option, None)
    if name is None:
        return None
    row: dict[str, Any] = getattr(getattr(source, "instance", None), "__dict__", {})
    return row.get(name)
