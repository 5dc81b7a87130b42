"""Large files, connections that stay open, and rates."""

import pytest

from tests.servers.files import END, HUGE
from tests.servers.site import FRAMEWORKS, children, peak_memory, reset_peak_memory

MEBI = 1 << 20
LIMIT = 64 * MEBI  # the whole would take a minute
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
    site = site(front)
    site.file(b"plain.txt", framework=framework)
    (worker,) = children(site.app_pid)
    reset_peak_memory(worker)
    before = peak_memory(worker)
    head = site.file(b"huge.bin", "HEAD", framework=framework)
    assert head.headers["Content-Length"] == str(HUGE)
    tail = site.file(b"huge.bin", "GET", {"Range": f"bytes=-{len(END)}"}, framework=framework)
    assert (tail.status, tail.body) == (206, END)
    first = site.file(b"huge.bin", "GET", {"Range": f"bytes=0-{MEBI - 1}"}, framework=framework)
    assert (first.status, first.body) == (206, bytes(MEBI))
    part = site.file(b"huge.bin", framework=framework, limit=LIMIT)
    assert (part.status, part.body) == (200, bytes(LIMIT))
    assert peak_memory(worker) - before < 8 * MEBI


def test_connections_to_the_app_are_kept(site, front):
    site = site(front)
    # The view's answer to itself is counted, too.
    site.ask("/connections")
    for _ in range(20):
        assert site.file(b"plain.txt").status == 200
    assert int(site.ask("/connections").body) <= CONNECTIONS[front]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_rates(site, front, framework):
    reply = site(front).file(b"plain.txt", framework=framework, options="&limit_rate=1000000")
    # Apache and Caddy can't: the view fails before a visitor could notice a missing limit.
    assert reply.status == (500 if front in {"apache", "caddy"} else 200)
