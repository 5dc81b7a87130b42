import flask
import pytest
from django.core.files.storage import FileSystemStorage
from django.test import Client, override_settings
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient
from xaccel import Config, asgi
from xaccel.flask import XAccel, send_private_file
from xaccel.testing import assert_not_offloaded, assert_offloaded

from tests.support import django_site  # noqa: F401


@pytest.fixture
def root(tmp_path):
    directory = tmp_path / "private"
    directory.mkdir()
    (directory / "a b.pdf").write_bytes(b"content")
    (directory / "other.pdf").write_bytes(b"other")
    return directory


def flask_get(settings):
    app = flask.Flask(__name__)
    app.config["XACCEL"] = settings
    XAccel(app)

    @app.get("/file/<path:name>")
    def file(name):
        return send_private_file(name)

    @app.get("/text")
    def text():
        return "text"

    @app.get("/both/<path:name>")
    def both(name):
        response = send_private_file(name)
        response.set_data(b"more")
        return response

    return app.test_client().get


def starlette_get(settings):
    xaccel = asgi.XAccel(Config.from_mapping(settings))

    async def file(request):
        return xaccel.send_private_file(request.path_params["name"])

    return TestClient(Starlette(routes=[Route("/file/{name:path}", file)])).get


@pytest.fixture(params=["flask", "starlette", "django"])
def make_get(request, root):
    def make_get(server="nginx"):
        settings = {"SERVER": server, "ROOTS": {root: "/_private/files/"}}
        if request.param == "flask":
            return flask_get(settings)
        if request.param == "starlette":
            return starlette_get(settings)
        override = override_settings(XACCEL=settings)
        override.enable()
        request.addfinalizer(override.disable)
        return Client().get

    return make_get


@pytest.fixture(params=["nginx", "apache", "lighttpd", "caddy"])
def server(request):
    return request.param


def test_an_offloaded_file(make_get, root, server):
    get = make_get(server)
    response = get("/file/a b.pdf")
    for path in (root / "a b.pdf", str(root / "a b.pdf"), "a b.pdf"):
        assert_offloaded(response, path)
    with pytest.raises(AssertionError, match="the app makes a server send a file: x-"):
        assert_not_offloaded(response)


def test_another_file(make_get, root, server):
    get = make_get(server)
    response = get("/file/other.pdf")
    with pytest.raises(AssertionError, match=r"expected x-.*/a(%20| )b\.pdf, not x-.*/other\.pdf"):
        assert_offloaded(response, root / "a b.pdf")


def test_the_app_sends_it_itself(make_get, root):
    get = make_get("direct")
    response = get("/file/a b.pdf")
    assert_not_offloaded(response)
    with pytest.raises(AssertionError, match=r"XACCEL\['SERVER'\] is 'direct'"):
        assert_offloaded(response, root / "a b.pdf")
    response.close()


def test_not_found(make_get, root, server):
    response = make_get(server)("/file/absent.pdf")
    assert_not_offloaded(response)
    with pytest.raises(AssertionError, match="the status is 404"):
        assert_offloaded(response, root / "absent.pdf")


def test_a_file_outside_every_root(make_get, root, server):
    get = make_get(server)
    response = get("/file/a b.pdf")
    with pytest.raises(AssertionError, match="is not a file under one of"):
        assert_offloaded(response, "/etc/hostname")


def test_content_as_well(root, server):
    get = flask_get({"SERVER": server, "ROOTS": {root: "/_private/files/"}})
    assert_offloaded(get("/file/a b.pdf"), root / "a b.pdf")
    with pytest.raises(AssertionError, match="the app itself sent 4 bytes"):
        assert_offloaded(get("/text"), root / "a b.pdf")
    with pytest.raises(AssertionError, match="the app sent 4 bytes, too"):
        assert_offloaded(get("/both/a b.pdf"), root / "a b.pdf")


# Starlette's own test client takes no header that is not ASCII.
@pytest.mark.parametrize("make_get", ["flask", "django"], indirect=True)
def test_a_name_that_is_not_ascii(make_get, root, server):
    (root / "Grüße – 猫.pdf").touch()
    get = make_get(server)
    response = get("/file/Grüße – 猫.pdf")
    assert_offloaded(response, root / "Grüße – 猫.pdf")
    with pytest.raises(AssertionError, match=r"expected x-.*other\.pdf, not x-.*Gr"):
        assert_offloaded(response, root / "other.pdf")


def test_it_takes_what_send_private_file_takes(root, tmp_path):
    (tmp_path / "second").mkdir()
    (tmp_path / "second/a b.pdf").touch()
    settings = {
        "SERVER": "nginx",
        "ROOTS": {root: "/_first/", tmp_path / "second": "/_second/"},
        "REMOTES": {"https://media.internal/": "/_remote/"},
    }
    app = flask.Flask(__name__)
    app.config["XACCEL"] = settings
    XAccel(app)

    @app.get("/<kind>")
    def view(kind):
        if kind == "remote":
            return send_private_file("https://media.internal/a b.mp4?signature=x")
        return send_private_file("a b.pdf", root=root if kind == "first" else root.parent / kind)

    get = app.test_client().get
    assert_offloaded(get("/first"), "a b.pdf", root=root)
    assert_offloaded(get("/second"), "a b.pdf", root=tmp_path / "second")
    with pytest.raises(AssertionError, match="/_first/"):
        assert_offloaded(get("/second"), "a b.pdf", root=root)
    assert_offloaded(get("/remote"), "https://media.internal/a b.mp4?signature=x")
    with pytest.raises(AssertionError, match="or below one"):
        assert_offloaded(get("/remote"), "https://other.internal/a")


def test_it_takes_a_file_of_a_storage(root):
    settings = {"SERVER": "nginx", "ROOTS": {str(root): "/_private/files/"}}
    storage = FileSystemStorage(root)
    with override_settings(XACCEL=settings), storage.open("a b.pdf") as file:
        response = Client().get("/file/a b.pdf")
        assert_offloaded(response, file)
        with storage.open("other.pdf") as other, pytest.raises(AssertionError, match="expected"):
            assert_offloaded(response, other)
