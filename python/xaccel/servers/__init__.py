"""The web servers: how each is told to send a file, and the text of its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from xaccel._core import Location
from xaccel.config import Config
from xaccel.servers import apache, caddy, direct, lighttpd, nginx
from xaccel.servers.deployment import Deployment

Headers = tuple[tuple[str, str], ...]


class Server(Protocol):
    """What each module of this package offers."""

    ETAG_IS_OURS: bool
    """Whether visitors get the ETag of `Validators.of_file`, so that we can judge theirs."""

    def offload(self, location: Location, *, limit_rate: int | None) -> Headers | None:
        """The headers that make the server send a file; `None` when the app has to.

        `limit_rate` is in bytes a second.

        Raises:
            ConfigError: The server has no way to do it.
        """


class WebServer(Server, Protocol):
    """A server that stands in front of the app and has a configuration."""

    SITE_FILE: str
    """The name of the file with `site()`."""
    FULL_FILE: str
    """The name of the file with `full()`."""
    SECRETS_FILE: str
    """The name of the file with `secrets()`, which the others include."""

    def site(self, config: Config, deployment: Deployment) -> str:
        """What serves this app, for a server that is configured otherwise.

        Raises:
            ConfigError: A setting can't be written in the server's configuration.
        """

    def full(self, config: Config, deployment: Deployment, directory: Path) -> str:
        """A whole configuration that needs nothing outside `directory`, which is absolute.

        Raises:
            ConfigError: A setting can't be written in the server's configuration.
        """

    def secrets(self, config: Config, deployment: Deployment) -> str | None:
        """The secret part of the configuration; `None` when there is none."""


WEB_SERVERS: dict[str, WebServer] = {
    "nginx": nginx,
    "apache": apache,
    "lighttpd": lighttpd,
    "caddy": caddy,
}
"""By their name in the settings."""


def get(config: Config) -> Server:
    """The server of the settings.

    Raises:
        ConfigError: A setting is impossible with this server.
    """
    server = WEB_SERVERS.get(config.server)
    if server is None:
        return direct
    # What the server can't be given should come up when the app starts.
    server.site(config, Deployment())
    return server
