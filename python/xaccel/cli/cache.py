"""`xaccel cache`: show and clean up the cache of thumbnails."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from xaccel._core import Cache
from xaccel.cli import app_config
from xaccel.cli.help import add_command
from xaccel.config import Config
from xaccel.exceptions import ConfigError
from xaccel.thumbnails import ownership, store
from xaccel.thumbnails.endpoint import purge_listeners
from xaccel.thumbnails.names import ImageNames


def add(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = add_command(
        commands,
        "cache",
        summary="show and clean up the cache of thumbnails",
        description="Show how large the cache of thumbnails is, or remove thumbnails from it. The "
        "app and the web server keep running.",
        examples=[
            "xaccel cache stats --app shop:app",
            "xaccel cache purge --app shop:app cats/tom.jpg",
        ],
    )
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    for name, run, text in (
        ("stats", _stats, "print the number of thumbnails and their total size"),
        (
            "sweep",
            _sweep,
            "remove thumbnails beyond THUMBNAIL_CACHE_MAX_SIZE and THUMBNAIL_CACHE_INACTIVE",
        ),
        ("purge", _purge, "remove all thumbnails of the given images"),
        ("clear", _clear, "remove all thumbnails"),
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
        app_config.add_options(action)
        action.set_defaults(run=_runner(run))
        if run is _sweep:
            action.add_argument(
                "--outdated",
                action="store_true",
                help="remove outdated thumbnails instead: those rendered before you changed a "
                "setting that affects pictures, such as THUMBNAIL_QUALITY",
            )
        if run is _purge:
            action.add_argument(
                "source",
                nargs="+",
                help="the name of an image in THUMBNAIL_SOURCE, or a name such as "
                "'~avatars/tom.jpg' in one of THUMBNAIL_SOURCES",
            )


def _runner(
    run: Callable[[Cache, Config, argparse.Namespace], None],
) -> Callable[[argparse.Namespace], None]:
    def with_cache(options: argparse.Namespace) -> None:
        config = app_config.load(options)
        if config.thumbnail_cache is None:
            raise ConfigError("XACCEL['THUMBNAIL_CACHE'] is not set, so this app has no cache")
        try:
            run(Cache(config.thumbnail_cache), config, options)
        except OSError as error:
            raise ConfigError(f"the cache {config.thumbnail_cache}: {error}") from error

    return with_cache


def _stats(cache: Cache, config: Config, options: argparse.Namespace) -> None:
    files, size = cache.usage()
    share = 100 * size / config.thumbnail_cache_max_size
    print(f"{_usage(files, size)}, {share:.0f} % of THUMBNAIL_CACHE_MAX_SIZE")


def _sweep(cache: Cache, config: Config, options: argparse.Namespace) -> None:
    if options.outdated:
        print(f"removed {_usage(*ownership.sweep_outdated(config))}")
        return
    swept = cache.sweep(
        max_size=config.thumbnail_cache_max_size, inactive=config.thumbnail_cache_inactive
    )
    if swept is None:
        print("another process is already sweeping the cache")
        return
    removed, kept = swept
    print(f"removed {_usage(*removed)}; kept {_usage(*kept)}")


def _purge(cache: Cache, config: Config, options: argparse.Namespace) -> None:
    names = ImageNames(config)
    shared = store.get(config)
    for source in options.source:
        name = names.checked(source)
        removed = 0
        for each in names.all_of(name):
            stored = 0 if shared is None else shared.purge(each)
            removed += max(cache.purge(config.thumbnail_url, each), stored)
        for listener in purge_listeners:
            listener(config, name)
        print(f"{source}: removed {_thumbnails(removed)}")
    if shared is not None and not purge_listeners:
        print(
            "The caches of other machines may still contain these thumbnails. Use xaccel.celery "
            "to purge all caches, or use URLs with a version, which do not need a purge."
        )


def _clear(cache: Cache, config: Config, options: argparse.Namespace) -> None:
    print(f"removed {_usage(*cache.clear())}")
    ownership.forget(config)


def _usage(files: int, size: int) -> str:
    return f"{_thumbnails(files)}, {size / 2**20:.1f} MiB"


def _thumbnails(number: int) -> str:
    return f"{number} thumbnail{'' if number == 1 else 's'}"
