"""Check the server's persistent connections, its clock and its upload limit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http import HTTPStatus

from xaccel.delivery.rfc9110 import parse_http_date
from xaccel.doctor.client import Reply, Site
from xaccel.doctor.offload_header import dialect_of
from xaccel.doctor.report import Result, finding, ok, skipped
from xaccel.servers import dialects

_REFUSAL_TIMEOUT = 5.0
_MAX_SKEW = 5
_HUGE = 1 << 50


def check_keep_alive(_: Site, first: Reply) -> Iterator[Result]:
    """Check whether the server keeps a connection open for more than one request."""
    if first.keeps_alive:
        yield ok("keep-alive", "Connections stay open.")
        return
    yield finding(
        "keep-alive",
        "The server closes the connection after each request.",
        "Pages with many images load slowly.",
        "Remove `keepalive_timeout 0;` (nginx) or `KeepAlive Off` (Apache).",
    )


def check_clock(_: Site, first: Reply) -> Iterator[Result]:
    """Check whether the server's clock agrees with this machine's clock."""
    date = first.headers["Date"]
    server_time = parse_http_date(date or "")
    if server_time is None:
        yield skipped("clock", "The server does not send the header Date.")
        return
    # A slow response must not look like a wrong clock.
    skew = server_time - min(max(server_time, first.requested), first.received)
    if abs(skew) <= _MAX_SKEW:
        yield ok("clock", "The server's clock agrees with the clock of this machine.")
        return
    yield finding(
        "clock",
        f"The server's clock is {abs(skew):.0f} seconds {'ahead' if skew > 0 else 'behind'}.",
        "Signed links expire at the wrong time.",
        "Synchronise both clocks with NTP.",
    )


def check_upload_limit(site: Site, first: Reply) -> Iterator[Result]:
    """Announce a huge upload, and check whether the server or the app refuses it."""
    status = None
    with contextlib.closing(site.connect(_REFUSAL_TIMEOUT)) as connection:
        connection.putrequest("POST", "/")
        for name, value in {**site.headers, "Content-Length": str(_HUGE)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        with contextlib.suppress(TimeoutError):
            status = connection.getresponse().status
    configured = None if site.config is None else dialects.named(site.config.server)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        yield ok("uploads", "The server refuses an upload that is too large.")
    elif status is None and any(
        dialect is not None and dialect.answers_uploads_late
        for dialect in (dialect_of(first), configured)
    ):
        yield skipped(
            "uploads", "This server refuses an upload only after it has read up to the limit."
        )
    elif status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        yield finding(
            "uploads",
            f"The site responds with {status} to an upload that is too large.",
            "Visitors see a server error instead of a message about the limit.",
            "In the server, set a limit below the app's limit, so that the server responds with "
            "413: `client_max_body_size` (nginx), `LimitRequestBody` (Apache).",
        )
    else:
        yield finding(
            "uploads",
            "The server accepts uploads of any size.",
            "A visitor can fill the disk.",
            "Set `client_max_body_size` (nginx) or `LimitRequestBody` (Apache) to the size that "
            "the app accepts, not to 0.",
        )
