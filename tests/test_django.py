import io
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.template import Context, Template
from django.test import Client, override_settings
from PIL import Image

from tests.support import django_site  # noqa: F401


@pytest.fixture
def private(tmp_path):
    directory = tmp_path / "private"
    directory.mkdir()
    (directory / "Grüße – 猫.pdf").write_bytes(b"%PDF-1.4 " + bytes(1000))
    return directory


@pytest.fixture
def configure(private, photos, tmp_path):
    overrides = []

    def configure(**changes):
        xaccel = {
            "ROOTS": {private: "/_private/files/"},
            "THUMBNAIL_SOURCE": photos,
            "THUMBNAIL_CACHE": tmp_path / "cache",
            "THUMBNAIL_PRESETS": {"avatar": "96x96,cover"},
            **changes,
        }
        override = override_settings(XACCEL=xaccel)
        override.enable()
        overrides.append(override)
        return Client()

    yield configure
    for override in reversed(overrides):
        override.disable()


def render(template, **context):
    return Template("{% load xaccel %}" + template).render(Context(context)).replace("&amp;", "&")


def test_direct_sends_the_file(configure):
    response = configure().get("/file/Grüße – 猫.pdf", headers={"Range": "bytes=0-7"})
    assert response.status_code == 206
    assert response.getvalue() == b"%PDF-1.4"
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Length"] == "8"
    assert "filename*=UTF-8''Gr%C3%BC%C3%9Fe" in response.headers["Content-Disposition"]


def test_nginx_gets_x_accel_redirect(configure):
    response = configure(SERVER="nginx").get("/file/Grüße – 猫.pdf")
    assert response.status_code == 200
    assert response.content == b""
    assert response.headers["Content-Length"] == "0"
    assert response.headers["Content-Type"] == "application/pdf"
    assert (
        response.headers["X-Accel-Redirect"]
        == "/_private/files/Gr%C3%BC%C3%9Fe%20%E2%80%93%20%E7%8C%AB.pdf"
    )


@pytest.mark.parametrize("server", ["direct", "nginx"])
def test_a_forbidden_file_is_404_without_a_path(configure, private, server):
    (private / "link").symlink_to("/etc/hostname")
    client = configure(SERVER=server)
    for name in ("absent", "link", "", "../../etc/passwd"):
        response = client.get(f"/file/{name}")
        assert response.status_code == 404
        assert str(private) not in response.content.decode()
        assert "X-Accel-Redirect" not in response.headers


def test_template_tag_and_endpoint(configure):
    client = configure()
    photo = SimpleNamespace(image=SimpleNamespace(name="cat.jpg"))
    for template, spec, size in (
        ('{% thumbnail_url photo.image 300 200 fit="cover" %}', "300x200,cover", (300, 200)),
        ("{{ photo.image|thumbnail_url:300 }}", "300x-", (300, 225)),
        ('{{ photo.image|thumbnail_url:"avatar" }}', "96x96,cover", (96, 96)),
    ):
        url = render(template, photo=photo)
        assert url.startswith(f"/t/{spec}/cat.jpg?key=")
        response = client.get(url)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "image/jpeg"
        assert Image.open(io.BytesIO(response.getvalue())).size == size


def test_bad_urls_and_sources(configure):
    client = configure()
    good = render("{{ 'cat.jpg'|thumbnail_url:50 }}")
    assert client.get(good.replace("50x", "51x")).status_code == 403
    assert client.get(render("{{ 'absent.jpg'|thumbnail_url:50 }}")).status_code == 404
    assert client.get(render("{{ 'text.jpg'|thumbnail_url:50 }}")).status_code == 415


def test_urls_signed_before_a_key_rotation_stay_valid(configure):
    url = render("{{ 'cat.jpg'|thumbnail_url:50 }}") if configure() else ""
    new = "a new secret of the framework"
    with override_settings(SECRET_KEY=new, SECRET_KEY_FALLBACKS=["", settings.SECRET_KEY]):
        response = Client().get(url)
        assert (response.status_code, response.getvalue()[:2]) == (200, b"\xff\xd8")
        assert render("{{ 'cat.jpg'|thumbnail_url:50 }}") != url
    with override_settings(SECRET_KEY=new):
        assert Client().get(url).status_code == 403
