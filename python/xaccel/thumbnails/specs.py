"""Specs from the arguments of the template helpers and of views."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from xaccel._core import Spec
from xaccel._hints import did_you_mean
from xaccel.config import Config
from xaccel.exceptions import SpecError

OPTIONS = frozenset(Spec.OPTIONS) - {"version"}
"""The names of a thumbnail's options, apart from its size and the version of its source."""


def parse_presets(config: Config) -> dict[str, Spec]:
    """Return the presets of the settings by name."""
    return {name: Spec.parse(text) for name, text in config.thumbnail_presets.items()}


def build_spec(
    presets: Mapping[str, Spec], width: int | str | None, height: int | None, **options: Any
) -> Spec:
    """Return the spec that the arguments of a template helper describe.

    Args:
        presets: Specs by name.
        width: The width of the box in pixels, or the name of a preset.
        height: The height of the box in pixels.
        options: The options of `Spec`. They replace those of a preset.

    Raises:
        SpecError: An option is unknown or its value is invalid.
    """
    for name in options:
        if name not in OPTIONS:
            raise SpecError(
                f"a thumbnail does not have the option {name!r}{did_you_mean(name, OPTIONS)}"
            )
    options = {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }
    try:
        if not isinstance(width, str):
            return Spec(width, height, **options)
        preset = presets.get(width)
        if preset is None:
            raise SpecError(
                f"XACCEL['THUMBNAIL_PRESETS'] does not have {width!r}; it has "
                f"{', '.join(map(repr, presets)) or 'none'}"
            )
        if height is not None:
            options["height"] = height
        return preset.replace(**options) if options else preset
    except (TypeError, OverflowError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise SpecError(
            f"a thumbnail can't be {width!r} by {height!r}"
            f"{' with ' if given else ''}{given}: {error}"
        ) from None


@lru_cache(maxsize=4096)
def version_token(version: object) -> str:
    """Return the eight characters of `Spec.version` for any value; they change with it."""
    digest = hashlib.blake2s(str(version).encode(errors="replace"), digest_size=6).digest()
    return base64.urlsafe_b64encode(digest).decode()
