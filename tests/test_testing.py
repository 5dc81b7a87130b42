import asyncio
import io
import itertools

import flask
import pytest
from django.core.files.storage import FileSystemStorage
from django.test import AsyncClient, Client, override_settings
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient
from xaccel import Config, Spec, asgi, probe
from xaccel.django import conf, thumbnail_url as django_thumbnail_url
from xaccel.flask import (
    XAccel,
    send_private_file,
    send_private_thumbnail,
    thumbnail_url as flask_thumbnail_url,
)
from xaccel.testing import (
    assert_not_offloaded,
    assert_offloaded,
    make_image,
    override_thumbnails,
)

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
    with pytest.raises(AssertionError, match="neither a file under one of"):
        assert_offloaded(response, "/etc/hostname")


def test_content_as_well(root, server):
    get = flask_get({"SERVER": server, "ROOTS": {root: "/_private/files/"}})
    assert_offloaded(get("/file/a b.pdf"), root / "a b.pdf")
    with pytest.raises(AssertionError, match="the app sent 4 bytes"):
        assert_offloaded(get("/text"), root / "a b.pdf")
    with pytest.raises(AssertionError, match="the app also sent 4 bytes"):
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
    with pytest.raises(AssertionError, match="nor a URL below one"):
        assert_offloaded(get("/remote"), "https://other.internal/a")


def test_it_takes_a_file_of_a_storage(root):
    settings = {"SERVER": "nginx", "ROOTS": {str(root): "/_private/files/"}}
    storage = FileSystemStorage(root)
    with override_settings(XACCEL=settings), storage.open("a b.pdf") as file:
        response = Client().get("/file/a b.pdf")
        assert_offloaded(response, file)
        with storage.open("other.pdf") as other, pytest.raises(AssertionError, match="expected"):
            assert_offloaded(response, other)


@pytest.fixture
def thumbnails(tmp_path, photos, server):
    """The settings of a site with thumbnails."""
    return {
        "SERVER": server,
        "ROOTS": {photos: "/_private/files/"},
        "THUMBNAIL_SOURCE": str(photos),
        "THUMBNAIL_CACHE": tmp_path / "cache",
    }


@pytest.fixture(params=["flask", "django"])
def site(request, thumbnails):
    """A client, and the function that writes the URLs of thumbnails."""
    if request.param == "django":
        with override_settings(XACCEL=thumbnails):
            yield Client().get, django_thumbnail_url
        return
    app = flask.Flask(__name__)
    app.config.update(SECRET_KEY="the secret of the framework", XACCEL=thumbnails)
    XAccel(app)

    @app.get("/private/<name>")
    def private(name):
        return send_private_thumbnail(name, 30, 20, fit="cover")

    with app.app_context():
        yield app.test_client().get, flask_thumbnail_url


WIDTHS = itertools.count(100)


def test_an_offloaded_thumbnail(site):
    get, thumbnail_url = site
    for options in ({}, {"format": "auto"}):
        url = thumbnail_url("sub/föö bär.jpg", 30, 20, fit="cover", **options)
        response = get(url, headers={"Accept": "image/webp"})
        assert_offloaded(response, url)
        # A width of its own, since the sites of other tests may still have theirs.
        other = thumbnail_url("sub/föö bär.jpg", next(WIDTHS), 20, fit="cover")
        with pytest.raises(AssertionError, match="or a thumbnail in"):
            assert_offloaded(response, other)
        get(other)
        with pytest.raises(AssertionError, match="expected x-"):
            assert_offloaded(response, other)


def content(response):
    return response.get_data() if hasattr(response, "get_data") else response.getvalue()


@pytest.mark.parametrize("server", ["nginx", "direct"])
def test_an_override_renders_nothing(site, tmp_path, monkeypatch):
    get, thumbnail_url = site
    url = thumbnail_url("absent.jpg", 30, 20, fit="cover", format="webp")
    with override_thumbnails() as requested:
        response = get(url)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "image/webp"
        info = probe(content(response))
        assert (info.width, info.height, info.format) == (1, 1, "webp")
        assert get(url.replace("key=", "key=x")).status_code == 403
    assert requested == [("absent.jpg", Spec(30, 20, fit="cover", format="webp"))]
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.suffix == ".webp"]
    assert get(url).status_code == 404


@pytest.mark.parametrize("server", ["direct"])
@pytest.mark.parametrize("site", ["flask"], indirect=True)
def test_an_override_renders_no_private_thumbnail(site, photos):
    get, _ = site
    with override_thumbnails() as requested:
        assert get("/private/text.jpg").status_code == 200
    assert requested == [(str(photos / "text.jpg"), Spec(30, 20, fit="cover"))]


def test_an_override_reads_no_placeholder(tmp_path):
    with override_settings(XACCEL={"THUMBNAIL_SOURCE": str(tmp_path)}):

        @override_thumbnails()
        def drawn():
            return conf.template_helpers().placeholder("absent.jpg")

        assert drawn().startswith("data:image/gif;base64,")


def test_an_override_of_an_async_test(tmp_path):
    with override_settings(XACCEL={"THUMBNAIL_SOURCE": str(tmp_path)}):

        @override_thumbnails()
        async def drawn(name):
            await asyncio.sleep(0)
            url = django_thumbnail_url(name, 30)
            return (await AsyncClient().get(url)).status_code

        assert [asyncio.run(drawn("absent.jpg")) for _ in range(2)] == [200, 200]
        assert Client().get(django_thumbnail_url("absent.jpg", 30)).status_code == 404


@pytest.mark.parametrize("image_format", ["jpeg", "png", "webp", "avif", "gif"])
def test_made_images(image_format):
    info = probe(make_image(40, 30, format=image_format))
    assert (info.width, info.height, info.format) == (40, 30, image_format)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_made_images_with_an_orientation(orientation):
    content = make_image(40, 30, orientation=orientation)
    info = probe(content)
    assert info.orientation == orientation
    assert (info.width, info.height) == ((40, 30) if orientation < 5 else (30, 40))
    with Image.open(io.BytesIO(content)) as image:
        assert image.getexif().get(0x0112, 1) == orientation


def test_only_a_jpeg_has_an_orientation():
    with pytest.raises(ValueError, match="only a JPEG"):
        make_image(40, 30, format="png", orientation=6)
