"""The generators of web server configurations, by server name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

from xaccel.config import Config
from xaccel.servers.deployment import Deployment
from xaccel.servers.dialects import DIALECTS, Dialect

DIALECTS_WITH_GENERATOR: Mapping[str, Dialect] = {
    name: dialect for name, dialect in DIALECTS.items() if dialect.generator is not None
}
"""The servers that `xaccel config` can configure, by their names."""


class Generator(Protocol):
    """The interface of a module that generates a configuration; see `Dialect.generator`."""

    FULL_FILE: str
    """The file name for the output of `full()`."""
    OPTIONS: frozenset[str]
    """The fields of `Deployment` that this server supports, but some other servers do not."""

    def site_file(self, deployment: Deployment) -> str:
        """Return the file name for the output of `site()`."""

    def secrets_file(self, deployment: Deployment) -> str:
        """Return the file name for the output of `secrets()`. Other files include it."""

    def site(self, config: Config, deployment: Deployment) -> str:
        """Return the part that serves this app, for a server with an existing configuration.

        Raises:
            ConfigError: The server's configuration can't express a setting.
        """

    def full(self, config: Config, deployment: Deployment, directory: Path) -> str:
        """Return a complete configuration. It uses only files in `directory`, an absolute path.

        Raises:
            ConfigError: The server's configuration can't express a setting.
        """

    def secrets(self, config: Config, deployment: Deployment) -> str | None:
        """Return the secret part of the configuration, or `None` if nothing is secret."""

    def further_files(self, deployment: Deployment) -> Mapping[str, str]:
        """Return the additional files that the other files load: the text of each, by file name."""


def load(name: str) -> Generator:
    """Import the generator for the server with this name.

    Raises:
        KeyError: There is no generator for this server.
    """
    module = DIALECTS_WITH_GENERATOR[name].generator
    return cast("Generator", importlib.import_module(str(module)))
