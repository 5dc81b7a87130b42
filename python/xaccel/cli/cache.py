"""`xaccel cache`: look into the cache of thumbnails, and take things out of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from xaccel._core import Cache
from xaccel.cli import loading
from xaccel.cli.help import add_command
from xaccel.config import Config
from xaccel.exceptions import ConfigError


def add(commands: Any) -> None:
    """Add the command to those that `add_subparsers()` gave."""
    parser = add_command(
        commands,
        "cache",
        summary="look into the cache of thumbnails, and tidy it up",
        description="Look into the cache of thumbnails, and take things out of it. Readers and "
        "writers need not stop for it.",
        examples=[
            "xaccel cache stats --app shop:app",
            "xaccel cache purge --app shop:app cats/tom.jpg",
        ],
    )
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    for name, run, text in (
        ("stats", _stats, "say how many thumbnails there are, and how large"),
        ("sweep", _sweep, "remove what is beyond THUMBNAIL_CACHE_MAX_SIZE and _INACTIVE"),
        ("purge", _purge, "remove every thumbnail of some images"),
        ("clear", _clear, "remove every thumbnail"),
    ):
        source = " cats/tom.jpg" if run is _purge else ""
        action = add_command(
            actions,
            name,
            summary=text,
            description=f"{text[0].upper()}{text[1:]}.",
            examples=[
                f"xaccel cache {name} --app shop:app{source}",
                f"xaccel cache {name} --settings shop.settings{source}",
            ],
        )
        loading.add_options(action)
        action.set_defaults(run=_runner(run))
        if run is _purge:
            action.add_argument(
                "source", nargs="+", help="the name of an image below THUMBNAIL_SOURCE"
            )


def _runner(
    run: Callable[[Cache, Config, argparse.Namespace], None],
) -> Callable[[argparse.Namespace], None]:
    def with_cache(options: argparse.Namespace) -> None:
        config = loading.load(options)
        if config.thumbnail_cache is None:
            raise ConfigError("XACCEL['THUMBNAIL_CACHE'] is not set: there is no cache")
        try:
            run(Cache(config.thumbnail_cache), config, options)
        except OSError as error:
            raise ConfigError(f"the cache {config.thumbnail_cache}: {error}") from error

    return with_cache


def _stats(cache: Cache, config: Config, options: argparse.Namespace) -> None:
    files, size = cache.usage()
    share = 100 * size / config.thumbnail_cache_max_size
    print(f"{_usage(files, size)}, {share:.0f} % of the most")


def _sweep(cache: Cache, config: Config, options: argparse.Namespace) -> None:
    swept = cache.sweep(
        max_size=config.thumbnail_cache_max_size, inactive=config.thumbnail_cache_inactive
    )
    if swept is None:
        print("another process is sweeping already")
        return
    removed, kept = swept
    print(f"removed {_usage(*removed)}; kept {_usage(*kept)}")


def _purge(cache: Cache, config: Config, options: argparse.Namespace) -> None:
    for source in options.source:
        removed = cache.purge(config.thumbnail_url, source.lstrip("/"))
        print(f"{source}: removed {_thumbnails(removed)}")


def _clear(cache: Cache, config: Config, options: argparse.Namespace) -> None:
    print(f"removed {_usage(*cache.clear())}")


def _usage(files: int, size: int) -> str:
    return f"{_thumbnails(files)}, {size / 2**20:.1f} MiB"


def _thumbnails(number: int) -> str:
    return f"{number} thumbnail{'' if number == 1 else 's'}"
