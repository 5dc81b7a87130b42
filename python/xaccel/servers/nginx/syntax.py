"""Values in nginx's configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xaccel.config import Config
from xaccel.servers.dialects.nginx import Nginx
from xaccel.servers.dialects.values import no_control

_PLAIN = re.compile(r"[A-Za-z0-9_./:@^~=*+-]+")


def quoted(value: str, *, dollar: bool = True) -> str:
    """Return a value as one word of the configuration.

    If the directive expands variables, `dollar` must be true, so that each `$` is escaped.

    Raises:
        ConfigError: The value contains a control character.
    """
    word = no_control(value, Nginx.title)
    if dollar:
        word = escape_dollar(word)
    if _PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def escape_dollar(value: str) -> str:
    """Escape the dollar signs in a value, for a directive that expands variables."""
    return value.replace("$", "${xaccel_dollar}")


def literal(value: str) -> str:
    """Return an unquoted regular expression that matches a string. Backslashes are not doubled."""
    escaped = re.sub(
        rb"[^A-Za-z0-9/_~, -]",
        lambda byte: rb"\." if byte[0] == b"." else rb"\x%02x" % ord(byte[0]),
        value.encode(),
    )
    return escaped.decode()


def pattern(expression: str) -> str:
    """Quote a regular expression for nginx. Its literal parts must come from `literal`."""
    return f'"{expression}"'


def include(path: str) -> str:
    """Return the directive that includes one file. nginx treats the path as a pattern."""
    literal = re.sub(r"[\\*?\[]", r"\\\g<0>", path) if not set(path).isdisjoint("*?[") else path
    return f"include {quoted(literal, dollar=False)};"


def directory(path: str) -> str:
    """Return a directory with the final slash that `root` and `alias` need."""
    return quoted(path.rstrip("/") + "/")


def disable_symlinks(config: Config, path: str) -> Iterator[str]:
    """Yield the line that blocks symbolic links pointing outside a directory."""
    if not config.follow_symlinks:
        yield f"disable_symlinks on {quoted('from=' + path.rstrip('/') + '/')};"
