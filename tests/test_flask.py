import base64
import dataclasses
import hmac
import inspect
import io
import shutil
from wsgiref.util import FileWrapper

import pytest
from flask import Flask, Response, render_template_string
from flask.testing import FlaskClient
from jinja2 import UndefinedError
from PIL import Image
from xaccel import ConfigError, FileNotFound, Signer
from xaccel.delivery.presentation import FileKeywords, FileOptions
from xaccel.exceptions import SourceError
from xaccel.flask import (
    XAccel,
    private_url,
    purge_thumbnails,
    send_private_file,
    send_private_thumbnail,
    thumbnail_img,
    thumbnail_srcset,
    thumbnail_url as url_of_thumbnail,
)


class Client(FlaskClient):
    """Reads each response to its end, as a server does."""

    def open(self, *args, **options):
        return super().open(*args, **{"buffered": True, **options})


@pytest.fixture
def private(tmp_path):
    directory = tmp_path / "private"
    directory.mkdir()
    (directory / "Grüße – 猫.pdf").write_bytes(b"%PDF-1.4 " + bytes(1000))
    return directory


@pytest.fixture
def make_app(private, photos, tmp_path):
    def make(**settings):
        app = Flask(__name__)
        app.test_client_class = Client
        app.config["SECRET_KEY"] = "the secret of the framework"
        app.config["XACCEL"] = {
            "ROOTS": {private: "/_private/files/"},
            "THUMBNAIL_SOURCE": photos,
            "THUMBNAIL_CACHE": tmp_path / "cache",
            "THUMBNAIL_PRESETS": {"avatar": "96x96,cover"},
            **settings,
        }
        XAccel(app)

        @app.get("/file/<path:name>")
        def file(name):
            return send_private_file(name, as_attachment=True, max_age=60)

        @app.get("/forged")
        def forged():
            return Response("text", headers={"X-Accel-Redirect": "/etc/", "x-sendfile": "/etc"})

        return app

    return make


def thumbnail_url(app, template):
    with app.test_request_context():
        return render_template_string(template).replace("&amp;", "&")


def cached(tmp_path):
    return sorted(
        str(path.relative_to(tmp_path / "cache"))
        for path in (tmp_path / "cache" / "t").rglob("*")
        if path.is_file()
    )


def test_direct_sends_the_file(make_app):
    client = make_app().test_client()
    response = client.get("/file/Grüße – 猫.pdf", headers={"Range": "bytes=0-7"})
    assert response.status_code == 206
    assert response.data == b"%PDF-1.4"
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Cache-Control"] == "private, max-age=60"
    assert "filename*=UTF-8''Gr%C3%BC%C3%9Fe" in response.headers["Content-Disposition"]


def test_the_wsgi_servers_file_wrapper_has_whole_files(make_app, private):
    wrapped = []

    class Wrapper(FileWrapper):
        def __init__(self, file, size):
            super().__init__(file, size)
            wrapped.append(file)

    def get(**headers):
        environ = {"wsgi.file_wrapper": Wrapper}
        return client.get("/file/large.pdf", headers=headers, environ_overrides=environ)

    (private / "large.pdf").write_bytes(b"%PDF-1.4 " + bytes(100_000))
    client = make_app().test_client()
    assert get().data == b"%PDF-1.4 " + bytes(100_000)
    assert len(wrapped) == 1
    assert wrapped[0].closed
    assert get(Range="bytes=0-7").data == b"%PDF-1.4"
    assert len(wrapped) == 1


def test_nginx_gets_x_accel_redirect(make_app):
    client = make_app(SERVER="nginx").test_client()
    response = client.get("/file/Grüße – 猫.pdf", headers={"Range": "bytes=0-7"})
    assert response.status_code == 200
    assert response.data == b""
    assert response.headers["Content-Length"] == "0"
    assert response.headers["Content-Type"] == "application/pdf"
    assert (
        response.headers["X-Accel-Redirect"]
        == "/_private/files/Gr%C3%BC%C3%9Fe%20%E2%80%93%20%E7%8C%AB.pdf"
    )
    for name in ("ETag", "Last-Modified", "Accept-Ranges"):
        assert name not in response.headers


