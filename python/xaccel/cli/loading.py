"""The settings for the commands, from wherever a project keeps them.

A command has `--app` for an object in Python, `--settings` for Django and `--config` for a file;
each of them gives the same `Config` that the running app has.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xaccel.config import Config
from xaccel.exceptions import ConfigError


def add_options(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add the options that say where the settings are, exactly one of which may be given."""
    group = parser.add_mutually_exclusive_group(required=required)
    group.add_argument(
        "--app",
        metavar="MODULE:NAME",
        help="where the settings are: a Flask app, any object with a Config as its attribute "
        "`config`, a Config, or a function that makes one of these",
    )
    group.add_argument("--settings", metavar="MODULE", help="or: the settings of a Django project")
    group.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="or: a TOML file with the settings at its top level or in [xaccel]",
    )


def load(options: argparse.Namespace) -> Config:
    """The settings that the options name.

    Raises:
        ConfigError: There are none, or they are wrong.
    """
    if options.app is not None:
        return from_app(options.app)
    if options.settings is not None:
        return from_django(options.settings)
    return from_file(options.config)


def given(options: argparse.Namespace) -> bool:
    """Whether the options name any settings."""
    return any(item is not None for item in (options.app, options.settings, options.config))


def from_app(name: str) -> Config:
    """The settings of the object that `MODULE:NAME` names.

    Raises:
        ConfigError: There is no such object, or it has no settings.
    """
    module_name, _, attribute = name.partition(":")
    option = f"--app {name}"
    found: Any = _import(module_name, option)
    for part in (attribute or "app").split("."):
        if not hasattr(found, part):
            raise ConfigError(f"{option}: {module_name} has no {part!r}")
        found = getattr(found, part)
    config = _config_of(found)
    if config is None and _is_factory(found):
        config = _config_of(_made_by(found, option))
    if config is None:
        raise ConfigError(
            f"{option} does not use xaccel: it must be a Flask app with XAccel(app), an object "
            "whose `config` is a xaccel.Config, or a function that makes one"
        )
    return config


def from_django(name: str) -> Config:
    """The settings of the Django project whose settings are the module `name`.

    Raises:
        ConfigError: There is no such module, or no Django, or a setting is wrong.
    """
    option = f"--settings {name}"
    _import(name, option)
    os.environ["DJANGO_SETTINGS_MODULE"] = name
    django = _import("django", option)
    try:
        django.setup()
    except Exception as error:
        raise ConfigError(f"{option}: Django can't start: {_told(error)}") from error
    config: Config = _import("xaccel.django.conf", option).config()
    return config


def from_file(path: Path) -> Config:
    """The settings in a TOML file, at its top level or in the table `[xaccel]`.

    Raises:
        ConfigError: It can't be read, is no TOML, or a setting is wrong.
    """
    try:
        settings: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"--config {path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"--config {path} is no TOML file: {error}") from None
    table = settings.get("xaccel")
    try:
        return Config.from_mapping(table if isinstance(table, Mapping) else settings)
    except ConfigError as error:
        raise ConfigError(f"--config {path}: {error}") from None


def _import(name: str, option: str) -> Any:
    # Where a command is started is where a project's modules are, as for `python -m`.
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ConfigError:
        raise
    except Exception as error:
        # A module that can't be imported is the user's; whatever it raises is to be told.
        raise ConfigError(f"{option}: can't import {name!r}: {_told(error)}") from error


def _is_factory(found: Any) -> bool:
    """Whether it can be called with nothing, which an app can't."""
    try:
        inspect.signature(found).bind()
    except (TypeError, ValueError):
        return False
    return True


def _made_by(factory: Any, option: str) -> Any:
    try:
        return factory()
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"{option}(): {_told(error)}") from error


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _config_of(found: Any) -> Config | None:
    if isinstance(found, Config):
        return found
    extensions = getattr(found, "extensions", None)
    state = extensions.get("xaccel") if isinstance(extensions, Mapping) else None
    config = getattr(state or found, "config", None)
    return config if isinstance(config, Config) else None
