"""Celery tasks: `xaccel.render` and `xaccel.purge`; and purges on all machines.

    from xaccel.celery import init_app
    init_app(celery_app)  # Django
    init_app(celery_app, flask_app)  # Flask; otherwise a Config

Afterwards, every purge, such as that of `purge_thumbnails()`, also reaches the caches of all other
machines on which a worker runs.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from celery import Celery, Task
from celery.signals import worker_init

from xaccel._log import one_line
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
"""The remote control command with which the workers purge the caches of their machines."""
_CONNECT_TIMEOUT = 2
"""Seconds until a purge gives up to reach the other machines."""

_logger = logging.getLogger("xaccel.thumbnails")
_found: weakref.WeakKeyDictionary[Celery, Any] = weakref.WeakKeyDictionary()
"""Where each Celery app finds the settings."""


def init_app(app: Celery, found: Any = None) -> None:
    """Add the tasks to a Celery app, and announce purges through it.

    `xaccel.render` takes the name of an image, the names of presets or specs as a list, and the
    version in the URLs, such as `"mtime"`. It is tried again while the source or the queue is
    unavailable. `xaccel.purge` takes the name of an image.

    Args:
        app: The Celery app.
        found: The settings: a `Config` or a Flask app. Without, those of the Django project.
    """
    _found[app] = found
    options: Any = {
        "autoretry_for": (Overloaded, SourceUnavailable),
        "retry_backoff": True,
        "retry_backoff_max": 60,
        "max_retries": 10,
        # Both may run twice, so that nothing is lost with a worker.
        "acks_late": True,
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
        ConfigError: No Celery app is known.
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
    """Ask the workers of all machines to purge. An error is only logged."""
    for app, found in list(_found.items()):
        try:
            if tasks_of(found).config == config:
                _broadcast(app, source)
        except Exception as error:  # noqa: BLE001 - each broker has errors of its own
            _logger.warning(
                "can't purge the thumbnails of %r on other machines: %s", source, one_line(error)
            )


def _broadcast(app: Celery, source: str) -> None:
    with app.connection_for_write(connect_timeout=_CONNECT_TIMEOUT) as connection:
        # A broadcast alone would try to connect without end.
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
