"""Checks for the values of settings.

Each check takes the name and the value of a setting, and returns the value that `Config` stores. A
check also accepts its own return values. An invalid value raises `ConfigError`. The message names
the setting, and says what is wrong and what would be valid. It never shows a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from xaccel._core import PathMap, Spec, Watermark
from xaccel._hints import did_you_mean, shown
from xaccel.exceptions import ConfigError, SpecError, XaccelError

Check: TypeAlias = Callable[[str, Any], Any]

_DAY = 24 * 60 * 60
_SIZE_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_TIME_UNITS = {
    "y": 365 * _DAY,
    "M": 30 * _DAY,
    "w": 7 * _DAY,
    "d": _DAY,
    "h": 60 * 60,
    "m": 60,
    "s": 1,
    "": 1,
}
_SIZE = re.compile(r"([0-9]+)([kmg]?)", re.IGNORECASE)
_TIME = re.compile(r" *([0-9]+)(y|M|w|d|h|m|s|)")
_SOURCE_NAME = re.compile("[A-Za-z0-9_-]+")
_SOURCE_URLS = ("https://", "http://", "s3://", "storage://")
_NEGOTIABLE = ("avif", "webp")
_DEFAULT_QUALITY = {"jpeg": 78, "webp": 80, "avif": 80}
_AVIF_SPEEDS = frozenset({*range(8), 9})


def one_of(*names: str) -> Check:
    """Return a check that accepts any one of these names."""

    def check(key: str, value: Any) -> str:
        if value not in names:
            hint = did_you_mean(value, names) if isinstance(value, str) else ""
            raise _wrong(key, value, f"one of {', '.join(map(repr, names))}", hint)
        return str(value)

    return check


def one_or_several_of(*names: str) -> Check:
    """Return a check that accepts any one of these names, or a list of them without duplicates."""
    right = f"one of {', '.join(map(repr, names))}, or a list of those"

    def check(key: str, value: Any) -> str | tuple[str, ...]:
        values = (value,) if isinstance(value, str) else value
        if not isinstance(values, Sequence) or not values:
            raise _wrong(key, value, right)
        for item in values:
            if item not in names:
                hint = did_you_mean(item, names) if isinstance(item, str) else ""
                raise _wrong(key, value, right, hint)
        if len(set(values)) < len(values):
            raise _wrong(key, value, right)
        return str(values[0]) if len(values) == 1 else tuple(values)

    return check


def optional(check: Check) -> Check:
    """Return a check that also accepts `None`."""
    return lambda key, value: None if value is None else check(key, value)


def boolean(key: str, value: Any) -> bool:
    """Check that the value is `True` or `False`."""
    if not isinstance(value, bool):
        raise _wrong(key, value, "True or False")
    return value


def sandbox(key: str, value: Any) -> Literal["auto"] | bool:
    """Check that the value is "auto", `True` or `False`.

    If it is `True`, also check that this machine supports the sandbox.
    """
    if value == "auto":
        return "auto"
    if not isinstance(value, bool):
        raise _wrong(key, value, "'auto', True or False")
    if value:
        # Apps that do not require the sandbox do not load this module here.
        from xaccel.sandbox.support import missing  # noqa: PLC0415

        absent = missing()
        if absent:
            raise ConfigError(
                f"XACCEL[{key!r}] is True, but this machine does not offer {' or '.join(absent)}; "
                "set it to 'auto' to use the layers that it offers"
            )
    return value


def positive(key: str, value: Any) -> int:
    """Check that the value is a whole number of at least 1."""
    if not _is_int(value) or value < 1:
        raise _wrong(key, value, "a whole number from 1")
    return int(value)


def size(key: str, value: Any) -> int:
    """Check that the value is a size: a number of bytes, or a string in nginx's syntax ("200M")."""
    if isinstance(value, str):
        match = _SIZE.fullmatch(value)
        number = int(match[1]) * _SIZE_UNITS[match[2].lower()] if match else 0
    else:
        number = value if _is_int(value) else 0
    if number < 1:
        raise _wrong(key, value, "a size such as '200M', or a whole number of bytes from 1")
    return number


def time(*, least: int) -> Check:
    """Return a check that accepts a duration and returns it in seconds.

    The value is a string in nginx's syntax ("60d", "1d 12h"), a whole number of seconds, or a
    `timedelta` of whole seconds. Fractions of a second are an error.

    Args:
        least: The minimum number of seconds.
    """

    def check(key: str, value: Any) -> int:
        if isinstance(value, str):
            seconds = _seconds(value)
        elif isinstance(value, timedelta) and not value.microseconds:
            seconds = value // timedelta(seconds=1)
        else:
            seconds = value if _is_int(value) else None
        if seconds is None or seconds < least:
            raise _wrong(
                key,
                value,
                "a time such as '60d' or '1d 12h', a whole number of seconds "
                f"from {least}, or a timedelta of whole seconds",
            )
        return seconds

    return check


