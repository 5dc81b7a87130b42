"""`xaccel config systemd|docker|kubernetes`: the files that start the app."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from xaccel.cli import app_config
from xaccel.exceptions import ConfigError
from xaccel.servers.deployment import Deployment
from xaccel.services import docker, kubernetes, systemd
from xaccel.services.app import App

_FILES = {
    "systemd": systemd.files,
    "docker": docker.files,
    "kubernetes": kubernetes.files,
}
NAMES = tuple(_FILES)
"""The software that can start the app."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of these files."""
    group = parser.add_argument_group(", ".join(NAMES))
    group.add_argument(
        "--wsgi",
        metavar="MODULE:APP",
        help="the app that Gunicorn starts (default: that of --app)",
    )
    group.add_argument("--asgi", metavar="MODULE:APP", help="the app that Uvicorn starts")
    group.add_argument(
        "--celery",
        metavar="MODULE:APP",
        help="docker: also start a worker of this Celery app; if the app's broker is a container "
        "with Redis, such as redis://redis:6379/0, start it too",
    )
    group.add_argument(
        "--directory",
        type=Path,
        metavar="DIR",
        help="the directory of the project (default: the current directory)",
    )
    group.add_argument(
        "--programs",
        type=Path,
        metavar="DIR",
        help="the directory that contains gunicorn, uvicorn and xaccel (default: the directory of "
        "this Python)",
    )


def run(options: argparse.Namespace, deployment: Deployment) -> int:
    """Write the files to --out, or print them.

    Raises:
        ConfigError: An option is missing or invalid, or a file can't be written.
    """
    config = app_config.load(options)
    app = _app(options, deployment)
    for name, text in _FILES[options.server](config, deployment, app).items():
        if options.out is None:
            print(f"# {name}\n{text}")
            continue
        path = options.out.absolute() / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # The configuration of nginx may contain keys.
            path.touch(mode=0o600 if "secret" in name else 0o644)
            path.write_text(text)
        except OSError as error:
            raise ConfigError(f"can't write {error.filename}: {error.strerror}") from None
        print(f"wrote {path}")
    return 0


def _app(options: argparse.Namespace, deployment: Deployment) -> App:
    target = options.asgi or options.wsgi or options.app
    if target is None:
        raise ConfigError(
            f"`xaccel config {options.server}` needs the app: --wsgi shop.wsgi:application, or "
            "--asgi shop.asgi:application"
        )
    if deployment.name is None:
        raise ConfigError("pass the name of the site: --name shop")
    named = {"app": options.app, "settings": options.settings, "config": options.config}
    option, value = next((key, value) for key, value in named.items() if value is not None)
    if options.celery is not None and options.server != "docker":
        raise ConfigError(f"--celery is for docker, not for {options.server}")
    directory = (options.directory or Path.cwd()).absolute()
    programs = (options.programs or Path(sys.executable).parent).absolute()
    return App(
        name=deployment.name,
        app=target,
        option=f"--{option} {value}",
        directory=directory,
        programs=programs,
        is_asgi=options.asgi is not None,
        celery=options.celery,
        broker=None if options.celery is None else app_config.broker_of(options.celery),
    )
