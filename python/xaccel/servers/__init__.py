"""The web servers: how each is told to send a file, and the text of its configuration."""

from __future__ import annotations

from typing import Protocol

from xaccel._core import Location
from xaccel.servers import direct, nginx

Headers = tuple[tuple[str, str], ...]


class Server(Protocol):
    """What each module of this package offers."""

    def offload(self, location: Location, *, limit_rate: int | None) -> Headers | None:
        """The headers that make the server send a file; `None` when the app has to.

        `limit_rate` is in bytes a second.
        """


_SERVERS: dict[str, Server] = {"direct": direct, "nginx": nginx}


def get(name: str) -> Server:
    """The server with this name in the settings."""
    return _SERVERS[name]
