"""`xaccel serve`: show a directory of pictures as a gallery, for development."""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xaccel.cli.dev_server import LocalOnly, is_loopback, listen
from xaccel.cli.gallery.app import Gallery
from xaccel.cli.help import add_command
from xaccel.config import Config
from xaccel.exceptions import ConfigError


def add(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = add_command(
        commands,
        "serve",
        summary="show a directory of pictures as a gallery, for development",
        description="Show a directory of pictures as a gallery in the browser, with thumbnails, "
        "folders and files. You need neither a web server nor a framework. The gallery is for "
        "development only: it has one process, no TLS and no password. Ctrl-C stops it.",
        examples=[
            "xaccel serve ~/Pictures",
            "xaccel serve . --size 480x360 --cache /tmp/thumbnails",
        ],
    )
    parser.set_defaults(run=_run)
    parser.add_argument("directory", type=Path, metavar="DIR", help="the directory of pictures")
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8000,
        help="the port to listen on; 0 picks a free port (default: %(default)s)",
    )
    parser.add_argument(
        "--size",
        default="320x240",
        metavar="WxH",
        help="the box that each picture fits into, in CSS pixels (default: %(default)s)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="keep the thumbnails in this directory (default: a temporary one, removed at the end)",
    )


def _run(options: argparse.Namespace) -> None:
    directory = options.directory.expanduser().resolve()
    if not directory.is_dir():
        raise ConfigError(f"{str(options.directory)!r} is not a directory")
    size = _size(options.size)
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))
        stack.enter_context(_terminable())
        cache = stack.enter_context(_cache(options.cache))
        app = LocalOnly(Gallery(directory, cache, size), options.host)
        server = stack.enter_context(listen(options.host, options.port))
        server.set_app(app)
        print(f"{directory} is at http://{_in_url(options.host)}:{server.server_port}/", flush=True)
        print("For development only: no TLS, no password. Ctrl-C stops it.", flush=True)
        if not is_loopback(options.host):
            print("Everyone who can reach this address can see the pictures.", flush=True)
        server.serve_forever()


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch("([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", text)
    if match is None or max(int(match[1]), int(match[2])) * 3 > Config.thumbnail_max_side:
        most = Config.thumbnail_max_side // 3
        raise ConfigError(f"--size must be like 320x240, up to {most}x{most}, not {text!r}")
    return int(match[1]), int(match[2])


@contextlib.contextmanager
def _cache(directory: Path | None) -> Iterator[Path]:
    if directory is not None:
        yield directory.expanduser().absolute()
        return
    # A thread may still be writing a thumbnail while the directory is removed.
    with tempfile.TemporaryDirectory(prefix="xaccel-", ignore_cleanup_errors=True) as temporary:
        yield Path(temporary)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Make SIGTERM end the command in the same way as Ctrl-C, so that the command cleans up."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
