"""`manage.py thumbnail`: the operations of sorl-thumbnail, applied to xaccel's cache."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_duration

from xaccel._core import Cache
from xaccel.django import conf

_EVERYTHING = 2**62


class Command(BaseCommand):
    """Cleans up the thumbnail cache."""

    help = "Clean up the cache of thumbnails"

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the operation and the option `--timeout`."""
        parser.add_argument(
            "operation",
            choices=["cleanup", "clear", "clear_delete_referenced", "clear_delete_all"],
            help="cleanup: remove thumbnails beyond THUMBNAIL_CACHE_MAX_SIZE and "
            "THUMBNAIL_CACHE_INACTIVE; clear: do nothing, since there is no key-value store; the "
            "other operations: remove all thumbnails",
        )
        parser.add_argument(
            "--timeout",
            help="with clear_delete_referenced: keep thumbnails that were read within this "
            "time, in seconds or as a duration such as '7 00:00:00'",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the operation."""
        config = conf.config()
        if config.thumbnail_cache is None:
            raise CommandError("XACCEL['THUMBNAIL_CACHE'] is not set, so there is no cache")
        cache, operation = Cache(config.thumbnail_cache), options["operation"]
        seconds = None
        if operation == "cleanup":
            max_size, seconds = config.thumbnail_cache_max_size, config.thumbnail_cache_inactive
        elif operation == "clear_delete_referenced" and options["timeout"]:
            max_size, seconds = _EVERYTHING, _seconds(options["timeout"])
        if operation == "clear":
            removed = 0
        elif seconds is None:
            removed = cache.clear()[0]
        else:
            swept = cache.sweep(max_size=max_size, inactive=seconds)
            if swept is None:
                raise CommandError("another process is already sweeping the cache")
            removed = swept[0][0]
        if options["verbosity"]:
            self.stdout.write(f"removed {removed} thumbnail{'' if removed == 1 else 's'}")


def _seconds(text: str) -> int:
    """Parse the value of `--timeout` as a number of seconds."""
    if text.isdecimal():
        return int(text)
    duration = parse_duration(text)
    if duration is None:
        raise CommandError(f"--timeout must be a number of seconds or a duration, not {text!r}")
    return int(duration.total_seconds())
