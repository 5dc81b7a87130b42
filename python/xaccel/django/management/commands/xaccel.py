"""`manage.py xaccel`: the `xaccel` command with the settings of the project."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from xaccel.cli import app_config
from xaccel.cli.main import main


class Command(BaseCommand):
    """Runs an xaccel command, such as `manage.py xaccel backfill`."""

    help = "Run an xaccel command, such as backfill or cache, with the settings of this project."
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept all arguments unchanged."""
        parser.add_argument(
            "arguments",
            nargs=argparse.REMAINDER,
            help="the command and its arguments; add --help to a command for its description, or "
            "use --help alone for a list of commands",
        )

    def handle(self, *_: Any, arguments: list[str], **__: Any) -> None:
        """Run the command, and exit with its status unless that is 0."""
        token = app_config.in_project.set(True)
        try:
            status = main(arguments or ["--help"])
        finally:
            app_config.in_project.reset(token)
        if status:
            sys.exit(status)