def _seconds(text: str) -> int | None:
    parts = _TIME.findall(text)
    units = [list(_TIME_UNITS).index(unit) for _, unit in parts]
    # Units must be in descending order, and each may occur only once, as in "1d 12h".
    if not parts or _TIME.sub("", text) or units != sorted(set(units)):
        return None
    return sum(int(number) * _TIME_UNITS[unit] for number, unit in parts)


def directory(key: str, value: Any) -> str:
    """Check that the value is the absolute path of a directory, which need not exist yet."""
    if not _is_absolute(value):
        raise _wrong(key, value, "the absolute path of a directory")
    return str(value)


def file(key: str, value: Any) -> str:
    """Check that the value is the path of an existing image."""
    if not isinstance(value, str | Path) or not Path(value).is_file():
        raise _wrong(key, value, "the path of an image")
    return str(value)


def source(key: str, value: Any) -> str:
    """Check that the value is a directory or a URL with original images."""
    return _source(f"XACCEL[{key!r}]", value)


def sources(key: str, value: Any) -> dict[str, str]:
    """Check that the value maps names to directories or URLs of original images."""
    locations = {}
    for name, location in _mapping(key, value, "a dict of names and sources").items():
        if not isinstance(name, str) or not _SOURCE_NAME.fullmatch(name):
            raise ConfigError(
                f"XACCEL[{key!r}]: the name of a source must consist of letters, digits, "
                f"'-' and '_', not {shown(name)}"
            )
        locations[name] = _source(f"XACCEL[{key!r}][{name!r}]", location)
    return locations


def _source(setting: str, value: Any) -> str:
    right = "the absolute path of a directory or a URL such as 'https://example.org/photos/'"
    if not isinstance(value, str) or "://" not in value:
        if not _is_absolute(value):
            raise _bad(setting, value, right)
        return str(value)
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise _bad(setting, value, right) from None
    if f"{parts.scheme}://" not in _SOURCE_URLS or not parts.hostname:
        raise _bad(setting, value, right)
    if parts.username is not None or parts.query or parts.fragment:
        raise _bad(setting, value, f"{right}, without a user, query or fragment")
    return value


def _is_absolute(value: Any) -> bool:
    return isinstance(value, str | Path) and Path(value).is_absolute()


def s3(key: str, value: Any) -> dict[str, Any]:
    """Check the settings of an S3-compatible store; see `xaccel._s3.settings`."""
    if value == {}:
        return {}
    # Apps that do not use a bucket do not load these checks.
    from xaccel._s3 import settings  # noqa: PLC0415

    return settings.check(key, value)


def store(key: str, value: Any) -> str:
    """Check that the value is the URL of a bucket or of a prefix in a bucket."""
    if not isinstance(value, str) or not re.fullmatch(r"s3://[A-Za-z0-9][\w.-]+/([^/]+/)*", value):
        raise _wrong(key, value, "a prefix in a bucket such as 's3://bucket/thumbs/'")
    return value


def prefixes(places: str, *, are_urls: bool = False) -> Check:
    """Return a check that accepts a dict of internal URL prefixes.

    Args:
        places: The noun that error messages use for the keys of the dict.
        are_urls: Whether the keys are URLs instead of directories.
    """

    def check(key: str, value: Any) -> dict[str, str]:
        right = f"a dict of {places} and internal URL prefixes"
        for place, prefix in _mapping(key, value, right).items():
            if not isinstance(place, str | Path) or not isinstance(prefix, str):
                raise _wrong(key, {place: prefix}, right)
            if not prefix.startswith("/") and not {*"@?#"}.isdisjoint(prefix[1:]):
                raise _wrong(key, {place: prefix}, right)
            if not are_urls and not Path(place).is_absolute():
                raise ConfigError(f"XACCEL[{key!r}]: {shown(place)} is not an absolute path")
        return {str(place): prefix for place, prefix in value.items()}

    return check


def url_prefix(key: str, value: Any) -> str:
    """Check that the value is a public URL prefix, such as "/t/"."""
    right = "a URL prefix such as '/t/', starting and ending with one slash"
    if not isinstance(value, str) or not value.endswith("/") or value.startswith("/."):
        raise _wrong(key, value, right)
    try:
        PathMap([("/", value)])
    except ConfigError:
        raise _wrong(key, value, right) from None
    return value