@pytest.mark.parametrize("server", ["direct", "nginx"])
def test_a_forbidden_file_is_404_without_a_path(make_app, private, server):
    (private / "link").symlink_to("/etc/hostname")
    (private / "directory").mkdir()
    client = make_app(SERVER=server).test_client()
    for name in (
        "absent",
        "link",
        "directory",
        "..%2f..%2fetc/passwd",
        "%2e%2e/x",
    ):
        response = client.get(f"/file/{name}")
        assert response.status_code == 404, name
        assert str(private) not in response.text
        assert "X-Accel-Redirect" not in response.headers


def test_foreign_offload_headers_are_stripped(make_app):
    response = make_app(SERVER="nginx").test_client().get("/forged")
    assert response.text == "text"
    assert not {"x-accel-redirect", "x-sendfile"} & {
        name.lower() for name in dict(response.headers)
    }


@pytest.mark.parametrize("signature", ["hmac-sha256", "secure-link-md5"])
@pytest.mark.parametrize(
    ("template", "spec", "size"),
    [
        ("{{ thumbnail_url('cat.jpg', 300, 200) }}", "300x200", (267, 200)),
        ("{{ thumbnail_url('cat.jpg', 300, 200, fit='cover') }}", "300x200,cover", (300, 200)),
        ("{{ 'cat.jpg'|thumbnail_url(300) }}", "300x-", (300, 225)),
        ("{{ 'cat.jpg'|thumbnail_url('avatar') }}", "96x96,cover", (96, 96)),
        ("{{ thumbnail_url('cat.jpg', none, 100, quality=50) }}", "-x100,q-50", (133, 100)),
        ("{{ thumbnail_url('cat.jpg', 9000) }}", "9000x-", (640, 480)),
    ],
)
def test_thumbnails(make_app, tmp_path, signature, template, spec, size):
    app = make_app(SIGNATURE=signature)
    url = thumbnail_url(app, template)
    assert url.startswith(f"/t/{spec}/cat.jpg?key=")
    for _ in ("made", "found"):
        response = app.test_client().get(url)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "image/jpeg"
        assert response.headers["Cache-Control"] == "public, max-age=2592000"
        image = Image.open(io.BytesIO(response.data))
        assert (image.format, image.size) == ("JPEG", size)
        assert cached(tmp_path) == [f"t/{spec}/cat.jpg"]


def test_absolute_urls(make_app):
    app = make_app()
    with app.test_request_context("/", base_url="https://example.com"):
        assert url_of_thumbnail("cat.jpg", 30).startswith("/t/30x-/cat.jpg")
        url = url_of_thumbnail("cat.jpg", 30, _external=True)
        assert url.startswith("https://example.com/t/30x-/cat.jpg")
        template = "{{ thumbnail_url('cat.jpg', 30, _external=True) }}"
        assert render_template_string(template) == url.replace("&", "&amp;")
        template = "{{ 'cat.jpg'|thumbnail_url(30, _external=True) }}"
        assert render_template_string(template) == url.replace("&", "&amp;")
        srcset = thumbnail_srcset("cat.jpg", widths=[30, 60], _external=True)
        assert srcset.count("https://example.com/t/") == 2
        html = thumbnail_img("cat.jpg", 30, alt="", _external=True)
        assert html.count("https://example.com/t/") == 3
        assert thumbnail_srcset(None, 30) is None


def test_the_host_of_thumbnails(make_app):
    app = make_app(THUMBNAIL_HOST="https://cdn.example.com")
    with app.test_request_context("/", base_url="https://example.com"):
        for external in (False, True):
            url = url_of_thumbnail("cat.jpg", 30, _external=external)
            assert url.startswith("https://cdn.example.com/t/30x-/cat.jpg?key=")
        html = render_template_string("{{ thumbnail_picture('cat.jpg', 30, alt='') }}")
        assert html.count("https://cdn.example.com/t/") == html.count("/t/") == 5
        assert thumbnail_srcset("cat.jpg", 30).count("https://cdn.example.com/t/") == 2
    assert app.test_client().get(url.removeprefix("https://cdn.example.com")).status_code == 200


def test_functions_without_thumbnails_name_the_setting(make_app):
    app = make_app(THUMBNAIL_SOURCE=None)
    with app.app_context(), pytest.raises(ConfigError, match="THUMBNAIL_SOURCE"):
        url_of_thumbnail("cat.jpg", 30)


