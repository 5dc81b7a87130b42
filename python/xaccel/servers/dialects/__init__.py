"""The web servers, as far as the running app has to know them.

`DIALECTS` is the list of servers. All of xaccel asks it what a server can do, so that a new
server is one new module here and one more entry. The text of the configurations is elsewhere,
see `xaccel.servers.generators`: a worker of an app never loads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xaccel.exceptions import ConfigError
from xaccel.servers.dialects.apache import Apache
from xaccel.servers.dialects.base import Dialect, Settings
from xaccel.servers.dialects.caddy import Caddy
from xaccel.servers.dialects.direct import Direct
from xaccel.servers.dialects.lighttpd import Lighttpd
from xaccel.servers.dialects.nginx import Nginx

__all__ = ["DIALECTS", "Dialect", "Settings", "get", "is_offload_header", "named", "names"]

DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect for dialect in (Direct(), Nginx(), Apache(), Lighttpd(), Caddy())
}
"""By their names in the settings. Of several servers with one `X-Sendfile-Type`, the first is the
default."""

_PREFIXES = tuple(
    {prefix for dialect in DIALECTS.values() for prefix in dialect.header_prefixes},
)
_HARMLESS = frozenset[str]().union(*(dialect.harmless_headers for dialect in DIALECTS.values()))


def get(settings: Settings) -> Dialect:
    """The dialect of the settings, which are checked to fit the server.

    Raises:
        ConfigError: The server's configuration can't express a setting.
    """
    dialect = named(settings.server)
    dialect.check(settings)
    return dialect


def named(name: str) -> Dialect:
    """The dialect of a server, by its name in the settings.

    Raises:
        ConfigError: The name is unknown.
    """
    dialect = DIALECTS.get(name)
    if dialect is None:
        raise ConfigError(
            f"XACCEL['SERVER'] must be one of {', '.join(map(repr, DIALECTS))}, not {name!r}"
        )
    return dialect


def names(has: Callable[[Dialect], bool], conjunction: str) -> str:
    """The servers with a capability, for a sentence: `'nginx' or 'lighttpd'`."""
    return f" {conjunction} ".join(repr(name) for name, each in DIALECTS.items() if has(each))


def is_offload_header(name: str) -> bool:
    """Whether a response header makes any server send a file, or says how: only xaccel sets it."""
    name = name.lower()
    return name.startswith(_PREFIXES) and name not in _HARMLESS
