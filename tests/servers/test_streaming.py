"""Large files, connections that stay open, and rates."""

import pytest

from tests.support.servers.files import END, HUGE
from tests.support.servers.site import FRAMEWORKS, peak_memory, reset_peak_memory

MEBI = 1 << 20
LIMIT = 64 * MEBI  # the whole, through every server, would take a minute
CONNECTIONS = {
    "direct": 1,
    "nginx": 1,
    "apache": 1,
    "caddy": 1,
    # lighttpd speaks HTTP/1.0 to the app and opens a connection for each request.
    "lighttpd": 21,
}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_huge_file_in_constant_memory(site, front, framework):
    site = site(front, framework)
    site.file(b"plain.txt")
    reset_peak_memory(site.worker)
    before = peak_memory(site.worker)
    head = site.file(b"huge.bin", "HEAD")
    assert head.headers["Content-Length"] == str(HUGE)
    tail = site.file(b"huge.bin", "GET", {"Range": f"bytes=-{len(END)}"})
    assert (tail.status, tail.body) == (206, END)
    first = site.file(b"huge.bin", "GET", {"Range": f"bytes=0-{MEBI - 1}"})
    assert (first.status, first.body) == (206, bytes(MEBI))
    part = site.file(b"huge.bin", limit=LIMIT)
    assert (part.status, part.body) == (200, bytes(LIMIT))
    assert peak_memory(site.worker) - before < 8 * MEBI


@pytest.mark.parametrize("framework", ["flask", "starlette"])
def test_the_whole_of_a_huge_file_by_the_app_itself(site, framework):
    site = site("direct", framework)
    site.file(b"plain.txt")
    reset_peak_memory(site.worker)
    before = peak_memory(site.worker)
    length, end = site.download(b"huge.bin")
    assert (length, end[-len(END) :]) == (HUGE, END)
    assert peak_memory(site.worker) - before < 8 * MEBI


@pytest.mark.parametrize("framework", ["bare", "bare-asgi"])
def test_connections_to_the_app_are_kept(site, front, framework):
    site = site(front, framework)
    # The view's answer to itself is counted, too.
    site.ask("/connections")
    for _ in range(20):
        assert site.file(b"plain.txt").status == 200
    assert int(site.ask("/connections").body) <= CONNECTIONS[front]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_rates(site, front, framework):
    reply = site(front, framework).file(b"plain.txt", options="&limit_rate=1000000")
    # The others can't: the view fails before a visitor could notice a missing limit.
    assert reply.status == (200 if front in {"nginx", "lighttpd"} else 500)
