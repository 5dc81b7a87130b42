"""The command `xaccel`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, get_args

from xaccel._core import Signer, __version__, codecs, sandbox_layers
from xaccel.cli import (
    app_config,
    backfill as backfill_command,
    cache as cache_commands,
    config as config_command,
    doctor as doctor_command,
    images as image_commands,
    serve as serve_command,
)
from xaccel.cli.help import EXIT_STATUS, add_command, epilog, wrapped
from xaccel.config import Algorithm, Config
from xaccel.exceptions import BadSignature, ConfigError, FileNotFound, ThumbnailError

_KEYS_VARIABLE = "XACCEL_SECRET_KEYS"
_KEYS_HELP = (
    "The secret keys are the app's SECRET_KEYS. Put them in the file that --key-file names or in "
    f"the environment variable {_KEYS_VARIABLE}, one per line, newest first. You can't pass them "
    "as arguments, because every user of the machine can see the arguments of a command."
)
_SETTINGS_HELP = (
    "Commands read the settings of your project: specify its app with --app, its Django settings "
    "with --settings, or a TOML file with --config."
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The command-line arguments; by default, this process's own.

    Returns:
        The exit status: 0 for success, 1 if a check fails, 2 if an argument or setting is invalid.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except (BadSignature, ThumbnailError) as error:
        print(f"xaccel: {error}", file=sys.stderr)
        return 1
    except (ConfigError, FileNotFound, ValueError) as error:
        print(f"xaccel: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="manage.py xaccel" if app_config.in_project.get() else "xaccel",
        description=wrapped(
            "Private files and thumbnails for Python web apps: the app decides, the web server "
            "does the work."
        ),
        epilog=epilog(
            [
                "xaccel serve ~/Pictures",
                "xaccel config nginx --app shop:app --out /etc/nginx/conf.d",
                "xaccel doctor https://www.example.com/ --app shop:app",
            ],
            [
                _SETTINGS_HELP,
                "`xaccel COMMAND --help` describes a command.",
                EXIT_STATUS,
            ],
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(codecs().items()))
    layers = ", ".join(sandbox_layers()) or "none"
    parser.add_argument(
        "-V",
        "--version",
        action="version",
        version=f"xaccel {__version__} ({libraries}; sandbox: {layers})",
        help="show the version of xaccel and of each codec library, and the sandbox's layers",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    config_command.add(commands)
    doctor_command.add(commands)
    cache_commands.add(commands)
    backfill_command.add(commands)
    serve_command.add(commands)
    _add_sign(commands)
    _add_verify(commands)
    image_commands.add(commands)
    return parser


def _add_sign(commands: Any) -> None:
    parser = add_command(
        commands,
        "sign",
        summary="sign URLs",
        description="Print the signed URL of each path, one per line.",
        examples=[
            "xaccel sign --key-file keys /t/300x200/cat.jpg",
            "xaccel sign --key-file keys --expires-in 3600 '/p/videos/my film.mp4'",
        ],
        notes=[_KEYS_HELP, EXIT_STATUS],
    )
    parser.set_defaults(run=_sign)
    parser.add_argument(
        "path", nargs="+", help="a path without percent-encoding, such as '/t/300x200/a b.jpg'"
    )
    lifetime = parser.add_mutually_exclusive_group()
    lifetime.add_argument(
        "--expires",
        type=int,
        metavar="TIME",
        help="the last second at which the URL is valid, as a Unix time",
    )
    lifetime.add_argument(
        "--expires-in",
        type=int,
        metavar="SECONDS",
        help="how long the URL is valid; the expiry is rounded up, to at most 1.5 times this "
        "duration, so that browsers and CDNs can cache the URL",
    )
    _add_signer(parser)


def _add_verify(commands: Any) -> None:
    parser = add_command(
        commands,
        "verify",
        summary="check a signed URL",
        description="Print the path of a signed URL. If the URL is not valid, print the reason "
        "and exit with status 1.",
        examples=["xaccel verify --key-file keys '/t/300x200/cat.jpg?key=…'"],
        notes=[_KEYS_HELP, EXIT_STATUS],
    )
    parser.set_defaults(run=_verify)
    parser.add_argument("url", help="the URL's path and query, as a browser sends them")
    _add_signer(parser)


def _add_signer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--algorithm",
        choices=get_args(Algorithm),
        default=Config.signature,
        help="how URLs are signed, as in the setting SIGNATURE (default: %(default)s)",
    )
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="a file with the secret keys, one per line, newest first",
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
        raise ConfigError(f"no secret key: set {_KEYS_VARIABLE}, or use --key-file")
    return Signer(keys, algorithm=options.algorithm)
