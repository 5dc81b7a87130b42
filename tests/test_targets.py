"""The path of a request: as it was sent, and as it was signed in an app that is mounted."""

import pytest
from django.test import Client, override_settings
from fastapi import FastAPI
from flask import Flask
from starlette.testclient import TestClient
from werkzeug.test import create_environ
from xaccel import BadSignature, Config, asgi, starlette, wsgi
from xaccel.delivery.files import Delivery
from xaccel.delivery.request import Request, Target, split_mount
from xaccel.flask import XAccel
from xaccel.thumbnails.urls import ThumbnailUrls

from tests.support import django_site  # noqa: F401
from tests.support.clients import call_wsgi


@pytest.mark.parametrize(
    ("path", "mount", "parts"),
    [
        ("/t/50x-/a.jpg", "", ("", "/t/50x-/a.jpg")),
        ("/t/50x-/a.jpg", "/t", ("", "/t/50x-/a.jpg")),
        ("/app/t/50x-/a.jpg", "/app", ("/app", "/t/50x-/a.jpg")),
        ("/app/t/50x-/a.jpg", "/app/t", ("/app", "/t/50x-/a.jpg")),
        ("/app/t/50x-/a.jpg", "/app/t/", ("/app", "/t/50x-/a.jpg")),
        ("/t/50x-/a.jpg", "/app", ("/app", "/t/50x-/a.jpg")),
        ("/media/50x-/a.jpg", "/media", ("/media", "/50x-/a.jpg")),
        ("/apt/50x-/a.jpg", "/apt", ("/apt", "/50x-/a.jpg")),
        ("/t/x/50x-/a.jpg", "/t/x", ("", "/t/x/50x-/a.jpg")),
    ],
)
def test_the_path_of_a_mounted_app(path, mount, parts):
    assert split_mount(path, mount, "/t/") == parts


@pytest.mark.parametrize(
    ("raw", "path", "good"),
    [
        ("/p/a%2C.txt", "/p/a,.txt", False),
        ("/p/a,.txt", "/p/a,.txt", True),
        ("/app/p/a,.txt", "/app/p/a,.txt", True),
        ("/app//p/a,.txt", "/app//p/a,.txt", False),
        ("/app/./p/a,.txt", "/app/./p/a,.txt", False),
        ("/%61pp/p/a,.txt", "/app/p/a,.txt", False),
        ("/p/a,.txt", "/app/p/a,.txt", True),
        ("/q/a,.txt", "/q/a,.txt", False),
    ],
)
def test_only_the_spelling_that_was_signed_is_accepted(raw, path, good):
    request = Request.from_headers("GET", {}.get, Target(raw, path))
    if good:
        request.check_spelling("/p/a,.txt")
        return
    with pytest.raises(BadSignature, match="spelling"):
        request.check_spelling("/p/a,.txt")


def test_a_server_that_does_not_tell_the_spelling_is_trusted():
    Request.from_headers("GET", {}.get).check_spelling("/p/a")


@pytest.mark.parametrize("key", ["RAW_URI", "REQUEST_URI"])
@pytest.mark.parametrize("host", ["", "http://example.org"])
def test_wsgi_servers_have_the_target_under_either_name(key, host):
    environ = create_environ("/p/%C3%A9?a=/b")
    del environ["RAW_URI"], environ["REQUEST_URI"]
    assert Request.from_environ(environ).target is None
    environ[key] = f"{host}/p/%C3%A9?a=/b"
    assert Request.from_environ(environ).target == Target("/p/%C3%A9", "/p/é")


@pytest.fixture
def settings(photos):
    return {
        "ROOTS": {str(photos): "/_private/files/"},
        "THUMBNAIL_SOURCE": str(photos),
        "THUMBNAIL_PRESETS": {"avatar": "20x20"},
        "PRIVATE_URL": "/p/",
        "SECRET_KEYS": ["a key of 16 bytes or more"],
    }


def urls(settings):
    config = Config.from_mapping(settings)
    yield Delivery(config).private_url("cat.jpg")
    yield ThumbnailUrls(config).url("cat.jpg", "avatar")


def statuses(get, settings):
    for url in urls(settings):
        yield get(url)
        yield get(url.replace("cat", "c%61t"))


def test_every_adapter_refuses_another_spelling(settings):
    app = Flask(__name__)
    app.config["XACCEL"] = settings
    XAccel(app)
    client = app.test_client()
    found = statuses(lambda url: client.get(url, buffered=True).status_code, settings)
    assert [*found] == [200, 403] * 2

    config = Config.from_mapping(settings)
    for made in (asgi, wsgi):
        links, thumbnails = made.PrivateLinks(config), made.Thumbnails(config)

        def get(url, made=made, links=links, thumbnails=thumbnails):
            app = links if url.startswith("/p/") else thumbnails
            if made is asgi:
                return TestClient(app).get(url).status_code
            decoded = url.replace("%61", "a")
            return call_wsgi(app, decoded, validate=False, RAW_URI=url)[0]

        assert [*statuses(get, settings)] == [200, 403] * 2

    with override_settings(XACCEL=settings):

        def get_from_django(url):
            response = Client().get(url, RAW_URI=url)
            response.close()
            return response.status_code

        assert [*statuses(get_from_django, settings)] == [200, 403] * 2


def test_unsigned_urls_of_presets_have_one_spelling_too(settings):
    settings = {**settings, "THUMBNAIL_ONLY_PRESETS": True}
    config = Config.from_mapping(settings)
    url = ThumbnailUrls(config).url("cat.jpg", "avatar")
    client = TestClient(asgi.Thumbnails(config))
    assert client.get(url).status_code == 200
    assert client.get(url.replace("cat", "c%61t")).status_code == 403


@pytest.mark.parametrize("mount", ["", "/api"])
def test_the_signatures_of_a_mounted_app_fit(settings, mount):
    config = Config.from_mapping(settings)
    inner = FastAPI()
    inner.mount("/t", asgi.Thumbnails(config))
    inner.mount("/p", asgi.PrivateLinks(config))
    app = inner
    if mount:
        app = FastAPI()
        app.mount(mount, inner)
    client = TestClient(app)
    for url in urls(settings):
        assert client.get(mount + url).status_code == 200
        assert client.get(mount + url + "x").status_code == 403


def test_fastapi_describes_a_view_with_this_response_class(settings):
    app = FastAPI()
    xaccel = starlette.XAccel(Config.from_mapping(settings))

    @app.get("/", response_class=starlette.PrivateFileResponse)
    async def view():
        return xaccel.send_private_file("cat.jpg")

    assert "200" in app.openapi()["paths"]["/"]["get"]["responses"]
    assert TestClient(app).get("/").headers["content-type"] == "image/jpeg"
