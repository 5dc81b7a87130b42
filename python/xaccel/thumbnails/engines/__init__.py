"""Engines determine which server makes the thumbnails, and what their URLs look like.

Templates stay the same when `THUMBNAIL_ENGINE` changes. From the same source and spec, each engine
generates a URL for its server. If the server does not support an option, the engine raises an error
that names the option.

Each engine is a module named as in `xaccel.config.EngineName`, but with `_` instead of `-`.
The module's function `create(config)` returns the `Engine`. Only the module of the engine in use is
imported.
"""

from __future__ import annotations

from importlib import import_module

from xaccel.config import Config
from xaccel.exceptions import ConfigError
from xaccel.thumbnails.engines.base import Engine


def get(config: Config) -> Engine:
    """Return the engine that the settings select.

    Raises:
        ConfigError: A setting that the engine needs is missing.
    """
    if config.thumbnail_only_presets and config.thumbnail_engine != "embedded":
        raise ConfigError(
            "XACCEL['THUMBNAIL_ONLY_PRESETS'] works only with the engine 'embedded', not with "
            f"{config.thumbnail_engine!r}"
        )
    module = import_module(f"{__name__}.{config.thumbnail_engine.replace('-', '_')}")
    engine: Engine = module.create(config)
    return engine
