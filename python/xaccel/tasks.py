"""Functions for background jobs that render or purge the thumbnails of an image.

They work with any task queue. `xaccel.celery` and `xaccel.django.tasks` provide them as tasks.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from xaccel.config import Config
from xaccel.exceptions import ConfigError
from xaccel.thumbnails.tasks import ThumbnailTasks

__all__ = ["purge", "render"]

_known: dict[int, ThumbnailTasks] = {}
"""The tasks for each `Config`, keyed by its `id()`. Each entry keeps its `Config` alive."""


def render(source: object, *specs: str, version: object = None, config: Any = None) -> int:
    """Render an image's thumbnails that are not in the cache yet, and store them there.

    Args:
        source: The image, as in `thumbnail_url()`.
        specs: Names of presets, or specs such as `"300x200,cover"`; by default all presets.
        version: The version in the URLs, as in `thumbnail_url()`, for example `"mtime"`.
        config: The settings: a `Config`, a Flask app, or an object with an attribute `config`. By
            default, the settings of the Django project or of the current Flask app.

    Returns:
        The number of thumbnails that were rendered.

    Raises:
        ConfigError: No settings were found, or they lack a source or a cache.
        SpecError: A spec is invalid.
        SourceError: The source is invalid.
        FileNotFound: The image does not exist.
        ThumbnailError: The image can't be rendered.
        SourceUnavailable: The source or the cache is unavailable. Try again later.
        Overloaded: Too many requests are already waiting. Try again later.
    """
    tasks = tasks_of(config)
    found = tasks.request(source, tasks.specs(specs), version)
    if found is None:
        return 0
    name, texts = found
    return sum(
        tasks.keep(thumbnail) for text in texts for thumbnail in tasks.thumbnails(name, text)
    )


def purge(source: object, *, config: Any = None) -> int:
    """Remove every thumbnail of an image from the cache of this machine.

    With `xaccel.celery`, all machines that run a Celery worker do the same.

    Args:
        source: The image, as in `thumbnail_url()`.
        config: The settings; see `render()`.

    Returns:
        The number of thumbnails that were removed on this machine.

    Raises:
        ConfigError: No settings were found, or they do not contain a source.
        SourceError: The source is invalid.
        OSError: The cache is not writable.
    """
    tasks = tasks_of(config)
    name = tasks.urls.name(source)
    return 0 if name is None else tasks.endpoint.purge(name)


def tasks_of(found: Any = None) -> ThumbnailTasks:
    """Return the tasks of an app; see `render()`.

    Raises:
        ConfigError: No settings were found, or they do not contain a source.
    """
    if found is None and _is_django():
        from xaccel.django import conf  # noqa: PLC0415

        return conf.thumbnail_tasks()
    config = config_of(_current_flask_app() if found is None else found)
    if config is None:
        raise ConfigError(
            "xaccel does not know the settings: pass config= (an xaccel.Config or your Flask "
            "app); with Django, call django.setup() first"
        )
    known = _known.get(id(config))
    return known or _known.setdefault(id(config), ThumbnailTasks(config))


def config_of(found: Any) -> Config | None:
    """Return the `Config` of a Flask app or of an object with a `config`, or a `Config` itself."""
    if isinstance(found, Config):
        return found
    extensions = getattr(found, "extensions", None)
    state = extensions.get("xaccel") if isinstance(extensions, Mapping) else None
    config = getattr(state or found, "config", None)
    return config if isinstance(config, Config) else None


def _is_django() -> bool:
    """Whether this process runs a Django project."""
    conf = sys.modules.get("django.conf")
    return conf is not None and conf.settings.configured and "xaccel.django" in sys.modules


def _current_flask_app() -> object:
    flask = sys.modules.get("flask")
    return flask.current_app if flask is not None and flask.has_app_context() else None
