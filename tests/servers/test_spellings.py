"""One accepted spelling of each signed URL, where the application server tells how it was sent."""

import json
import sys
from http.client import HTTPConnection

import pytest
from PIL import Image
from xaccel import Config
from xaccel.delivery.files import Delivery
from xaccel.thumbnails.urls import ThumbnailUrls

from tests.support.servers.process import HOST, PATIENCE, free_port, running

NAME = "cat, (1) \ufffd.jpg"
APPS = "tests.support.servers.spelling_apps"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
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


@pytest.fixture(scope="module", params=["gunicorn", "uvicorn"])
def server(request):
    return request.param


@pytest.fixture(scope="module")
def ask(server, settings, tmp_path_factory):
    port = free_port()
    command = {
        "gunicorn": (*("gunicorn", "--bind", f"{HOST}:{port}"), f"{APPS}:of_wsgi()"),
        "uvicorn": (
            *("uvicorn", "--host", HOST, "--port", str(port)),
            *("--factory", f"{APPS}:of_asgi"),
        ),
    }[server]
    log = tmp_path_factory.mktemp("log") / "log"
    env = {"XACCEL_TEST_SETTINGS": json.dumps(settings)}
    with running([sys.executable, "-m", *command], port, log, env):
        connection = HTTPConnection(HOST, port, timeout=PATIENCE)

        def ask(target):
            # Not `request()`, which refuses some targets.
            connection.putrequest("GET", target)
            connection.endheaders()
            response = connection.getresponse()
            response.read()
            return response.status

        yield ask
        connection.close()


def urls(config):
    return Delivery(config).private_url(NAME), ThumbnailUrls(config).url(NAME, 20)


def spellings(url):
    """Other spellings of a URL, most of which a server decodes to the same path."""
    first = url[:3]
    yield url.replace("cat", "c%61t")
    yield url.replace(",", "%2C", 1)
    yield url.replace("%28", "(")
    yield url.replace("%EF%BF%BD", "%ef%bf%bd")
    yield url.replace("%EF%BF%BD", "%FF")
    yield url.replace(first, f"{first}./", 1)
    yield url.replace(first, f"{first}x/../", 1)
    yield url.replace(first, f"{first}/", 1)
    yield f"/{url}"
    yield f"/.{url}"
    yield f"/%{ord(url[1]):x}{url[2:]}"


@pytest.mark.parametrize("mount", ["", "/app", "/flask"])
def test_only_the_spelling_that_was_signed_is_accepted(ask, config, mount):
    for url in urls(config):
        assert ask(mount + url) == 200
        for other in spellings(url):
            assert other != url
            assert ask(mount + other) in {307, 308, 403, 404}, other


def test_the_mount_has_one_spelling_too(ask, config):
    for url in urls(config):
        assert ask("/%61pp" + url) in {403, 404}


def test_a_whole_url_in_the_request_line(ask, config, server):
    for url in urls(config):
        # Uvicorn takes it for a path.
        status = 200 if server == "gunicorn" else 404
        assert ask(f"http://example.org{url}") == status
        assert ask(f"http://example.org{url.replace('cat', 'c%61t')}") in {403, 404}
