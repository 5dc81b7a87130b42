"""Check whether visitors can read files under the internal prefixes without the app."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from xaccel.doctor.client import Reply, Site
from xaccel.doctor.report import Result, finding, ok, skipped
from xaccel.doctor.samples import beginning, sample


def check_internal_prefixes(site: Site, _: Reply) -> Iterator[Result]:
    """Request a file in each root directly, with several spellings of its address."""
    if site.config is None:
        yield skipped("internal", "This check needs the app's settings.")
        return
    for directory, prefix in site.config.served_roots.items():
        with sample(directory) as found:
            yield _check(site, Path(directory), prefix, found)


def _check(site: Site, directory: Path, prefix: str, found: Path | None) -> Result:
    if found is None:
        return skipped("internal", f"There is no file below {prefix} to request.")
    content, name = beginning(found), found.relative_to(directory).as_posix()
    targets = (
        f"{prefix}{name}",
        f"{prefix[:-1]}../{directory.name}/{name}",
        f"/{prefix}{name}",
    )
    opened = [target for target in map(quote, targets) if _sends(site, target, content)]
    if not opened:
        return ok("internal", f"Visitors can't read files below {prefix} without the app.")
    return finding(
        "internal",
        f"The server sends {opened[0]} without asking the app.",
        "Everyone can read the files below this prefix.",
        f"In nginx, put `internal;` into `location ^~ {prefix}`, and end both the location's "
        "prefix and its `alias` with a slash; Apache, lighttpd and Caddy must not serve the "
        "directory.",
    )


def _sends(site: Site, target: str, content: bytes) -> bool:
    reply = site.request(target)
    return reply.status in {200, 206} and bool(content) and reply.body == content
