"""`xaccel doctor --local`: examine this machine without a request to the site."""

from __future__ import annotations

from collections.abc import Iterator

from xaccel import health
from xaccel.config import Config
from xaccel.doctor.fonts import examine_fonts
from xaccel.doctor.report import Result, finding, ok

_FINE = {
    "keys": "URLs can be signed.",
    "cache": "The app can write to THUMBNAIL_CACHE.",
    "space": "The disk of THUMBNAIL_CACHE has free space.",
    "store": "THUMBNAIL_STORE responds.",
    "sandbox": "Images are decoded in the sandbox.",
}


def examine_machine(config: Config) -> Iterator[Result]:
    """Run all checks that need only the settings."""
    for check in health.run(config):
        if check.problem:
            yield finding(check.name, check.problem, check.consequence, check.fix)
        else:
            yield ok(check.name, _FINE[check.name])
    yield from examine_fonts(config)