def test_names_of_all_kinds(make_app, tmp_path):
    app = make_app()
    for name in ("sub/föö bär.jpg", "100% (1).jpg", "alpha.png"):
        url = thumbnail_url(app, "{{ name|thumbnail_url(50) }}".replace("name", repr(name)))
        assert app.test_client().get(url).status_code == 200, url
    assert cached(tmp_path) == [
        "t/50x-/100% (1).jpg",
        "t/50x-/alpha.png",
        "t/50x-/sub/föö bär.jpg",
    ]


def test_formats(make_app, tmp_path):
    app = make_app()
    client = app.test_client()
    webp = thumbnail_url(app, "{{ thumbnail_url('alpha.png', 50, format='webp') }}")
    response = client.get(webp)
    assert response.headers["Content-Type"] == "image/webp"
    assert "Vary" not in response.headers
    auto = thumbnail_url(app, "{{ thumbnail_url('alpha.png', 50, format='auto') }}")
    for accept, kind in (("image/webp,*/*", "image/webp"), ("*/*", "image/png")):
        response = client.get(auto, headers={"Accept": accept})
        assert response.headers["Content-Type"] == kind
        assert response.headers["Vary"] == "Accept"
        assert Image.open(io.BytesIO(response.data)).has_transparency_data
    assert cached(tmp_path) == [
        "t/50x-,auto/alpha.png.png",
        "t/50x-,auto/alpha.png.webp",
        "t/50x-,webp/alpha.png.webp",
    ]


@pytest.mark.parametrize("server", ["direct", "nginx"])
@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("absent.jpg", 404),
        ("link.jpg", 404),
        ("sub", 404),
        ("text.jpg", 415),
        ("truncated.jpg", 422),
    ],
)
def test_bad_sources(make_app, tmp_path, caplog, server, name, status):
    app = make_app(SERVER=server)
    response = app.test_client().get(thumbnail_url(app, f"{{{{ '{name}'|thumbnail_url(50) }}}}"))
    assert response.status_code == status
    assert response.headers["Cache-Control"] == "max-age=15"
    assert str(tmp_path) not in response.text
    assert cached(tmp_path) == []
    (record,) = caplog.records
    assert name in record.getMessage()
    assert record.name.startswith("xaccel")


def test_bad_urls(make_app, tmp_path):
    app = make_app()
    client = app.test_client()
    good = thumbnail_url(app, "{{ 'cat.jpg'|thumbnail_url(50) }}")
    key = good.partition("key=")[2]
    for url in (
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good.replace("cat", "dog"),
        good.replace("50x", "51x"),
        good.replace("key", "KEY"),
        good + "&a=b",
        good + "&expires=1",
        f"/t/50x-/cat.jpg?key={key}&key={key}",
        "/t/50x-/cat.jpg",
        "/t/",
        "/t/x",
        "/t/50x-/../cat.jpg?key=x",
    ):
        assert client.get(url).status_code in {403, 404}, url
    assert cached(tmp_path) == []
    assert client.post(good).status_code == 405


def test_expired_url(make_app):
    app = make_app()
    url = thumbnail_url(app, "{{ thumbnail_url('cat.jpg', 50, expires_in=60) }}")
    response = app.test_client().get(url)
    assert response.status_code == 200
    assert 0 < int(response.headers["Cache-Control"].rpartition("=")[2]) <= 90
    signer = app.extensions["xaccel"].config.signer()
    assert app.test_client().get(signer.sign("/t/50x-/cat.jpg", expires=1)).status_code == 410


def test_a_purge_shows_the_new_picture(make_app, photos, tmp_path):
    app = make_app()
    url = thumbnail_url(app, "{{ 'cat.jpg'|thumbnail_url(50) }}")
    assert Image.open(io.BytesIO(app.test_client().get(url).data)).size == (50, 38)
    shutil.copy(photos / "alpha.png", photos / "cat.jpg")
    with app.app_context():
        assert purge_thumbnails("cat.jpg") == 1
        assert purge_thumbnails("cat.jpg") == 0
    assert cached(tmp_path) == []
    assert Image.open(io.BytesIO(app.test_client().get(url).data)).size == (50, 50)


