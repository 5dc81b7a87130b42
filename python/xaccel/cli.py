"""The command `xaccel`."""

from __future__ import annotations

import argparse
import getpass
import importlib
import os
import sys
from pathlib import Path
from typing import Any

from xaccel._core import __version__, codecs
from xaccel.config import Config
from xaccel.exceptions import ConfigError
from xaccel.servers import nginx
from xaccel.servers.deployment import Deployment


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, or 2 when it was asked for the impossible."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except ConfigError as error:
        print(f"xaccel: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="xaccel",
        description="Private files and thumbnails: the app decides, the web server does the work.",
    )
    libraries = ", ".join(f"{name} {version}" for name, version in codecs().items())
    parser.add_argument(
        "--version", action="version", version=f"xaccel {__version__} ({libraries})"
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_config(commands)
    return parser


def _add_config(commands: Any) -> None:
    parser = commands.add_parser(
        "config",
        help="write the web server's configuration",
        description="Write the web server's configuration from the app's own settings.",
    )
    parser.set_defaults(run=_config)
    parser.add_argument("server", choices=["nginx"], help="the web server")
    parser.add_argument(
        "--app",
        required=True,
        metavar="MODULE:NAME",
        help="the app whose settings are used: an object, or a function that makes it",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="a whole nginx.conf that any user can start, not just a site file; needs --out",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write the files there instead of printing the site file",
    )
    parser.add_argument(
        "--upstream",
        default="127.0.0.1:8000",
        metavar="ADDRESS",
        help="where the app listens: HOST:PORT or unix:/path/to.sock (default: %(default)s)",
    )
    parser.add_argument(
        "--listen",
        default="80",
        metavar="[ADDR:]PORT",
        help="where the server listens (default: %(default)s)",
    )
    parser.add_argument("--domain", metavar="NAME", help="the host name that is served")
    parser.add_argument(
        "--static",
        action="append",
        default=[],
        metavar="URL=DIR",
        help="a directory of static files and its URL prefix, such as /static/=/srv/static",
    )
    parser.add_argument(
        "--client-max-body-size",
        default="10m",
        metavar="SIZE",
        help="the largest upload (default: %(default)s)",
    )


def _config(options: argparse.Namespace) -> None:
    config = _load(options.app)
    deployment = Deployment(
        upstream=options.upstream,
        listen=options.listen,
        domain=options.domain,
        static=dict(_static(item) for item in options.static),
        client_max_body_size=options.client_max_body_size,
    )
    if options.out is None:
        if options.full:
            raise ConfigError("--full needs --out DIR, the directory that nginx works in")
        print(nginx.site(config, deployment), end="")
        return
    directory = options.out.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    if options.full:
        (directory / "tmp").mkdir(exist_ok=True)
        # nginx gives up root's rights unless told whose to take; as anyone else it keeps its own.
        user = getpass.getuser() if os.geteuid() == 0 else None
        main_file = directory / "nginx.conf"
        main_file.write_text(nginx.full(config, deployment, directory, user))
    else:
        main_file = directory / "xaccel.conf"
        main_file.write_text(nginx.site(config, deployment))
    print(f"wrote {main_file}")
    secrets = nginx.secrets(config)
    if secrets is not None:
        secrets_file = directory / nginx.SECRETS_FILE
        descriptor = os.open(secrets_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o600)
            file.write(secrets)
        print(f"wrote {secrets_file} (keep it secret)")


def _static(text: str) -> tuple[str, str]:
    prefix, equals, directory = text.partition("=")
    if not equals or not directory:
        raise ConfigError(f"--static must be like /static/=/srv/static, not {text!r}")
    return prefix, str(Path(directory).absolute())


def _load(text: str) -> Config:
    """The settings of the app that `MODULE:NAME` names."""
    module_name, _, name = text.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        app = getattr(importlib.import_module(module_name), name or "app")
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"--app {text}: {error}") from error
    if not hasattr(app, "extensions") and callable(app):
        app = app()
    state = getattr(app, "extensions", {}).get("xaccel")
    if state is None:
        raise ConfigError(f"--app {text}: this app does not use xaccel: XAccel(app)")
    config: Config = state.config
    return config
