"""What writes the configuration of a web server, found by the server's name."""

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
    """What a module offers that writes a server's configuration, see `Dialect.generator`."""

    FULL_FILE: str
    """The name of the file with `full()`."""
    OPTIONS: frozenset[str]
    """The fields of `Deployment` that only some servers know, this one among them."""

    def site_file(self, deployment: Deployment) -> str:
        """The name of the file with `site()`."""

    def secrets_file(self, deployment: Deployment) -> str:
        """The name of the file with `secrets()`, which the others include."""

    def site(self, config: Config, deployment: Deployment) -> str:
        """What serves this app, for a server that is configured otherwise.

        Raises:
            ConfigError: The server's configuration can't express a setting.
        """

    def full(self, config: Config, deployment: Deployment, directory: Path) -> str:
        """A whole configuration that needs nothing outside `directory`, which is absolute.

        Raises:
            ConfigError: The server's configuration can't express a setting.
        """

    def secrets(self, config: Config, deployment: Deployment) -> str | None:
        """The secret part of the configuration; `None` if nothing in it is secret."""

    def further_files(self, deployment: Deployment) -> Mapping[str, str]:
        """The text of what the other files load, by file name."""


def load(name: str) -> Generator:
    """Import the generator of a server with this name.

    Raises:
        KeyError: The server has no generator.
    """
    module = DIALECTS_WITH_GENERATOR[name].generator
    return cast("Generator", importlib.import_module(str(module)))
