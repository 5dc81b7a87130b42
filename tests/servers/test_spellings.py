"""One accepted spelling of each signed URL, where the application server tells how it was sent."""

import contextlib
import itertools
import json
from http.client import HTTPConnection

import pytest
from PIL import Image
from xaccel import Config
from xaccel.delivery.files import Delivery
from xaccel.thumbnails.urls import ThumbnailUrls

from tests.support.servers.process import HOST, PATIENCE
from tests.support.servers.spelling_servers import SERVERS, running_apps

NAME = "cat, (1) \ufffd.jpg"
REFUSED = {307, 308, 403, 404}
WITHOUT_SPELLING = {"granian, WSGI", "pywsgi", "wsgiref"}
"""The servers that give the app only the decoded path."""
WITH_WHOLE_URLS = {"gunicorn", "waitress", "granian, ASGI", "mod_wsgi", "mod_proxy_uwsgi"}
"""The servers that take the path out of a whole URL in the request line, and give the spelling."""


@pytest.fixture(scope="module")
def settings(home):
    root = home / "photos with one spelling"
    root.mkdir()
    Image.new("RGB", (40, 40), "red").save(root / NAME)
    return {
        "ROOTS": {str(root): "/_private/files/"},
        "THUMBNAIL_SOURCE": str(root),
        "PRIVATE_URL": "/p/",
        "SECRET_KEYS": ["a key of 16 bytes or more"],
    }


@pytest.fixture(scope="module")
def config(settings):
    return Config.from_mapping(settings)


@pytest.fixture(scope="module", params=SERVERS)
def server(request):
    return request.param


@pytest.fixture(scope="module")
def ask(server, settings, home):
    directory = home / server.replace(", ", "-")
    directory.mkdir()
    env = {"XACCEL_TEST_SETTINGS": json.dumps(settings)}
    with running_apps(server, directory, env) as port:

        def ask(target):
            with contextlib.closing(HTTPConnection(HOST, port, timeout=PATIENCE)) as connection:
                # Not `request()`, which refuses some targets.
                connection.putrequest("GET", target)
                connection.endheaders()
                response = connection.getresponse()
                response.read()
                return response.status

        yield ask


def urls(config):
    return Delivery(config).private_url(NAME), ThumbnailUrls(config).url(NAME, 20)


def encodings(url):
    """Other spellings of a URL with the same decoded path."""
    yield url.replace("cat", "c%61t")
    yield url.replace(",", "%2C", 1)
    yield url.replace("%28", "(")
    yield url.replace("%EF%BF%BD", "%ef%bf%bd")
    yield f"/%{ord(url[1]):x}{url[2:]}"


def detours(url):
    """Other spellings of a URL that lead to the same file once they are normalised."""
    first = url[:3]
    yield url.replace(first, f"{first}./", 1)
    yield url.replace(first, f"{first}x/../", 1)
    yield url.replace(first, f"{first}/", 1)
    yield f"/.{url}"


def replaced(url):
    """The URL with a byte that is not UTF-8, for which some decoders write U+FFFD."""
    return url.replace("%EF%BF%BD", "%FF")


@pytest.fixture(scope="module")
def mounts(server):
    return [""] if server == "mod_wsgi" else ["", "/app", "/flask"]


def test_only_the_spelling_that_was_signed_is_accepted(ask, config, server, mounts):
    """`docs/servers.md` names the servers that do not pass on the spelling."""
    others = {200} if server in WITHOUT_SPELLING else REFUSED
    for url, mount in itertools.product(urls(config), mounts):
        assert ask(mount + url) == 200
        for other in detours(url):
            assert ask(mount + other) in REFUSED, other
        for other in (*encodings(url), replaced(url)):
            assert other != url
            assert ask(mount + other) in others, other


def test_slashes_at_the_start(ask, config, server):
    """Python's own server merges them before the app sees the path."""
    for url in urls(config):
        assert ask(f"/{url}") in ({200} if server == "wsgiref" else REFUSED)


def test_the_mount_has_one_spelling_too(ask, config, server, mounts):
    others = {200} if server in WITHOUT_SPELLING else {403, 404}
    for url in urls(config):
        if "/app" in mounts:
            assert ask("/%61pp" + url) in others


@pytest.mark.parametrize("server", sorted({*SERVERS} - WITHOUT_SPELLING), indirect=True)
def test_a_whole_url_in_the_request_line(ask, config, server):
    for url in urls(config):
        expected = {200} if server in WITH_WHOLE_URLS else REFUSED
        assert ask(f"http://example.org{url}") in expected
        assert ask(f"http://example.org{url.replace('cat', 'c%61t')}") in REFUSED
