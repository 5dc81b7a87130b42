"""The information about web servers that the running app needs.

`DIALECTS` contains all servers. All other code looks up a server's capabilities there. To add a
server, add a module here and an entry to `DIALECTS`. The configurations are generated elsewhere;
see `xaccel.servers.generators`. An app's workers never load the generators.
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
"""The servers by their names in the settings. If several servers share an `X-Sendfile-Type`, the
first one is the default."""

_PREFIXES = tuple(
    {prefix for dialect in DIALECTS.values() for prefix in dialect.header_prefixes},
)
_HARMLESS = frozenset[str]().union(*(dialect.harmless_headers for dialect in DIALECTS.values()))


def get(settings: Settings) -> Dialect:
    """Return the dialect of the configured server after the dialect has checked the settings.

    Raises:
        ConfigError: The server's configuration can't express a setting.
    """
    dialect = named(settings.server)
    dialect.check(settings)
    return dialect


def named(name: str) -> Dialect:
    """Return the dialect of a server by its name in the settings.

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
    """Return the names of servers with a capability, for a message: `'nginx' or 'lighttpd'`."""
    return f" {conjunction} ".join(repr(name) for name, each in DIALECTS.items() if has(each))


def is_offload_header(name: str) -> bool:
    """Whether a response header controls how a server sends a file.

    Only xaccel may set such a header.
    """
    name = name.lower()
    return name.startswith(_PREFIXES) and name not in _HARMLESS