def mount(key: str, value: Any) -> str:
    """Check that the value is the path of a mounted app, such as "/shop"; empty means the root."""
    right = (
        "a path such as '/shop', starting with one slash; by default it is Flask's "
        "APPLICATION_ROOT or Django's FORCE_SCRIPT_NAME"
    )
    if not isinstance(value, str):
        raise _wrong(key, value, right)
    if value in {"", "/"}:
        return ""
    path = value.removesuffix("/")
    try:
        PathMap([("/", f"{path}/")])
    except ConfigError:
        raise _wrong(key, value, right) from None
    return path


def server_url(key: str, value: Any) -> str:
    """Check that the value is the URL of a server, without a path; empty means this site."""
    if not value:
        return ""
    if not isinstance(value, str) or not re.fullmatch(r"(https?:)?//[^/?#@]+", value):
        raise _wrong(key, value, "the URL of a server, such as 'https://thumbs.example.com'")
    return value


def host(key: str, value: Any) -> str:
    """Check that the value is a scheme and a host, with an optional port."""
    match = re.fullmatch(r"https?://([^/?#\\@]+)", value) if isinstance(value, str) else None
    if match is None or not _is_host(match[1]):
        right = (
            "a scheme and a host such as 'https://cdn.example.com', without a user, path or query"
        )
        raise _wrong(key, value, right)
    return str(value)


def url_signer(key: str, value: Any) -> Any:
    """Check that the value is a signer of absolute URLs, such as those of `xaccel.signing`."""
    if isinstance(value, type) or not callable(getattr(value, "sign", None)):
        # The value may contain a key, so the message does not show it.
        raise ConfigError(
            f"XACCEL[{key!r}] must be a signer of xaccel.signing, such as CloudFrontSigner(…), not "
            f"{'a class' if isinstance(value, type) else type(value).__name__}"
        )
    return value


def _is_host(text: str) -> bool:
    """Whether a string is the host of a URL, with an optional port."""
    try:
        parts = urlsplit(f"//{text}")
        _ = parts.port
    except ValueError:
        return False
    return re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", parts.hostname or "") is not None


