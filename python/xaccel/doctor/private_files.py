"""Check whether offloaded files arrive, and whether range, HEAD and conditional requests work."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from xaccel.delivery.files import Delivery
from xaccel.doctor.client import Reply, Site
from xaccel.doctor.offload_header import leak
from xaccel.doctor.report import Result, finding, ok, skipped
from xaccel.doctor.samples import sample

_REFUSALS = {
    403: (
        "The server refuses a link that the app signed (403).",
        "Visitors can't open signed links.",
        (
            "Install the secrets of the current keys with `xaccel config … --out DIR`, and reload "
            "the server; if they are already installed, let the server's user read the directory."
        ),
    ),
    404: (
        "The server can't find a file that the app offloads (404).",
        "Visitors can't open private files.",
        (
            "Compare the server's directory for the internal prefix with XACCEL['ROOTS'] (`xaccel "
            "config … --check` compares them); in containers, the server and the app must have the "
            "directory at the same path."
        ),
    ),
    410: (
        "The server says that a link without an expiry has expired (410).",
        "Visitors can't open signed links.",
        (
            "Synchronise the clocks with NTP, and install the configuration that `xaccel config` "
            "writes."
        ),
    ),
}


def check_private_file(site: Site, first: Reply) -> Iterator[Result]:
    """Request a file through a signed link or at the given address."""
    config = site.config
    if config is not None and config.private_url is not None:
        for root in config.roots:
            with sample(root) as found:
                if found is not None:
                    link = Delivery(config).private_url(found)
                    yield from _check(site, link, found.stat().st_size)
                    return
    if first.status == HTTPStatus.OK and _is_file(first):
        yield from _check(site, site.target, None)
    else:
        yield skipped(
            "file",
            "This check needs the address of a file that the app offloads, or settings with "
            "PRIVATE_URL.",
        )


def _check(site: Site, target: str, size: int | None) -> Iterator[Result]:
    reply = site.request(target)
    problem = _problem(reply, size)
    if problem is not None:
        yield problem
        return
    yield ok("file", "The server sends the file.")
    yield _range(site, target, reply)
    yield _head(site, target, reply)
    yield _not_modified(site, target, reply)


def _is_file(reply: Reply) -> bool:
    media_type = reply.headers.get_content_type()
    is_page = media_type in {"text/html", "application/json"}
    return reply.headers["Content-Length"] == "0" or not is_page


def _problem(reply: Reply, size: int | None) -> Result | None:
    leaked = leak(reply)
    if leaked is not None:
        return leaked
    if reply.status == HTTPStatus.OK:
        if reply.body or size == 0:
            return None
        return finding(
            "file",
            "The server removes the app's offload header, but does not send the file.",
            "Visitors receive an empty file.",
            "Remove X-Accel-Redirect from nginx's `proxy_ignore_headers`; behind a second proxy, "
            "only the proxy that has the files may remove the header.",
        )
    if reply.status in _REFUSALS:
        return finding("file", *_REFUSALS[reply.status])
    return finding(
        "file",
        f"The server responds with {reply.status} to a request for a file.",
        "Visitors can't open it.",
        "Look at the error logs of the server and of the app.",
    )


def _range(site: Site, target: str, reply: Reply) -> Result:
    part = site.request(target, Range="bytes=0-0")
    if part.status == HTTPStatus.PARTIAL_CONTENT and part.body == reply.body[:1]:
        return ok("ranges", "Range requests work.")
    return finding(
        "ranges",
        f"The server responds with {part.status} and {len(part.body)} bytes to a request for the "
        "first byte.",
        "Visitors can't seek in videos or resume downloads.",
        "Remove `max_ranges 0;` from nginx, and remove any filter (gzip, sub_filter, SSI) or proxy "
        "that drops Range or Accept-Ranges.",
    )


def _head(site: Site, target: str, reply: Reply) -> Result:
    head = site.request(target, "HEAD")
    length = str(reply.size)
    if head.status == reply.status and head.headers["Content-Length"] == length:
        return ok("head", "HEAD returns the file's size.")
    return finding(
        "head",
        f"HEAD returns {head.status} with Content-Length {head.headers['Content-Length']}, "
        f"whereas GET returns {reply.status} with {length} bytes.",
        "Download managers and players get the size wrong.",
        "Let the view answer HEAD like GET, as Flask and Django do, and remove filters that change "
        "the file's length.",
    )


def _not_modified(site: Site, target: str, reply: Reply) -> Result:
    etag, modified = reply.headers["ETag"], reply.headers["Last-Modified"]
    statuses = {
        site.request(target, **{name: value}).status
        for name, value in (("If_None_Match", etag), ("If_Modified_Since", modified))
        if value is not None
    }
    if statuses == {HTTPStatus.NOT_MODIFIED}:
        return ok("304", "The server does not send an unchanged file again.")
    return finding(
        "304",
        "The server ignores If-None-Match or If-Modified-Since."
        if statuses
        else "The file has neither ETag nor Last-Modified.",
        "Browsers download an unchanged file again.",
        "In nginx, remove `etag off;`, `if_modified_since off;`, and all `expires` and "
        "`add_header` lines for ETag and Last-Modified.",
    )
