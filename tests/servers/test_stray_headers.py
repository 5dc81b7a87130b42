"""Offload headers that a visitor makes an app send: no server acts on them or shows them."""

import os
from urllib.parse import urlencode

import pytest

from tests.support.servers.site import FRAMEWORKS, PREFIXES

HEADERS = (
    "X-Accel-Redirect",
    "x-accel-limit-rate",
    "X-Sendfile",
    "X-SENDFILE2",
    "X-Sendfile-Temporary",
    "X-LIGHTTPD-send-file",
)
# Django's, under WSGI, is the one without the middleware, which its users may leave out.
CAREFUL = [name for name in FRAMEWORKS if name != "django"]


@pytest.mark.parametrize("framework", CAREFUL)
@pytest.mark.parametrize("status", [200, 206, 304, 404, 500])
def test_an_apps_own_header_goes_nowhere(site, front, status, framework):
    site = site(front, framework)
    # As headers show a path that is not ASCII.
    path = os.fsencode(site.files.root / "plain.txt").decode("latin-1")
    for header in HEADERS:
        for value in (f"{PREFIXES['main']}plain.txt", path):
            query = urlencode({"status": status, "header": header, "value": value})
            # Each reply is checked for what no visitor may see.
            reply = site.ask(f"/{framework}/stray?{query}")
            assert reply.status == status
            assert reply.body == (b"" if status == 304 else b"stray")
