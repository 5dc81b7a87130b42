"""Load the app's settings for a command.

`--app` names a Python object, `--settings` a Django settings module, and `--config` a TOML file.
Each option loads the same `Config` as the running app. `manage.py xaccel` uses the project's
settings.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import sys
import tomllib
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from xaccel.config import Config
from xaccel.exceptions import ConfigError
from xaccel.tasks import config_of

in_project: ContextVar[bool] = ContextVar("in_project", default=False)
"""Whether the command runs under `manage.py`, which makes the options unnecessary."""


def add_options(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add the mutually exclusive options that name the settings."""
    group = parser.add_mutually_exclusive_group(required=required and not in_project.get())
    group.add_argument(
        "--app",
        metavar="MODULE:NAME",
        help="take the settings from a Flask app, a Config, an object whose attribute `config` is "
        "a Config, or a function that returns one of these",
    )
    group.add_argument("--settings", metavar="MODULE", help="or take them from a Django project")
    group.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="or take them from a TOML file: from its top level or from its table [xaccel]",
    )


def load(options: argparse.Namespace) -> Config:
    """Return the settings that the options name.

    Raises:
        ConfigError: The settings are missing or invalid.
    """
    if options.app is not None:
        return from_app(options.app)
    if options.settings is not None:
        return from_django(options.settings)
    if options.config is not None:
        return from_file(options.config)
    config: Config = _import("xaccel.django.conf", "manage.py").config()
    return config


def is_named(options: argparse.Namespace) -> bool:
    """Whether an option names the settings."""
    return any(item is not None for item in (options.app, options.settings, options.config))


def from_app(name: str) -> Config:
    """Return the settings of the object named by `MODULE:NAME`.

    Raises:
        ConfigError: The object does not exist, or has no settings.
    """
    module_name, _, attribute = name.partition(":")
    option = f"--app {name}"
    found: Any = _import(module_name, option)
    for part in (attribute or "app").split("."):
        if not hasattr(found, part):
            raise ConfigError(f"{option}: {module_name} has no {part!r}")
        found = getattr(found, part)
    config = config_of(found)
    if config is None and _is_factory(found):
        config = config_of(_result_of(found, option))
    if config is None:
        raise ConfigError(
            f"{option} does not use xaccel: it must be a Flask app with XAccel(app), an object "
            "whose `config` is an xaccel.Config, or a function that returns one of these"
        )
    return config


def broker_of(name: str) -> str | None:
    """Return the broker URL of the Celery app `MODULE:NAME`, or `None` if the app does not set one.

    Raises:
        ConfigError: The app does not exist.
    """
    module_name, _, attribute = name.partition(":")
    option = f"--celery {name}"
    app: Any = getattr(_import(module_name, option), attribute or "app", None)
    if not hasattr(app, "conf"):
        raise ConfigError(f"{option} is not a Celery app")
    broker = app.conf.broker_url
    return None if broker is None else str(broker)


def from_django(name: str) -> Config:
    """Return the settings of the Django project with the settings module `name`.

    Raises:
        ConfigError: The module or Django can't be imported, or a setting is invalid.
    """
    option = f"--settings {name}"
    _import(name, option)
    os.environ["DJANGO_SETTINGS_MODULE"] = name
    django = _import("django", option)
    try:
        django.setup()
    except Exception as error:
        raise ConfigError(f"{option}: Django can't start: {_described(error)}") from error
    config: Config = _import("xaccel.django.conf", option).config()
    return config


def from_file(path: Path) -> Config:
    """Return the settings in a TOML file, either at its top level or in its table `[xaccel]`.

    Raises:
        ConfigError: The file can't be read or is not TOML, or a setting is invalid.
    """
    try:
        settings: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"--config {path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"--config {path} is not a TOML file: {error}") from None
    table = settings.get("xaccel")
    try:
        return Config.from_mapping(table if isinstance(table, Mapping) else settings)
    except ConfigError as error:
        raise ConfigError(f"--config {path}: {error}") from None


def _import(name: str, option: str) -> Any:
    # Import a project's modules from the current directory, like `python -m`.
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ConfigError:
        raise
    except Exception as error:
        # The user's module may raise any exception, and the user has to see it.
        raise ConfigError(f"{option}: can't import {name!r}: {_described(error)}") from error


def _is_factory(found: Any) -> bool:
    """Whether an object can be called without arguments. Apps require arguments."""
    try:
        inspect.signature(found).bind()
    except (TypeError, ValueError):
        return False
    return True


def _result_of(factory: Any, option: str) -> Any:
    try:
        return factory()
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"{option}(): {_described(error)}") from error


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
