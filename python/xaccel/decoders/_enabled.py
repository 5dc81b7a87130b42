"""The enabled decoders, by name."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from xaccel._hints import did_you_mean, shown
from xaccel.decoders import Decoder
from xaccel.decoders._ours import OURS
from xaccel.exceptions import ConfigError

GROUP = "xaccel.decoders"
"""The group of the entry points."""

SETTING = "XACCEL['THUMBNAIL_DECODERS']"
"""The name of the setting in messages."""


def check_name(name: str, setting: str) -> None:
    """Check that a decoder is installed, without loading it.

    Args:
        name: The name of the decoder.
        setting: The name of the setting as it appears in messages.

    Raises:
        ConfigError: The decoder is not installed.
    """
    ours = OURS.get(name)
    if ours is None:
        _entry_point(name, setting)
    elif not ours.is_installed:
        raise ConfigError(f"{setting} has {name!r}, but {ours.advice}; install that extra")


def find(head: bytes, names: tuple[str, ...] | None, setting: str) -> tuple[str, Decoder] | None:
    """Return the first enabled decoder that reads files with this beginning, and its name.

    Args:
        head: The first bytes of the file.
        names: The names of the enabled decoders; `None` means all of xaccel's own that are
            installed.
        setting: The name of the setting as it appears in messages.

    Raises:
        ConfigError: A decoder is not installed, or can't be loaded.
    """
    for name in installed() if names is None else names:
        # Our own decoders are loaded only if they match.
        if name not in OURS or OURS[name].matches(head):
            decoder = _load(name, setting)
            if name in OURS or decoder.matches(head):
                return name, decoder
    return None


def load_all(names: tuple[str, ...] | None) -> None:
    """Load decoders in advance. An error is raised again when an image needs the decoder.

    Args:
        names: The names of the enabled decoders; `None` means all of xaccel's own that are
            installed.
    """
    # This also finds out which extras are installed, for messages.
    ours = installed()
    for name in ours if names is None else names:
        with suppress(ConfigError):
            _load(name, SETTING)


def installed() -> tuple[str, ...]:
    """Return the names of our decoders whose extras are installed."""
    return tuple(name for name, decoder in OURS.items() if decoder.is_installed)


def _load(name: str, setting: str) -> Decoder:
    loaded = _loaded(name, setting)
    if isinstance(loaded, ConfigError):
        raise loaded
    return loaded


@lru_cache(maxsize=64)
def _loaded(name: str, setting: str) -> Decoder | ConfigError:
    """Return a decoder, or the error that it raises while it is loaded.

    In a sandbox, a second attempt to load it would fail for a different reason.
    """
    try:
        return _imported(name, setting)
    except ConfigError as error:
        return error


def _imported(name: str, setting: str) -> Decoder:
    check_name(name, setting)
    try:
        if name in OURS:
            loaded: object = import_module(f"{__package__}.{name}")
        else:
            loaded = _entry_point(name, setting).load()
            if isinstance(loaded, type):
                loaded = loaded()
    except Exception as error:
        raise ConfigError(
            f"{setting}: the decoder {name!r} can't be loaded: {type(error).__name__}: {error}"
        ) from error
    for method in ("matches", "probe", "decode"):
        if not callable(getattr(loaded, method, None)):
            raise ConfigError(
                f"{setting}: the entry point {name!r} is not a decoder: it does not have the "
                f"method {method}()"
            )
    return cast("Decoder", loaded)


def _entry_point(name: str, setting: str) -> EntryPoint:
    found = entry_points(group=GROUP)
    named = [point for point in found if point.name == name]
    values = {point.value for point in named}
    if len(values) > 1:
        raise ConfigError(
            f"{setting} has {name!r}, but several packages have a decoder of this name: "
            f"{', '.join(sorted(values))}; uninstall all but one"
        )
    if not named:
        usable = sorted({*installed(), *(found.names - OURS.keys())})
        raise ConfigError(
            f"{setting} has {shown(name)}, which is not an installed decoder; the "
            f"installed decoders are "
            f"{', '.join(map(repr, usable)) or 'none'}"
            f"{did_you_mean(name, {*OURS, *found.names})}"
        )
    return named[0]
