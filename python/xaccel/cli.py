"""The command `xaccel`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import Any, get_args

from xaccel import cache_commands
from xaccel._core import Signer, __version__, codecs
from xaccel.config import Algorithm, Config
from xaccel.exceptions import BadSignature, ConfigError
from xaccel.servers import WEB_SERVERS, nginx_thumbnails
from xaccel.servers.deployment import Deployment

_KEYS_VARIABLE = "XACCEL_SECRET_KEYS"
_KEYS_HELP = (
    f"The secret keys come from --key-file or from the environment variable {_KEYS_VARIABLE}, "
    "one a line, newest first; never from the command line, which every user can see."
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Returns:
        Its exit status: 0; 1 when what was checked is bad; 2 when asked for the impossible.
    """
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except BadSignature as error:
        print(f"xaccel: {error}", file=sys.stderr)
        return 1
    except (ConfigError, ValueError) as error:
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
    cache_commands.add(commands, _load)
    _add_sign(commands)
    _add_verify(commands)
    return parser


def _add_config(commands: Any) -> None:
    parser = commands.add_parser(
        "config",
        help="write the web server's configuration",
        description="Write the web server's configuration from the app's own settings.",
    )
    parser.set_defaults(run=_config)
    parser.add_argument("server", choices=list(WEB_SERVERS), help="the web server")
    parser.add_argument(
        "--app",
        required=True,
        metavar="MODULE:NAME",
        help="the app whose settings are used: an object, or a function that makes it",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="a whole configuration that any user can start, not just a site file; needs --out",
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
    parser.add_argument(
        "--verify",
        choices=["app", "secure-link", "njs"],
        help="how nginx finds out that a thumbnail's URL is good: it asks the app once, or checks "
        "the signature itself (default: secure-link, if URLs are signed so, else app)",
    )


def _config(options: argparse.Namespace) -> None:
    config = _load(options.app)
    server = WEB_SERVERS[options.server]
    if options.verify is not None and options.server != "nginx":
        raise ConfigError(f"--verify is for nginx; with {options.server} the app checks URLs")
    deployment = Deployment(
        upstream=options.upstream,
        listen=options.listen,
        domain=options.domain,
        static=dict(_static(item) for item in options.static),
        client_max_body_size=options.client_max_body_size,
        verify=options.verify,
    )
    if options.out is None:
        if options.full:
            raise ConfigError("--full needs --out DIR, the directory that the server works in")
        print(server.site(config, deployment), end="")
        return
    directory = options.out.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    if options.full:
        (directory / "tmp").mkdir(exist_ok=True)
        main_file = directory / server.FULL_FILE
        main_file.write_text(server.full(config, deployment, directory))
    else:
        main_file = directory / server.SITE_FILE
        main_file.write_text(server.site(config, deployment))
    print(f"wrote {main_file}")
    if options.verify == "njs":
        script = directory / nginx_thumbnails.SCRIPT_FILE
        script.write_text(nginx_thumbnails.SCRIPT.read_text())
        print(f"wrote {script}")
    secrets = server.secrets(config, deployment)
    if secrets is not None:
        secrets_file = directory / server.SECRETS_FILE
        descriptor = os.open(secrets_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o600)
            file.write(secrets)
        print(f"wrote {secrets_file} (keep it secret)")


def _add_sign(commands: Any) -> None:
    parser = commands.add_parser(
        "sign",
        help="sign URLs",
        description="Print the signed URL of each path.",
        epilog=_KEYS_HELP,
    )
    parser.set_defaults(run=_sign)
    parser.add_argument("path", nargs="+", help="a path, not percent-encoded: '/t/300x200/a b.jpg'")
    lifetime = parser.add_mutually_exclusive_group()
    lifetime.add_argument(
        "--expires", type=int, metavar="TIME", help="the last second, in Unix time, it is good in"
    )
    lifetime.add_argument(
        "--expires-in", type=int, metavar="SECONDS", help="how long it is good, at the least"
    )
    _add_signer(parser)


def _add_verify(commands: Any) -> None:
    parser = commands.add_parser(
        "verify",
        help="check a signed URL",
        description="Print the path of a signed URL; or why it is not good, and exit with 1.",
        epilog=_KEYS_HELP,
    )
    parser.set_defaults(run=_verify)
    parser.add_argument("url", help="the URL's path and query, as a browser sends them")
    _add_signer(parser)


def _add_signer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--algorithm",
        choices=get_args(Algorithm),
        default=Config.signature,
        help="how URLs are signed (default: %(default)s)",
    )
    parser.add_argument(
        "--key-file", type=Path, metavar="FILE", help="the secret keys, one a line, newest first"
    )


def _sign(options: argparse.Namespace) -> None:
    signer = _signer(options)
    for path in options.path:
        print(signer.sign_path(path, expires=options.expires, expires_in=options.expires_in))


def _verify(options: argparse.Namespace) -> None:
    print(_signer(options).verify(options.url))


def _signer(options: argparse.Namespace) -> Signer:
    if options.key_file is None:
        text = os.environ.get(_KEYS_VARIABLE, "")
    else:
        try:
            text = options.key_file.read_text()
        except OSError as error:
            raise ConfigError(f"--key-file {options.key_file}: {error.strerror}") from None
    keys = [line for line in text.splitlines() if line]
    if not keys:
        raise ConfigError(f"there is no key: set {_KEYS_VARIABLE}, or use --key-file")
    return Signer(keys, algorithm=options.algorithm)


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
