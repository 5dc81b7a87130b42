"""`xaccel doctor`: examine a running site from outside, as a visitor would.

Each check sends requests and yields results. Some checks need the prefixes, keys or directories in
the app's settings.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator

from xaccel.doctor.client import Reply, Site
from xaccel.doctor.connection import check_clock, check_keep_alive, check_upload_limit
from xaccel.doctor.fonts import check_fonts
from xaccel.doctor.internal_prefixes import check_internal_prefixes
from xaccel.doctor.offload_header import check_offload_header
from xaccel.doctor.private_files import check_private_file
from xaccel.doctor.report import Result, finding, ok
from xaccel.doctor.sandbox import check_sandbox
from xaccel.doctor.thumbnails import check_thumbnails

CHECKS: tuple[Callable[[Site, Reply], Iterator[Result]], ...] = (
    check_offload_header,
    check_internal_prefixes,
    check_private_file,
    check_keep_alive,
    check_clock,
    check_upload_limit,
    check_thumbnails,
    check_sandbox,
    check_fonts,
)
"""The checks for a site that responds. Each takes the site and the response to `site.target`."""


def examine(site: Site) -> list[Result]:
    """Run all checks that the site and its settings allow."""
    try:
        first = site.request(site.target)
    except (OSError, http.client.HTTPException) as error:
        return [_no_response(error)]
    if first.status in {502, 503, 504}:
        return [
            finding(
                "app",
                f"The server responds with {first.status}.",
                "It can't reach the app.",
                "Start the app, and compare its address with --upstream of `xaccel config`; if "
                "the address is a Unix socket, let the server's user write to it.",
            )
        ]
    results = [ok("app", f"The site responds with {first.status}.")]
    for check in CHECKS:
        try:
            results += check(site, first)
        except (OSError, http.client.HTTPException) as error:
            results.append(_no_response(error))
    return results


def _no_response(error: Exception) -> Result:
    return finding(
        "app",
        f"The site does not respond ({type(error).__name__}: {error}).",
        "Visitors can't reach it.",
        "Start the web server, and look at its error log; for TLS, compare the host names in the "
        "certificate with the address.",
    )
