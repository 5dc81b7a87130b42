"""`xaccel doctor`: find out what is wrong with a running site, and how to fix it."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

from xaccel.cli import app_config
from xaccel.cli.help import add_command
from xaccel.doctor.checks import examine
from xaccel.doctor.client import Site
from xaccel.doctor.local import examine_machine
from xaccel.exceptions import ConfigError

_MARKS = {"ok": "ok     ", "finding": "FINDING", "skipped": "skipped"}


def add(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = add_command(
        commands,
        "doctor",
        summary="find out what is wrong with a running site, and how to fix it",
        description="Send requests to a running site as a visitor would, through its web server, "
        "and print each problem with its fix. With the app's settings, also check internal "
        "prefixes, signed links, thumbnails and the cache. Run it on the app's machine, as the "
        "app's user.",
        examples=[
            "xaccel doctor https://www.example.com/ --app shop:app",
            "xaccel doctor https://www.example.com/video/7 --header 'Cookie: session=…'",
            "xaccel doctor http://127.0.0.1/ --settings shop.settings --json",
            "xaccel doctor --local --app shop:app",
        ],
    )
    parser.set_defaults(run=_run)
    parser.add_argument(
        "url",
        nargs="?",
        help="the site's address, or the address of a file that the app offloads",
    )
    parser.add_argument(
        "--local",
        action="store_true",
        help="check only this machine: keys, cache, free space and store; this needs the app's "
        "settings, but no address",
    )
    app_config.add_options(parser, required=False)
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="NAME:VALUE",
        help="a header to send with each request, such as the cookie of a user who may see the "
        "file",
    )
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def _run(options: argparse.Namespace) -> int:
    has_settings = app_config.in_project.get() or app_config.is_named(options)
    config = app_config.load(options) if has_settings else None
    if options.local == (options.url is not None):
        raise ConfigError("pass either the site's address or --local")
    if options.local:
        if config is None:
            raise ConfigError("--local needs the app's settings: --app, --settings or --config")
        results = list(examine_machine(config))
    else:
        headers = dict(_header(text) for text in options.header)
        results = examine(Site(options.url, config, headers))
    if options.json:
        print(json.dumps([dataclasses.asdict(result) for result in results], indent=2))
    else:
        for result in results:
            print(f"{_MARKS[result.status]}  {result.check}: {result.text}")
            if result.remedy:
                print(f"         Fix: {result.remedy}")
    return 1 if any(result.status == "finding" for result in results) else 0


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise ConfigError(f"--header must be like 'Cookie: session=…', not {name!r}")
    return name.strip(), value.strip()