def test_another_source(make_app, photos, tmp_path):
    avatars = tmp_path / "avatars"
    avatars.mkdir()
    Image.new("RGB", (60, 90)).save(avatars / "cat.jpg")
    app = make_app(THUMBNAIL_SOURCES={"avatars": avatars})
    for template in (
        "{{ thumbnail_url('~avatars/cat.jpg', 60) }}",
        "{{ '~avatars/cat.jpg'|thumbnail_url(60) }}",
    ):
        url = thumbnail_url(app, template)
        assert url.startswith("/t/60x-/~avatars/cat.jpg?key=")
        assert Image.open(io.BytesIO(app.test_client().get(url).data)).size == (60, 90)
    with app.test_request_context():
        assert url_of_thumbnail("~avatars/cat.jpg", 60) == url
        assert url_of_thumbnail(avatars / "cat.jpg", 60) == url
    assert cached(tmp_path) == ["t/60x-/~avatars/cat.jpg"]
    with app.app_context():
        assert purge_thumbnails("cat.jpg") == 0
        assert purge_thumbnails("~avatars/cat.jpg") == 1
        with pytest.raises(SourceError, match="did you mean 'avatars'"):
            purge_thumbnails("~avatar/cat.jpg")


def test_a_private_link_may_be_absolute(make_app, private):
    app = make_app(PRIVATE_URL="/p/")
    (private / "a.txt").touch()
    with app.test_request_context(base_url="https://www.example.com/shop/"):
        link = private_url("a.txt")
        assert link.startswith("/shop/p/files/a.txt?key=")
        absolute = private_url("a.txt", _external=True)
        assert absolute == f"https://www.example.com{link}"
        for template in (
            "{{ private_url('a.txt', _external=True) }}",
            "{{ private_url('a.txt', root=root, _external=True) }}",
        ):
            html = render_template_string(template, root=private)
            assert html.replace("&amp;", "&") == absolute


def test_a_wrong_source_raises_in_debug_mode(make_app):
    app = make_app()
    template = "{{ thumbnail_url('https://elsewhere.example/cat.jpg', 50) }}"
    assert thumbnail_url(app, template) == ""
    app.debug = True
    with pytest.raises(SourceError, match="not a URL"):
        thumbnail_url(app, template)


def test_thumbnails_of_private_files(make_app, photos, private, tmp_path):
    app = make_app()
    shutil.copy(photos / "cat.jpg", private)

    @app.get("/thumbnail/<name>")
    def thumbnail(name):
        return send_private_thumbnail(name, 50, max_age=60, format="webp")

    response = app.test_client().get("/thumbnail/cat.jpg")
    assert (response.status_code, response.content_type) == (200, "image/webp")
    assert response.headers["Cache-Control"] == "private, max-age=60"
    assert Image.open(io.BytesIO(response.data)).size == (50, 38)
    assert cached(tmp_path) == []
    assert app.test_client().get("/thumbnail/absent.jpg").status_code == 404


def test_a_broken_cache_still_gives_thumbnails(make_app, tmp_path):
    (tmp_path / "cache").write_text("a file where the directory should be")
    app = make_app()
    url = thumbnail_url(app, "{{ 'cat.jpg'|thumbnail_url(50) }}")
    response = app.test_client().get(url)
    assert response.status_code == 200
    assert Image.open(io.BytesIO(response.data)).size == (50, 38)


def test_conditional_and_head_requests(make_app):
    app = make_app()
    client = app.test_client()
    url = thumbnail_url(app, "{{ 'cat.jpg'|thumbnail_url(50) }}")
    first = client.get(url)
    again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    head = client.head(url)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(first.data))


def test_rotated_keys(make_app):
    old = make_app(SECRET_KEYS=["an old key of 16+ bytes"])
    url = thumbnail_url(old, "{{ 'cat.jpg'|thumbnail_url(50) }}")
    new = make_app(SECRET_KEYS=["a new key of 16+ bytes", "an old key of 16+ bytes"])
    assert new.test_client().get(url).status_code == 200
    assert thumbnail_url(new, "{{ 'cat.jpg'|thumbnail_url(50) }}") != url


@pytest.mark.parametrize("key", [None, "", "short"])
def test_a_secret_key_that_can_be_guessed_signs_nothing(private, photos, key):
    def make(**settings):
        app = Flask(__name__)
        app.config.update(SECRET_KEY=key, SECRET_KEY_FALLBACKS=["a fallback of 16+ bytes"])
        app.config["XACCEL"] = {"ROOTS": {private: "/_p/"}, **settings}
        XAccel(app)
        return app

    app = make()
    app.add_url_rule("/", view_func=lambda: send_private_file("Grüße – 猫.pdf"))
    assert app.test_client().get("/", buffered=True).status_code == 200
    for settings in ({"PRIVATE_URL": "/p/"}, {"THUMBNAIL_SOURCE": photos}):
        with pytest.raises(ConfigError, match=r"SECRET_KEY .*token_urlsafe"):
            make(**settings)


