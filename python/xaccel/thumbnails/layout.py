"""Responsive images: the thumbnails that a browser can choose from, and the displayed size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xaccel._core import Spec
from xaccel.exceptions import SpecError

DENSITIES = (1, 2)
"""The default densities of `srcset`."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout that a template helper's arguments describe, without the image itself."""

    text: str
    """The spec of `src`."""
    candidates: tuple[tuple[str, str], ...]
    """The spec and the descriptor of each candidate in `srcset`."""
    shown_size: Mapping[str, int]
    """The attributes `width` and `height`, if they are certain."""


def candidates(
    spec: Spec,
    widths: str | Iterable[float] | None,
    densities: str | Iterable[float],
    sizes: Sequence[tuple[int, int]],
) -> list[tuple[Spec, str]]:
    """Return the spec and the descriptor of each candidate in `srcset`.

    Args:
        spec: The spec of `src`.
        widths: The widths to choose from; `None` means that browsers choose by density.
        densities: The pixel densities to choose from.
        sizes: The widths and heights that the upright source may have; empty if unknown.

    Raises:
        SpecError: `widths` or `densities` are not positive numbers.
    """
    sizes = _if_whole(spec, sizes)
    found: dict[object, tuple[Spec, str]] = {}
    if widths is None:
        for density in sorted(set(_numbers(densities, "densities"))):
            dpr = (spec.dpr or 1) * density
            candidate = spec.replace(dpr=None if dpr == 1 else dpr)
            outputs = tuple(candidate.output_size(*size) for size in sizes)
            # Above the size of the source, every density results in the same thumbnail.
            found.setdefault(outputs or density, (candidate, f"{density:g}x"))
        return list(found.values())
    ratio = spec.height / spec.width if spec.height and spec.width else None
    for number in sorted(set(_numbers(widths, "widths"))):
        width = round(number)
        candidate = spec.replace(
            width=width, height=None if ratio is None else round(width * ratio)
        )
        reals = tuple(candidate.output_size(*size)[0] for size in sizes)
        real = reals[0] if len(set(reals)) == 1 else width
        found.setdefault(reals or width, (candidate, f"{real}w"))
    return list(found.values())


def shown_size(spec: Spec, sizes: Sequence[tuple[int, int]]) -> dict[str, int]:
    """Return the attributes `width` and `height`, in CSS pixels, if they are certain."""
    spec = spec.replace(dpr=None)
    outputs = {spec.output_size(*size) for size in _if_whole(spec, sizes)}
    if len(outputs) == 1:
        width, height = outputs.pop()
        return {"width": width, "height": height}
    if spec.fit != "contain" and spec.width is not None and spec.height is not None:
        return {"width": spec.width, "height": spec.height}
    return {}


def _if_whole(spec: Spec, sizes: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Return the possible sizes of a source, or none if its border is trimmed."""
    return sizes if spec.trim is None else ()


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