def secret_keys(key: str, value: Any) -> tuple[str | bytes, ...]:
    """Check that the value is a list of signing keys."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise ConfigError(f"XACCEL[{key!r}] must be a list of keys, newest first")
    if not all(isinstance(secret, str | bytes) and secret for secret in value):
        raise ConfigError(f"XACCEL[{key!r}] must contain only non-empty str or bytes")
    return tuple(value)


def engine_keys(key: str, value: Any) -> tuple[str, ...]:
    """Check that the value is a key of a thumbnail server, or a list of keys."""
    keys = (value,) if isinstance(value, str) else value
    if not isinstance(keys, Sequence) or not all(isinstance(item, str) and item for item in keys):
        raise ConfigError(f"XACCEL[{key!r}] must be a key, or a list of keys, newest first")
    return tuple(keys)


def formats(key: str, value: Any) -> tuple[str, ...]:
    """Check that the value is a list of formats to negotiate."""
    right = f"a list of formats to negotiate, from {', '.join(map(repr, _NEGOTIABLE))}"
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong(key, value, right)
    if not all(name in _NEGOTIABLE for name in value):
        raise _wrong(key, value, right)
    return tuple(value)


def decoders(key: str, value: Any) -> tuple[str, ...]:
    """Check that the value is a list of installed decoders. The decoders are not loaded."""
    right = "a list of names of decoders, such as ['heic']"
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong(key, value, right)
    if not all(isinstance(name, str) for name in value) or len(set(value)) < len(value):
        raise _wrong(key, value, right)
    if value:
        # Apps that do not use the setting do not load the metadata of all packages.
        from xaccel.decoders._enabled import check_name  # noqa: PLC0415

        for name in value:
            check_name(name, f"XACCEL[{key!r}]")
    return tuple(value)


def fonts(key: str, value: Any) -> tuple[str, ...]:
    """Check that the value is the path of a font file or a directory, or a list of such paths."""
    right = "the absolute path of a directory or a font file, or a list of such paths"
    paths = [value] if isinstance(value, str | Path) else value
    if not isinstance(paths, Sequence) or not all(map(_is_absolute, paths)):
        raise _wrong(key, value, right)
    for path in paths:
        if not Path(path).exists():
            raise ConfigError(f"XACCEL[{key!r}]: {shown(path)} does not exist")
    return tuple(map(str, paths))


def quality(key: str, value: Any) -> dict[str, int]:
    """Check that the value is a dict of qualities by format. Other formats keep their defaults."""
    for name, number in _mapping(key, value, "a dict of formats and numbers").items():
        if name not in _DEFAULT_QUALITY:
            raise ConfigError(
                f"XACCEL[{key!r}]: {shown(name)} is not a format with a quality; those formats "
                f"are {', '.join(map(repr, _DEFAULT_QUALITY))}"
            )
        if not _is_int(number) or not 1 <= number <= 100:  # noqa: PLR2004
            raise ConfigError(
                f"XACCEL[{key!r}][{name!r}] must be a whole number from 1 to 100, "
                f"not {shown(number)}"
            )
    return {**_DEFAULT_QUALITY, **value}


def score(key: str, value: Any) -> int:
    """Check that the value is a score that `q-auto` can aim at."""
    if not _is_int(value) or not 1 <= value <= 100:  # noqa: PLR2004
        raise _wrong(key, value, "a whole number from 1 to 100")
    return int(value)


def avif_speed(key: str, value: Any) -> int:
    """Check that the value is a speed of the encoder for AVIF."""
    if not _is_int(value) or value not in _AVIF_SPEEDS:
        raise _wrong(key, value, "a whole number from 0 to 7, or 9")
    return int(value)


def presets(key: str, value: Any) -> dict[str, str]:
    """Check that the value is a dict of specs by name."""
    right = "a dict of names and specs"
    for name, spec in _mapping(key, value, right).items():
        if not isinstance(name, str) or not isinstance(spec, str) or "//" in name or "@" in spec:
            raise _wrong(key, {name: spec}, right)
        try:
            Spec.parse(spec)
        except SpecError as error:
            raise ConfigError(f"XACCEL[{key!r}][{shown(name)}]: {error}") from None
    return dict(value)


def watermarks(key: str, value: Any) -> dict[str, Watermark]:
    """Check that the value is a dict of watermarks by name, and read their images."""
    found = {}
    for name, options in _mapping(key, value, "a dict of names and watermarks").items():
        try:
            Spec(watermark=name)
        except (SpecError, TypeError):
            raise ConfigError(
                f"XACCEL[{key!r}]: the name of a watermark must consist of at most 32 "
                f"letters, digits, '-' and '_', not {shown(name)}"
            ) from None
        found[name] = _watermark(f"XACCEL[{key!r}][{name!r}]", options)
    return found


def _watermark(setting: str, value: Any) -> Watermark:
    if isinstance(value, Watermark):
        return value
    if not isinstance(value, Mapping) or "image" not in value:
        raise _bad(setting, value, "a dict with the key 'image', the path of an image")
    image = value["image"]
    if not _is_absolute(image):
        raise _bad(f"{setting}['image']", image, "the absolute path of an image")
    options = _watermark_options(setting, value)
    try:
        return Watermark(image, **options)
    except (XaccelError, OSError) as error:
        raise ConfigError(f"{setting}['image']: {error}") from None
    except ValueError as error:
        raise ConfigError(f"{setting}: {error}") from None


def _watermark_options(setting: str, value: Mapping[Any, Any]) -> dict[str, Any]:
    options = {}
    for name, option in value.items():
        if name == "image":
            continue
        if name not in _WATERMARK_VALUES:
            hint = did_you_mean(str(name), ("image", *_WATERMARK_VALUES))
            raise ConfigError(f"{setting} does not have the key {shown(name)}{hint}")
        is_right, right = _WATERMARK_VALUES[name]
        if not is_right(option):
            raise _bad(f"{setting}[{name!r}]", option, right)
        options[name] = tuple(option) if name == "offset" else option
    return options


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(map(_is_number, value))  # noqa: PLR2004


_WATERMARK_VALUES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "gravity": (lambda value: isinstance(value, str), "a direction such as 'se'"),
    "offset": (_is_pair, "two numbers such as (0.05, 0.05)"),
    "scale": (_is_number, "a number from 0.01 to 1"),
    "opacity": (_is_number, "a number from 0 to 1"),
    "tiled": (lambda value: isinstance(value, bool), "True or False"),
}
"""The types of the options of a watermark. `Watermark` checks their ranges."""


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _mapping(key: str, value: Any, right: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(key, value, right)
    return value


def _wrong(key: str, value: object, right: str, hint: str = "") -> ConfigError:
    return _bad(f"XACCEL[{key!r}]", value, right, hint)


def _bad(setting: str, value: object, right: str, hint: str = "") -> ConfigError:
    return ConfigError(f"{setting} must be {right}, not {shown(value)}{hint}")
