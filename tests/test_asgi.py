import asyncio
import threading
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from xaccel import Config, asgi, starlette
from xaccel.asgi import PrivateLinks, Thumbnails, XAccel
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.clients import call_asgi as call

CONTENT = bytes(range(256)) * 300


@pytest.fixture
def root(tmp_path):
    directory = tmp_path / "private"
    directory.mkdir()
    (directory / "Grüße 100%.mp4").write_bytes(CONTENT)
    return directory


@pytest.fixture
def make_config(root, photos):
    def make(**changes):
        return Config.from_mapping(
            {
                "ROOTS": {root: "/_private/files/"},
                "SECRET_KEYS": ["a secret of sixteen bytes or more"],
                "PRIVATE_URL": "/p/",
                "THUMBNAIL_SOURCE": photos,
                **changes,
            }
        )

    return make


def test_direct_sends_the_file(make_config):
    app = XAccel(make_config()).send_private_file("Grüße 100%.mp4", as_attachment=True)
    status, headers, content = call(app)
    assert (status, content) == (200, CONTENT)
    assert headers["content-type"] == "video/mp4"
    assert headers["content-length"] == str(len(CONTENT))
    assert headers["content-disposition"].startswith("attachment; ")
    assert call(app, headers={"Range": "bytes=1-2"})[::2] == (206, CONTENT[1:3])
    assert call(app, headers={"If-None-Match": headers["etag"]})[::2] == (304, b"")
    assert call(app, method="HEAD") == (200, headers, b"")


def test_the_server_sends_a_whole_file_by_its_path_if_it_can(make_config, root):
    app = XAccel(make_config()).send_private_file("Grüße 100%.mp4")
    pathsend = {"extensions": ["http.response.pathsend"]}
    assert call(app, **pathsend)[::2] == (200, str(root / "Grüße 100%.mp4"))
    assert call(app, headers={"Range": "bytes=1-2"}, **pathsend)[2] == CONTENT[1:3]
    assert call(app, method="HEAD", **pathsend)[2] == b""
    (root / "b\udcffd").write_bytes(CONTENT)
    app = XAccel(make_config()).send_private_file("b\udcffd")
    assert call(app, **pathsend)[2] == CONTENT


def test_files_are_read_outside_the_event_loop(make_config, monkeypatch):
    readers = set()
    read = asgi.FileBody._read

    def note(self, *part):
        readers.add(threading.current_thread())
        yield from read(self, *part)

    monkeypatch.setattr(asgi.FileBody, "_read", note)
    app = XAccel(make_config()).send_private_file("Grüße 100%.mp4")
    assert call(app)[2] == CONTENT
    assert readers
    assert threading.current_thread() not in readers


def test_reading_ends_when_the_visitor_has_gone(make_config, root):
    with (root / "big").open("wb") as file:
        file.truncate(3 << 30)
    app = XAccel(make_config()).send_private_file("big")
    sent = []

    async def run():
        gone = asyncio.Event()

        async def receive():
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)
            if len(sent) == 3:
                gone.set()
            await asyncio.sleep(0)

        await app({"type": "http", "method": "GET", "headers": []}, receive, send)

    asyncio.run(run())
    assert len(sent) < 10


def test_a_file_that_shrinks_is_an_error_not_a_short_answer(make_config, root):
    app = XAccel(make_config()).send_private_file("Grüße 100%.mp4")
    sent = []

    async def run():
        async def send(message):
            sent.append(message)
            (root / "Grüße 100%.mp4").write_bytes(b"")

        await app(
            {"type": "http", "method": "GET", "headers": []},
            asyncio.Event().wait,
            send,
        )

    with pytest.raises(OSError, match="shorter"):
        asyncio.run(run())
    assert sent[-1].get("more_body", True)
    assert all(name == name.lower() for name, _ in sent[0]["headers"])


def test_nginx_gets_x_accel_redirect(make_config):
    app = XAccel(make_config(SERVER="nginx")).send_private_file("Grüße 100%.mp4", max_age=60)
    status, headers, content = call(app)
    assert (status, content) == (200, b"")
    assert headers["x-accel-redirect"] == "/_private/files/Gr%C3%BC%C3%9Fe%20100%25.mp4"
    assert headers["cache-control"] == "private, max-age=60"


