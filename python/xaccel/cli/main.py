"""The command `xaccel`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, get_args

from xaccel._core import Signer, __version__, codecs
from xaccel.cli import (
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
    "The secret keys, the app's SECRET_KEYS, come from --key-file or from the environment "
    f"variable {_KEYS_VARIABLE}, one a line, newest first; never from the command line, which "
    "every user of the machine can see."
)
_SETTINGS_HELP = (
    "The settings are those of your project: name its app by --app, its Django settings by "
    "--settings, or a TOML file by --config."
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Returns:
        Its exit status: 0; 1 when what was checked is bad; 2 when asked for the impossible.
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
        prog="xaccel",
        description=wrapped(
            "Private files and thumbnails for Python web apps: the app decides who may see what, "
            "the web server does the work."
        ),
        epilog=epilog(
            [
                "xaccel serve ~/Pictures",
                "xaccel config nginx --app shop:app --out /etc/nginx/conf.d",
                "xaccel doctor https://www.example.com/ --app shop:app",
            ],
            [
                _SETTINGS_HELP,
                "`xaccel COMMAND --help` tells more of a command.",
                EXIT_STATUS,
            ],
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(codecs().items()))
    parser.add_argument(
        "-V",
        "--version",
        action="version",
        version=f"xaccel {__version__} ({libraries})",
        help="show the version of xaccel and of each codec library",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    config_command.add(commands)
    doctor_command.add(commands)
    cache_commands.add(commands)
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
        description="Print the signed URL of each path, one a line.",
        examples=[
            "xaccel sign --key-file keys /t/300x200/cat.jpg",
            "xaccel sign --key-file keys --expires-in 3600 '/p/videos/my film.mp4'",
        ],
        notes=[_KEYS_HELP, EXIT_STATUS],
    )
    parser.set_defaults(run=_sign)
    parser.add_argument("path", nargs="+", help="a path, not percent-encoded: '/t/300x200/a b.jpg'")
    lifetime = parser.add_mutually_exclusive_group()
    lifetime.add_argument(
        "--expires",
        type=int,
        metavar="TIME",
        help="the last second in which it is good, in Unix time",
    )
    lifetime.add_argument(
        "--expires-in",
        type=int,
        metavar="SECONDS",
        help="how long it is good, at least; up to 1.5 times as long, so that the URL lasts",
    )
    _add_signer(parser)


def _add_verify(commands: Any) -> None:
    parser = add_command(
        commands,
        "verify",
        summary="check a signed URL",
        description="Print the path of a signed URL that is good; else say what is wrong with it, "
        "and exit with 1.",
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
        help="how URLs are signed, as the setting SIGNATURE (default: %(default)s)",
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
