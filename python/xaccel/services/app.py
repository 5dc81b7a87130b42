"""The app that a service starts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from xaccel.config import Config
from xaccel.exceptions import ConfigError

_PLAIN = re.compile(r"[A-Za-z0-9_./:@=+,-]+")
_APP = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True, kw_only=True)
class App:
    """How to start the app.

    Raises:
        ConfigError: A value can't be written in a service's file.
    """

    name: str
    """The name of the site, of its user and of its services, such as `shop`."""
    app: str
    """The app in the form that Gunicorn and Uvicorn take, such as `shop:app`."""
    option: str
    """The option with which `xaccel` finds the settings, such as `--app shop:app`."""
    directory: Path
    """The directory of the project, in which the app starts."""
    programs: Path
    """The directory of `gunicorn`, `uvicorn` and `xaccel`, such as `/srv/shop/.venv/bin`."""
    is_asgi: bool = False
    """Whether Uvicorn starts the app instead of Gunicorn."""
    celery: str | None = None
    """The Celery app in the form that `celery --app` takes, such as `shop.tasks:celery`."""
    broker: str | None = None
    """The URL of the Celery app's broker."""

    def __post_init__(self) -> None:
        """Refuse values that would end a word or a line in a service's file."""
        for app in (self.app, *([] if self.celery is None else [self.celery])):
            if not _APP.fullmatch(app):
                raise ConfigError(f"the app must be like 'shop:app', not {app!r}")
        for path in (self.directory, self.programs):
            check_path(str(path))


def check_path(path: str) -> str:
    """Return a path that is safe in a service's file.

    Raises:
        ConfigError: The path is not absolute, or has characters such as spaces.
    """
    if not path.startswith("/") or not _PLAIN.fullmatch(path):
        raise ConfigError(
            f"{path!r} can't be used in a service: the path must be absolute, and consist of "
            "letters, digits and the characters _./:@=+,-"
        )
    return path


def writable(config: Config) -> list[str]:
    """Return the directories that the app writes to."""
    return [] if config.thumbnail_cache is None else [check_path(config.thumbnail_cache)]


def read_only(config: Config) -> list[str]:
    """Return the directories that the app and the server only read."""
    sources = [each.location for each in config.source_locations if each.is_directory]
    directories = dict.fromkeys((*config.roots, *sources))
    return [check_path(each) for each in directories if each != config.thumbnail_cache]