@pytest.mark.parametrize("server", ["direct", "nginx"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_forbidden_file_is_404_without_a_path(make_config, root, server, method):
    app = XAccel(make_config(SERVER=server)).send_private_file("../secret")
    status, headers, content = call(app, method=method)
    assert status == 404
    assert content == (b"Not Found\n" if method == "GET" else b"")
    assert str(root) not in str(headers)
    assert "x-accel-redirect" not in headers


def test_links_and_thumbnails(make_config):
    links, thumbnails = PrivateLinks(make_config()), Thumbnails(make_config())
    client = TestClient(
        Starlette(routes=[Mount("/p", links), Mount("/t", thumbnails)]), base_url="http://x"
    )
    response = client.get(XAccel(make_config()).private_url("Grüße 100%.mp4", as_attachment=True))
    assert (response.status_code, response.content) == (200, CONTENT)
    url = TemplateHelpers(make_config()).thumbnail_url("cat.jpg", 30)
    response = client.get(url)
    assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
    assert client.get(url + "x").status_code == 403


def starlette_app(xaccel, name):
    async def view(request):
        return xaccel.send_private_file(name)

    return Starlette(routes=[Route("/", view)])


def fastapi_app(xaccel, name):
    app = FastAPI()

    @app.get("/")
    async def view():
        return xaccel.send_private_file(name)

    return app


@pytest.mark.parametrize(
    ("make_app", "flavour"),
    [
        (starlette_app, asgi.XAccel),
        (starlette_app, starlette.XAccel),
        (fastapi_app, starlette.XAccel),
    ],
)
def test_views_return_it(make_config, make_app, flavour):
    client = TestClient(make_app(flavour(make_config()), "Grüße 100%.mp4"))
    assert client.get("/").content == CONTENT
    assert client.get("/", headers={"Range": "bytes=1-2"}).content == CONTENT[1:3]
    client = TestClient(make_app(flavour(make_config(SERVER="nginx")), "Grüße 100%.mp4"))
    response = client.get("/")
    assert response.content == b""
    assert response.headers["content-length"] == "0"
    assert response.headers["X-Accel-Redirect"].startswith("/_private/files/")
    client = TestClient(make_app(flavour(make_config()), "absent"))
    assert (client.get("/").status_code, client.get("/").text) == (404, "Not Found\n")


@pytest.mark.parametrize("flavour", [asgi.XAccel, starlette.XAccel])
def test_thumbnails_of_private_files(make_config, photos, flavour):
    xaccel = flavour(make_config(ROOTS={photos: "/_private/photos/"}))

    async def view(request):
        return xaccel.send_private_thumbnail(
            request.path_params["name"], 30, max_age=9, fit="cover"
        )

    client = TestClient(Starlette(routes=[Route("/{name}", view)]))
    response = client.get("/cat.jpg")
    assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
    assert response.headers["cache-control"] == "private, max-age=9"
    assert client.get("/absent.jpg").status_code == 404


def test_cookies_headers_and_background_tasks_of_starlette(make_config):
    done = []

    async def view(request):
        response = starlette.XAccel(make_config()).send_private_file("Grüße 100%.mp4")
        response.set_cookie("seen", "1")
        response.headers["X-Robots-Tag"] = "noindex"
        response.background = BackgroundTask(done.append, Path("x"))
        return response

    response = TestClient(Starlette(routes=[Route("/", view)])).get("/")
    assert response.content == CONTENT
    assert response.headers["content-length"] == str(len(CONTENT))
    assert response.headers["x-robots-tag"] == "noindex"
    assert response.cookies["seen"] == "1"
    assert done == [Path("x")]


@pytest.mark.parametrize("server", ["direct", "nginx"])
def test_headers_of_starlette_replace_ours_once(make_config, server):
    async def view(request):
        response = starlette.XAccel(make_config(SERVER=server)).send_private_file("Grüße 100%.mp4")
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Length"] = "3"
        response.headers["X-Accel-Redirect"] = "/etc/passwd"
        response.headers.append("Vary", "Cookie")
        response.headers.append("Set-Cookie", "a=1")
        response.headers.append("Set-Cookie", "b=2")
        return response

    headers = TestClient(Starlette(routes=[Route("/", view)])).get("/").headers
    assert headers.get_list("cache-control") == ["no-store"]
    length = str(len(CONTENT)) if server == "direct" else "0"
    assert headers.get_list("content-length") == [length]
    assert headers.get_list("set-cookie") == ["a=1", "b=2"]
    redirects = headers.get_list("x-accel-redirect")
    assert len(redirects) == (server == "nginx")
    assert "/etc/passwd" not in redirects
