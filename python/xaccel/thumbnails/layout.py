"""Responsive images: the thumbnails a browser may choose from, and the size that is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xaccel._core import Spec
from xaccel.exceptions import SpecError

DENSITIES = (1, 2)
"""The default densities of `srcset`."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the arguments of a template helper describe, apart from the image."""

    text: str
    """The spec of `src`."""
    candidates: tuple[tuple[str, str], ...]
    """The spec and the descriptor of each candidate of `srcset`."""
    shown_size: Mapping[str, int]
    """The attributes `width` and `height`, if they are certain."""


def candidates(
    spec: Spec,
    widths: str | Iterable[float] | None,
    densities: str | Iterable[float],
    source_size: tuple[int, int] | None,
) -> list[tuple[Spec, str]]:
    """Return the spec and the descriptor of each candidate of `srcset`.

    Args:
        spec: The spec of `src`.
        widths: The widths to choose from; `None` = choose by density.
        densities: The numbers of pixels per CSS pixel to choose from.
        source_size: The width and height of the upright source, if known.

    Raises:
        SpecError: `widths` or `densities` are not positive numbers.
    """
    found: dict[float | tuple[int, int], tuple[Spec, str]] = {}
    if widths is None:
        for density in sorted(set(_numbers(densities, "densities"))):
            dpr = (spec.dpr or 1) * density
            candidate = spec.replace(dpr=None if dpr == 1 else dpr)
            size = candidate.output_size(*source_size) if source_size else density
            # Above the size of the source every density gives the same thumbnail.
            found.setdefault(size, (candidate, f"{density:g}x"))
        return list(found.values())
    ratio = spec.height / spec.width if spec.height and spec.width else None
    for number in sorted(set(_numbers(widths, "widths"))):
        width = round(number)
        candidate = spec.replace(
            width=width, height=None if ratio is None else round(width * ratio)
        )
        real = candidate.output_size(*source_size)[0] if source_size else width
        found.setdefault(real, (candidate, f"{real}w"))
    return list(found.values())


def shown_size(spec: Spec, source_size: tuple[int, int] | None) -> dict[str, int]:
    """Return the attributes `width` and `height`, in CSS pixels, if they are certain."""
    spec = spec.replace(dpr=None)
    if source_size is not None:
        width, height = spec.output_size(*source_size)
        return {"width": width, "height": height}
    if spec.fit != "contain" and spec.width is not None and spec.height is not None:
        return {"width": spec.width, "height": spec.height}
    return {}


def known_size(source: object) -> tuple[int, int] | None:
    """Return the size of an image in a Django model, if fields of the same row hold it.

    `ImageFieldFile.width` would open the file, and a deferred field would query the database.
    """
    field, instance = getattr(source, "field", None), getattr(source, "instance", None)
    row = getattr(instance, "__dict__", {})
    width = row.get(getattr(field, "width_field", None))
    height = row.get(getattr(field, "height_field", None))
    return (width, height) if width and height else None


def _numbers(values: str | Iterable[float], option: str) -> Sequence[float]:
    """Return positive numbers from a list, or from text, since Django's templates have no lists."""
    words = values.replace(",", " ").split() if isinstance(values, str) else values
    try:
        result = [float(word) for word in words]
    except (TypeError, ValueError):
        result = []
    if not result or min(result) <= 0:
        raise SpecError(f"'{option}' must be positive numbers such as [1, 2] or \"1, 2\"")
    return result
