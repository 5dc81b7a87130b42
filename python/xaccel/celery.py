"""The Celery tasks `xaccel.render` and `xaccel.purge`, and purges that reach all machines.

    from xaccel.celery import init_app
    init_app(celery_app)  # Django
    init_app(celery_app, flask_app)  # Flask; otherwise a Config

From then on, every purge, such as a call to `purge_thumbnails()`, also purges the caches of all
other machines that run a worker.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from celery import Celery, Task
from celery.signals import worker_init

from xaccel._log import fields, one_line
from xaccel.config import Config
from xaccel.exceptions import ConfigError, Overloaded, SourceUnavailable
from xaccel.tasks import purge, render, tasks_of
from xaccel.thumbnails.endpoint import purge_listeners

__all__ = ["init_app"]

RENDER = "xaccel.render"
"""The name of the task that renders thumbnails."""
PURGE = "xaccel.purge"
"""The name of the task that purges thumbnails on all machines."""

_COMMAND = "xaccel_purge"
"""The remote control command that makes the workers purge the caches of their machines."""
_CONNECT_TIMEOUT = 2
"""The number of seconds after which a purge stops trying to reach the other machines."""

_logger = logging.getLogger("xaccel.thumbnails")
_found: weakref.WeakKeyDictionary[Celery, Any] = weakref.WeakKeyDictionary()
"""The source of the settings for each Celery app."""


def init_app(app: Celery, found: Any = None) -> None:
    """Add the tasks to a Celery app, and use the app to announce purges to all machines.

    `xaccel.render` takes the name of an image, a list of presets or specs, and the version in the
    URLs, such as `"mtime"`. It is retried while the source is unavailable or the queue is full.
    `xaccel.purge` takes the name of an image.

    Args:
        app: The Celery app.
        found: The settings: a `Config` or a Flask app. By default, the settings of the Django
            project.
    """
    _found[app] = found
    options: Any = {
        "autoretry_for": (Overloaded, SourceUnavailable),
        "retry_backoff": True,
        "retry_backoff_max": 60,
        "max_retries": 10,
        # Both tasks can safely run twice, so they are acknowledged late. This way, no task is lost
        # if a worker dies.
        "acks_late": True,
        # Otherwise, all Celery apps in a process would use the tasks of the first one.
        "shared": False,
    }

    @app.task(name=RENDER, **options)
    def render_thumbnails(source: str, specs: Sequence[str] = (), version: Any = None) -> int:
        return render(source, *specs, version=version, config=found)

    @app.task(name=PURGE, **options)
    def purge_thumbnails(source: str) -> int:
        return purge(source, config=found)


def enqueuer() -> Callable[[str, Sequence[str], str | None], None]:
    """Return a function that enqueues the task `xaccel.render`, for `xaccel backfill --celery`.

    Raises:
        ConfigError: `init_app()` has not been called.
    """
    app = next(iter(_found), None)
    if app is None:
        raise ConfigError(
            "--celery does not find your Celery app: call xaccel.celery.init_app(app) in a module "
            "that your project imports when it starts"
        )
    task: Task[Any, Any] = app.tasks[RENDER]

    def enqueue(source: str, specs: Sequence[str], version: str | None) -> None:
        task.apply_async((source, list(specs), version), ignore_result=True)

    return enqueue


def _announce(config: Config, source: str) -> None:
    """Ask the workers of all machines to purge. Errors are only logged."""
    for app, found in list(_found.items()):
        try:
            if tasks_of(found).config == config:
                _broadcast(app, source)
        except Exception as error:  # noqa: BLE001 - each broker has its own errors
            _logger.warning(
                "can't purge the thumbnails of %r on other machines: %s",
                source,
                one_line(error),
                extra=fields("purge_failed", source=source, error=type(error).__name__),
            )


def _broadcast(app: Celery, source: str) -> None:
    with app.connection_for_write(connect_timeout=_CONNECT_TIMEOUT) as connection:
        # Without this line, the broadcast would try to connect indefinitely.
        connection.ensure_connection(max_retries=1, timeout=_CONNECT_TIMEOUT)
        app.control.broadcast(_COMMAND, arguments={"source": source}, connection=connection)


@worker_init.connect
def _add_command(**_: Any) -> None:
    """Add the remote control command to a worker."""
    from celery.worker.control import control_command  # noqa: PLC0415

    @control_command(name=_COMMAND, args=[("source", str)], signature="<SOURCE>")
    def purge_here(state: Any, source: str) -> dict[str, int]:
        """Purge the thumbnails of an image in the cache of this machine."""
        return {"removed": tasks_of(_found.get(state.app)).endpoint.purge_here(source)}


purge_listeners.append(_announce)