def test_a_link_signed_with_an_empty_fallback_key_is_refused(make_app, private):
    app = Flask(__name__)
    app.config.update(SECRET_KEY="the secret of the framework", SECRET_KEY_FALLBACKS=[""])
    app.config["XACCEL"] = {"ROOTS": {private: "/_p/"}, "PRIVATE_URL": "/p/"}
    XAccel(app)
    digest = hmac.digest(b"", b"xaccel framework key v1", "sha256")
    guessed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    url = Signer([guessed]).sign("/p/_p/Grüße – 猫.pdf")
    assert app.test_client().get(url).status_code == 403


def test_one_extension_serves_several_apps(private, tmp_path):
    extension = XAccel()
    apps = [Flask(f"app{number}") for number in range(2)]
    for app, server in zip(apps, ("direct", "nginx"), strict=True):
        app.config["XACCEL"] = {"SERVER": server, "ROOTS": {private: "/_p/"}}
        extension.init_app(app)
        app.add_url_rule("/", view_func=lambda: send_private_file("Grüße – 猫.pdf"))
    assert "X-Accel-Redirect" not in apps[0].test_client().get("/").headers
    assert "X-Accel-Redirect" in apps[1].test_client().get("/").headers


def test_says_what_is_missing(private):
    app = Flask(__name__)
    with app.test_request_context(), pytest.raises(ConfigError, match=r"XAccel\(app\)"):
        send_private_file("x")
    app.config["XACCEL"] = {"THUMBNAIL_SOURCE": "/srv"}
    with pytest.raises(ConfigError, match="SECRET_KEYS"):
        XAccel(app)
    app.config["XACCEL"] = ["SERVER"]
    with pytest.raises(ConfigError, match="dict"):
        XAccel(app)


@pytest.fixture
def make_link(make_app):
    def make(*args, app=None, **options):
        with (app or make_app(PRIVATE_URL="/p/")).app_context():
            return private_url(*args, **options)

    return make


def test_private_link(make_app, make_link):
    app = make_app(PRIVATE_URL="/p/")
    link = make_link("Grüße – 猫.pdf", app=app)
    assert link.startswith("/p/files/Gr%C3%BC%C3%9Fe%20%E2%80%93%20%E7%8C%AB.pdf?key=")
    response = app.test_client().get(link, headers={"Range": "bytes=0-7"})
    assert (response.status_code, response.data) == (206, b"%PDF-1.4")
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert "Content-Disposition" not in response.headers
    nginx = make_app(PRIVATE_URL="/p/", SERVER="nginx")
    assert nginx.test_client().get(link).headers["X-Accel-Redirect"].startswith("/_private/files/")


def test_private_link_as_attachment(make_app, make_link):
    app = make_app(PRIVATE_URL="/p/")
    link = make_link("Grüße – 猫.pdf", app=app, as_attachment=True, download_name="a&b.pdf")
    assert "?as_attachment=1&download_name=a%26b.pdf&key=" in link
    response = app.test_client().get(link)
    assert response.headers["Content-Disposition"] == 'attachment; filename="a&b.pdf"'
    for forged in (
        link.replace("as_attachment=1&", ""),
        link.replace("a%26b", "evil"),
        link.replace("as_attachment=1", "as_attachment=2"),
    ):
        assert app.test_client().get(forged).status_code == 403


def test_private_links_are_refused_when_anything_is_wrong(make_app, make_link, private):
    app = make_app(PRIVATE_URL="/p/")
    (private / "link").symlink_to("/etc/hostname")
    (private / "directory").mkdir()
    client = app.test_client()
    for name in ("absent", "link", "directory"):
        assert client.get(make_link(name, app=app)).status_code == 404
    good = make_link("Grüße – 猫.pdf", app=app)
    for bad in (
        good[:-1] + ("A" if good[-1] != "A" else "E"),
        good.replace("/p/files/", "/p/files/../files/"),
        good.replace("/p/files/", "/p/other/"),
        good + "&a=b",
        "/p/",
        "/p/x",
        "/p/files/%2e%2e/%2e%2e/etc/passwd?key=x",
    ):
        response = client.get(bad)
        assert response.status_code in {403, 404}, bad
        assert str(private) not in response.text
    expired = make_link("Grüße – 猫.pdf", app=app, expires=1)
    assert client.get(expired).status_code == 410
    assert client.post(good).status_code == 405


