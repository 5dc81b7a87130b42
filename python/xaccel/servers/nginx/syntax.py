"""Values in nginx's configuration."""

from __future__ import annotations

import re

from xaccel.servers import text

_PLAIN = re.compile(r"[A-Za-z0-9_./:@^~=*+-]+")


def quoted(value: str, *, dollar: bool = True) -> str:
    """A value as one word of the configuration.

    `dollar` says whether the directive takes variables, so that a `$` needs care.

    Raises:
        ConfigError: There is no way to write it.
    """
    word = text.no_control(value, "nginx")
    if dollar:
        word = escape_dollar(word)
    if _PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def escape_dollar(value: str) -> str:
    """A value without variables, where variables may be."""
    return value.replace("$", "${xaccel_dollar}")


def directory(path: str) -> str:
    """A directory, with the slash at its end that `root` and `alias` need."""
    return quoted(path.rstrip("/") + "/")
