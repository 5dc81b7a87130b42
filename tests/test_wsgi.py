import io
from wsgiref.util import FileWrapper

import pytest
from jinja2 import Environment
from PIL import Image
from xaccel import Config, ConfigError, SpecError, asgi, starlette, wsgi
from xaccel.jinja import install
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.wsgi import PrivateLinks, Thumbnails, XAccel

from tests.support.clients import call_wsgi as call

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
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Content-Length"] == str(len(CONTENT))
    assert headers["Content-Disposition"].startswith("attachment; ")
    assert call(app, headers={"Range": "bytes=1-2"})[::2] == (206, CONTENT[1:3])
    assert call(app, headers={"If-None-Match": headers["ETag"]})[::2] == (304, b"")
    assert call(app, method="HEAD") == (200, headers, b"")


def test_the_servers_file_wrapper_sends_a_whole_file_and_nothing_else(make_config):
    wrapped = []

    class Wrapper(FileWrapper):
        def __init__(self, file, size):
            super().__init__(file, size)
            wrapped.append(file)

    app = XAccel(make_config()).send_private_file("Grüße 100%.mp4")
    assert call(app, **{"wsgi.file_wrapper": Wrapper})[2] == CONTENT
    assert len(wrapped) == 1
    assert wrapped[0].closed
    ranged = call(app, headers={"Range": "bytes=1-2"}, **{"wsgi.file_wrapper": Wrapper})
    assert ranged[2] == CONTENT[1:3]
    assert len(wrapped) == 1


def test_nginx_gets_x_accel_redirect(make_config):
    app = XAccel(make_config(SERVER="nginx")).send_private_file("Grüße 100%.mp4", max_age=60)
    status, headers, content = call(app)
    assert (status, content) == (200, b"")
    assert headers["X-Accel-Redirect"] == "/_private/files/Gr%C3%BC%C3%9Fe%20100%25.mp4"
    assert headers["Cache-Control"] == "private, max-age=60"


@pytest.mark.parametrize("server", ["direct", "nginx"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_forbidden_file_is_404_without_a_path(make_config, root, server, method):
    app = XAccel(make_config(SERVER=server)).send_private_file("../secret")
    status, headers, content = call(app, method=method)
    assert status == 404
    assert content == (b"Not Found\n" if method == "GET" else b"")
    assert str(root) not in str(headers)
    assert "X-Accel-Redirect" not in headers


def test_an_unknown_option_is_an_error_at_once(make_config):
    with pytest.raises(TypeError, match="attachment"):
        XAccel(make_config()).send_private_file("a", attachment=True)


def test_links(make_config):
    app = PrivateLinks(make_config())
    link = XAccel(make_config()).private_url("Grüße 100%.mp4", as_attachment=True)
    path, _, query = link.partition("?")
    path = path.replace("%C3%BC", "ü").replace("%C3%9F", "ß").replace("%20", " ")
    path = path.replace("%25", "%").encode().decode("latin-1")
    assert call(app, f"{path}?{query}")[::2] == (200, CONTENT)
    mounted = call(app, f"{path.removeprefix('/p')}?{query}", SCRIPT_NAME="/p")
    assert mounted[::2] == (200, CONTENT)
    assert call(app, f"{path}?{query}x")[0] == 403
    assert call(app, "/p/files/\xff?key=x")[0] == 403


def test_thumbnails(make_config):
    app = Thumbnails(make_config())
    url = TemplateHelpers(make_config()).thumbnail_url("cat.jpg", 30)
    status, headers, content = call(app, url)
    assert (status, headers["Content-Type"], content[:2]) == (200, "image/jpeg", b"\xff\xd8")
    assert call(app, url, method="HEAD")[::2] == (200, b"")
    assert call(app, url, method="POST", validate=False)[0] == 405
    assert call(app, url + "x")[0] == 403


def test_thumbnails_of_private_files(make_config, photos):
    xaccel = XAccel(make_config(ROOTS={photos: "/_private/photos/"}))
    status, headers, content = call(xaccel.send_private_thumbnail("cat.jpg", 30, max_age=9))
    assert (status, headers["Content-Type"], content[:2]) == (200, "image/jpeg", b"\xff\xd8")
    assert headers["Cache-Control"] == "private, max-age=9"
    assert call(xaccel.send_private_thumbnail("absent.jpg", 30))[0] == 404
    with pytest.raises(SpecError, match="covr"):
        xaccel.send_private_thumbnail("cat.jpg", 30, fit="covr")


def test_effects_on_thumbnails_of_private_and_public_files(make_config, photos):
    picture = Image.new("RGB", (90, 70), "white")
    picture.paste("red", (20, 10, 60, 50))
    picture.save(photos / "framed.png")
    config = make_config(ROOTS={photos: "/_private/photos/"})
    xaccel = XAccel(config)
    options = {"trim": True, "grayscale": True, "detail": True, "radius": 9}
    for status, _, content in (
        call(xaccel.send_private_thumbnail("framed.png", 20, **options)),
        call(Thumbnails(config), xaccel.thumbnail_url("framed.png", 20, **options)),
    ):
        assert status == 200
        made = Image.open(io.BytesIO(content)).convert("LA")
        assert made.size == (20, 20)
        assert made.getpixel((0, 0))[1] == 0
        assert made.getpixel((10, 10)) == (76, 255)


@pytest.mark.parametrize("made", [wsgi, asgi, starlette])
def test_every_adapter_writes_urls_and_purges(make_config, root, tmp_path, made):
    name = "film.mp4"
    (root / name).write_bytes(CONTENT)
    config = make_config(THUMBNAIL_CACHE=tmp_path / "cache")
    xaccel = made.XAccel(config)
    url = xaccel.thumbnail_url("cat.jpg", 20, 20, fit="cover")
    assert url == TemplateHelpers(config).thumbnail_url("cat.jpg", 20, 20, fit="cover")
    assert call(Thumbnails(config), url)[0] == 200
    assert xaccel.purge_thumbnails("cat.jpg") == 1
    assert xaccel.purge_thumbnails("cat.jpg") == 0
    link = xaccel.private_url(name, expires=1 << 40, as_attachment=True)
    assert call(PrivateLinks(config), link)[2] == CONTENT
    bare = made.XAccel(make_config(THUMBNAIL_SOURCE=None))
    assert bare.purge_thumbnails("cat.jpg") == 0
    with pytest.raises(ConfigError, match="THUMBNAIL_SOURCE"):
        bare.thumbnail_url("cat.jpg", 20)


def test_jinja_outside_flask(make_config, root):
    (root / "film.mp4").write_bytes(CONTENT)
    config = make_config()
    xaccel = XAccel(config)
    environment = Environment(autoescape=True)
    install(environment, TemplateHelpers(config), private_url=xaccel.private_url)
    template = environment.from_string(
        "{{ private_url('film.mp4') }} {{ thumbnail_url('cat.jpg', 20) }}"
    )
    link, thumbnail = template.render().split()
    assert call(PrivateLinks(config), link)[0] == 200
    assert call(Thumbnails(config), thumbnail)[0] == 200
    bare = Environment(autoescape=True)
    install(bare, private_url=xaccel.private_url)
    assert "private_url" in bare.globals
    assert "thumbnail_url" not in bare.globals
