"""Named options, for the whole site or for an app, a model or a field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xaccel.django.easy_thumbnails.settings import setting

__all__ = ["Aliases", "aliases"]


class Aliases:
    """The aliases in `THUMBNAIL_ALIASES`, and aliases that are added in code."""

    def __init__(self) -> None:
        self._added: dict[str, dict[str, dict[str, Any]]] = {}

    def set(self, alias: str, options: Mapping[str, Any], target: object = None) -> None:
        """Add an alias.

        Args:
            alias: The name.
            options: The options, including `size`.
            target: The field, model or app to which the alias is limited, such as
                `shop.Photo.image`.
        """
        self._added.setdefault(_target(target), {})[alias] = dict(options)

    def get(self, alias: str, target: object = None) -> dict[str, Any] | None:
        """Return the options of the most specific alias with this name; `None` if it is unknown."""
        return self.all(target).get(alias) or None

    def all(
        self,
        target: object = None,
        include_global: bool = True,  # noqa: FBT001, FBT002 - as in easy-thumbnails
    ) -> dict[str, dict[str, Any]]:
        """Return the options of all aliases that apply to a target."""
        found: dict[str, dict[str, Any]] = {}
        for part in _parts(_target(target)):
            if part or include_global:
                found.update((setting("ALIASES") or {}).get(part, {}))
                found.update(self._added.get(part, {}))
        return {alias: dict(options) for alias, options in found.items()}


def _target(target: object) -> str:
    """Return the dotted name of a target, which may be the value of a file field."""
    if isinstance(target, str):
        return target
    field: Any = getattr(target, "field", None)
    instance: Any = getattr(target, "instance", None)
    if field is None or not hasattr(instance, "_meta"):
        return ""
    return f"{instance._meta.app_label}.{type(instance).__name__}.{field.name}"  # noqa: SLF001


def _parts(target: str) -> Iterator[str]:
    """Yield an empty string for the whole site, then `app`, `app.Model` and `app.Model.field`."""
    yield ""
    words = target.split(".") if target else []
    for number in range(1, len(words) + 1):
        yield ".".join(words[:number])


aliases = Aliases()
"""The aliases of this site."""