def test_private_link_in_md5_can_not_say_how_the_file_is_presented(make_app, make_link):
    app = make_app(PRIVATE_URL="/p/", SIGNATURE="secure-link-md5")
    assert app.test_client().get(make_link("Grüße – 猫.pdf", app=app)).status_code == 200
    with pytest.raises(ValueError, match="secure-link-md5"):
        make_link("Grüße – 猫.pdf", app=app, as_attachment=True)


def test_private_links_have_to_be_configured(make_app, make_link):
    app = make_app()
    with pytest.raises(ConfigError, match="PRIVATE_URL"):
        make_link("a", app=app)
    assert app.test_client().get("/p/files/a").status_code == 404
    with pytest.raises(FileNotFound):
        make_link("/etc/passwd")
    with pytest.raises(ConfigError, match=r"PRIVATE_URL.*THUMBNAIL_URL"):
        make_app(PRIVATE_URL="/t/p/")
    with pytest.raises(ConfigError, match="last part"):
        make_app(PRIVATE_URL="/p/", ROOTS={"/a": "/_a/x/", "/b": "/_b/x/"})


def test_urls_in_python_and_in_templates(make_app, private):
    app = make_app(PRIVATE_URL="/p/")
    (private / "a.txt").touch()
    with app.test_request_context():
        for template, url in (
            (
                "{{ private_url('a.txt', as_attachment=True) }}",
                private_url("a.txt", as_attachment=True),
            ),
            ("{{ thumbnail_url('cat.jpg', 'avatar') }}", url_of_thumbnail("cat.jpg", "avatar")),
        ):
            assert render_template_string(template).replace("&amp;", "&") == url
            assert app.test_client().get(url).status_code == 200
        assert url_of_thumbnail("cat.jpg", 20, fit="cover").startswith("/t/20x-,cover/cat.jpg?key=")
    app = make_app(THUMBNAIL_SOURCE=None)
    with app.test_request_context():
        with pytest.raises(ConfigError, match="THUMBNAIL_SOURCE"):
            url_of_thumbnail("cat.jpg", 20)
        with pytest.raises(UndefinedError, match="private_url"):
            render_template_string("{{ private_url('a.txt') }}")


def test_a_name_with_a_backslash(make_app, make_link, private):
    name = "a\\b.txt"
    (private / name).write_bytes(b"content")
    app = make_app(PRIVATE_URL="/p/")
    link = make_link(name, app=app)
    assert link.startswith("/p/files/a%5Cb.txt?key=")
    assert app.test_client().get(link).data == b"content"


def test_links_and_thumbnails_of_both_signatures_work_during_a_transition(
    make_app, make_link, private
):
    (private / "a.txt").write_bytes(b"content")
    old = make_app(PRIVATE_URL="/p/")
    new = make_app(PRIVATE_URL="/p/", SIGNATURE=["secure-link-md5", "hmac-sha256"])
    link = make_link("a.txt", app=old)
    assert make_link("a.txt", app=new) != link
    for url in (link, make_link("a.txt", app=new)):
        assert new.test_client().get(url).data == b"content"
    template = "{{ 'cat.jpg'|thumbnail_url(50) }}"
    for url in (thumbnail_url(old, template), thumbnail_url(new, template)):
        assert new.test_client().get(url).status_code == 200


def test_help_shows_the_keywords_one_by_one():
    shown = str(inspect.signature(send_private_file))
    assert "options" not in shown
    assert shown.startswith("(path: 'str | os.PathLike[str] | BinaryIO', *, root: ")
    for keyword in FileKeywords.__annotations__:
        assert f" {keyword}: " in shown
    assert "as_attachment: 'bool' = False" in shown


def test_the_keywords_have_defaults_in_one_place():
    names = [field.name for field in dataclasses.fields(FileOptions)]
    assert names == list(FileKeywords.__annotations__)


def test_an_unknown_keyword_is_an_error(make_app):
    app = make_app()
    with app.test_request_context(), pytest.raises(TypeError, match="attachment"):
        send_private_file("film.mp4", attachment=True)
