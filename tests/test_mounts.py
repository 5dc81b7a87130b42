"""Apps below a path such as `/shop`: the URLs they write, and the endpoints that answer them."""

from urllib.parse import unquote

import jinja2
import pytest
from django.conf.urls.i18n import i18n_patterns
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client, override_settings
from django.urls import include, path, set_script_prefix
from django.utils.translation import override
from flask import Flask, render_template_string
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client as WerkzeugClient
from xaccel import Config, Signer, asgi, django as xaccel_django, flask, jinja, starlette, wsgi
from xaccel.django.checks import check_urls

from tests.support import django_site  # noqa: F401
from tests.support.clients import call_asgi, call_wsgi

KEY = "a key of 16 bytes or more"
MOUNTS = ["", "/shop", "/a shop/café"]


@pytest.fixture
def settings(photos, tmp_path):
    return {
        "ROOTS": {str(photos): "/_private/files/"},
        "THUMBNAIL_SOURCE": str(photos),
        "THUMBNAIL_CACHE": str(tmp_path / "cache"),
        "PRIVATE_URL": "/p/",
        "SECRET_KEYS": [KEY],
    }


@pytest.fixture
def cached(tmp_path):
    """The names of the finished thumbnails."""
    return lambda: sorted(
        str(file.relative_to(tmp_path / "cache"))
        for file in (tmp_path / "cache").glob("t/**/*")
        if file.is_file()
    )


def check(urls, mount, get, cached):
    """Both endpoints answer what was written, for which the whole path was signed."""
    link, thumbnail = urls
    signer = Signer([KEY])
    assert signer.verify(link) == f"{mount}/p/files/cat.jpg"
    assert signer.verify(thumbnail) == f"{mount}/t/30x-/cat.jpg"
    for url in urls:
        assert get(url) == 200
        assert get(f"{url}x") == 403
        other = signer.sign(f"/other{signer.verify(url)}")
        assert get(f"{url.partition('?')[0]}?{other.partition('?')[2]}") == 403
    assert cached() == ["t/30x-/cat.jpg"]


@pytest.mark.parametrize("mount", MOUNTS)
def test_flask(settings, cached, mount):
    app = Flask(__name__)
    app.config["XACCEL"] = settings
    flask.XAccel(app)

    @app.get("/")
    def page():
        helpers = "{{ private_url('cat.jpg') }} {{ thumbnail_url('cat.jpg', 30) }}"
        in_template = render_template_string(
            "{% autoescape false %}" + helpers + "{% endautoescape %}"
        )
        in_code = f"{flask.private_url('cat.jpg')} {flask.thumbnail_url('cat.jpg', 30)}"
        assert in_template == in_code
        filtered = render_template_string("{{ 'cat.jpg'|thumbnail_url(30) }}")
        assert filtered == flask.thumbnail_url("cat.jpg", 30)
        absolute = flask.thumbnail_url("cat.jpg", 30, _external=True)
        assert absolute == "http://localhost" + flask.thumbnail_url("cat.jpg", 30)
        return in_code

    # WSGI has the bytes of a path as Latin-1.
    mounts = {mount.encode().decode("latin-1"): app}
    client = WerkzeugClient(DispatcherMiddleware(Flask("other"), mounts) if mount else app)
    urls = client.get(f"{mount}/").text.split()
    check(urls, mount, lambda url: client.get(url, buffered=True).status_code, cached)


def test_flask_outside_of_requests(settings):
    app = Flask(__name__)
    app.config.update(APPLICATION_ROOT="/shop/", XACCEL=settings)
    flask.XAccel(app)
    with app.app_context():
        assert flask.thumbnail_url("cat.jpg", 30).startswith("/shop/t/30x-/cat.jpg?key=")
        assert flask.private_url("cat.jpg").startswith("/shop/p/files/cat.jpg?key=")
    # As in `url_for()`, the request decides. The test client is below APPLICATION_ROOT.
    with app.test_request_context("/", base_url="http://localhost"):
        assert flask.thumbnail_url("cat.jpg", 30).startswith("/t/30x-/cat.jpg?key=")
    with app.app_context():
        url = flask.thumbnail_url("cat.jpg", 30)
    assert app.test_client().get(url.removeprefix("/shop")).status_code == 200


def test_flask_behind_a_server_that_removes_the_mount(settings, cached):
    app = Flask(__name__)
    app.config["XACCEL"] = {**settings, "MOUNT": "/shop"}
    flask.XAccel(app)

    @app.get("/")
    def page():
        return f"{flask.private_url('cat.jpg')} {flask.thumbnail_url('cat.jpg', 30)}"

    client = WerkzeugClient(app)
    urls = client.get("/").text.split()

    def get(url):
        target = url.removeprefix("/shop")
        return client.get(target, environ_overrides={"RAW_URI": target}, buffered=True).status_code

    check(urls, "/shop", get, cached)


def django_urls(mount):
    urls = xaccel_django.private_url("cat.jpg"), xaccel_django.thumbnail_url("cat.jpg", 30)
    assert all(url.startswith(mount) for url in urls)
    return urls


def get_from_django(url, script="", client=None):
    response = (client or Client()).get(url.removeprefix(script), SCRIPT_NAME=script)
    response.close()
    return response.status_code


@pytest.mark.parametrize("mount", ["", "/shop"])
def test_django(settings, cached, mount):
    with override_settings(XACCEL=settings):
        try:
            # As the handler of a request does.
            set_script_prefix(f"{mount}/")
            urls = django_urls(mount)
        finally:
            set_script_prefix("/")
        check(urls, mount, lambda url: get_from_django(url, mount), cached)


@pytest.mark.parametrize("mount", MOUNTS)
def test_django_and_a_name_that_is_not_ascii(settings, mount):
    # WSGI has the bytes of a path as Latin-1.
    script = mount.encode().decode("latin-1")
    with override_settings(XACCEL=settings):
        try:
            set_script_prefix(f"{mount}/")
            raw, _, query = xaccel_django.thumbnail_url("sub/föö bär.jpg", 30).partition("?")
            path = unquote(raw, "latin-1").removeprefix(script)
            environ = {"SCRIPT_NAME": script, "PATH_INFO": path, "QUERY_STRING": query}
            for sent, status in ((raw, 200), (raw.replace("/t/", "/%74/"), 403)):
                environ["RAW_URI"] = f"{sent}?{query}"
                assert call_wsgi(WSGIHandler(), validate=False, **environ)[0] == status
        finally:
            # The handler has set it, too.
            set_script_prefix("/")


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("is_forced", [False, True])
def test_django_under_asgi_and_a_name_that_is_not_ascii(settings, mount, is_forced):
    forced = {"FORCE_SCRIPT_NAME": mount} if is_forced else {}
    with override_settings(XACCEL=settings, **forced):
        try:
            set_script_prefix(f"{mount}/")
            raw, _, query = xaccel_django.thumbnail_url("sub/föö bär.jpg", 30).partition("?")
            scope = {} if is_forced else {"root_path": mount}
            for sent, status in ((raw, 200), (raw.replace("/t/", "/%74/"), 403)):
                scope["raw_path"] = sent.encode()
                url = f"{unquote(sent)}?{query}"
                assert call_asgi(ASGIHandler(), url, **scope)[0] == status
        finally:
            set_script_prefix("/")


@pytest.mark.parametrize("setting", ["FORCE_SCRIPT_NAME", "MOUNT"])
def test_django_outside_of_requests(settings, cached, setting):
    if setting == "MOUNT":
        forced = {"XACCEL": {**settings, "MOUNT": "/shop"}}
    else:
        forced = {"XACCEL": settings, "FORCE_SCRIPT_NAME": "/shop"}
    with override_settings(**forced):
        # Such as a command or a task of Celery. Its server passes on the path without the mount.
        urls = django_urls("/shop")
        check(
            urls, "/shop", lambda url: Client().get(url.removeprefix("/shop")).status_code, cached
        )


class Translated:
    """A URLconf with our URLs inside `i18n_patterns`."""

    urlpatterns = i18n_patterns(path("media/", include("xaccel.django.urls")))


@pytest.mark.parametrize("language", ["en", "de"])
def test_django_in_i18n_patterns(settings, cached, language):
    with override_settings(XACCEL=settings, ROOT_URLCONF=Translated), override(language):
        urls = django_urls(f"/{language}/media")
        check(urls, f"/{language}/media", get_from_django, cached)
        try:
            set_script_prefix("/shop/")
            urls = django_urls(f"/shop/{language}/media")
        finally:
            set_script_prefix("/")
        check(urls, f"/shop/{language}/media", lambda url: get_from_django(url, "/shop"), cached)


def ids(**changed):
    with override_settings(**changed):
        return [message.id for message in check_urls()]


def test_django_warns_of_a_url_in_each_language(settings):
    assert ids(XACCEL=settings, ROOT_URLCONF=Translated) == ["xaccel.W006"]
    one = {"XACCEL": settings, "LANGUAGES": [("en", "English")], "ROOT_URLCONF": Translated}
    assert ids(**one) == []
    assert ids(XACCEL=settings) == []


@pytest.mark.parametrize("mount", MOUNTS)
def test_starlette(settings, cached, mount):
    config = Config.from_mapping(settings)
    xaccel = starlette.XAccel(config)
    environment = jinja2.Environment(autoescape=False)
    jinja.install(environment, jinja.TemplateHelpers(config), private_url=xaccel.private_url)
    template = environment.from_string(
        "{{ private_url('cat.jpg') }}\n{{ thumbnail_url('cat.jpg', 30) }}"
    )

    async def page(request):
        text = template.render(request=request)
        link, thumbnail = text.splitlines()
        absolute = xaccel.thumbnail_url("cat.jpg", 30, request=request)
        assert absolute == f"http://testserver{thumbnail}"
        assert xaccel.private_url("cat.jpg", request=request.scope) == f"http://testserver{link}"
        chosen = environment.from_string("{{ thumbnail_url('cat.jpg', 30, mount='/other') }}")
        assert chosen.render(request=request).startswith("/other/t/")
        return HTMLResponse(text)

    routes = [
        Mount("/t", asgi.Thumbnails(config)),
        Mount("/p", asgi.PrivateLinks(config)),
        Mount("/pages", routes=[Route("/", page)]),
    ]
    client = TestClient(Starlette(routes=routes), root_path=mount)
    page_url = f"{mount}/pages/"
    urls = client.get(page_url).text.splitlines()
    check(urls, mount, lambda url: client.get(url).status_code, cached)


@pytest.mark.parametrize("mount", MOUNTS)
def test_bare_wsgi(settings, cached, mount):
    config = Config.from_mapping(settings)
    xaccel, links, thumbnails = (
        wsgi.XAccel(config),
        wsgi.PrivateLinks(config),
        wsgi.Thumbnails(config),
    )

    def app(environ, start_response):
        if environ["PATH_INFO"].startswith("/p/"):
            return links(environ, start_response)
        if environ["PATH_INFO"].startswith("/t/"):
            return thumbnails(environ, start_response)
        urls = (
            xaccel.private_url("cat.jpg", request=environ),
            xaccel.thumbnail_url("cat.jpg", 30, request=environ),
        )
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [" ".join(urls).encode()]

    raw_mount = mount.encode().decode("latin-1")
    client = WerkzeugClient(
        DispatcherMiddleware(Flask("other"), {raw_mount: app}) if mount else app
    )
    urls = client.get(f"{mount}/").text.split()
    assert all(url.startswith("http://localhost/") for url in urls)
    urls = [url.removeprefix("http://localhost") for url in urls]
    check(urls, mount, lambda url: client.get(url, buffered=True).status_code, cached)


@pytest.mark.parametrize("made", [asgi, wsgi, starlette])
def test_urls_without_a_request_have_the_mount_of_the_settings(settings, cached, made):
    config = Config.from_mapping({**settings, "MOUNT": "/shop"})
    xaccel = made.XAccel(config)
    urls = xaccel.private_url("cat.jpg"), xaccel.thumbnail_url("cat.jpg", 30)
    endpoints = wsgi if made is wsgi else asgi
    links, thumbnails = endpoints.PrivateLinks(config), endpoints.Thumbnails(config)

    def get(url):
        app = links if "/p/" in url else thumbnails
        if made is wsgi:
            return call_wsgi(app, url, validate=False)[0]
        return TestClient(app).get(url).status_code

    # The server passes on the mount, or removes it.
    check(urls, "/shop", get, cached)
    check(urls, "/shop", lambda url: get(url.removeprefix("/shop")), cached)


def test_presets_are_not_signed(settings):
    presets = {"THUMBNAIL_PRESETS": {"small": "20x20"}, "THUMBNAIL_ONLY_PRESETS": True}
    config = Config.from_mapping({**settings, **presets, "MOUNT": "/shop"})
    url = asgi.XAccel(config).thumbnail_url("cat.jpg", "small")
    assert url == "/shop/t/20x20/cat.jpg"
    client = TestClient(asgi.Thumbnails(config))
    assert client.get(url).status_code == 200
    assert client.get("/other/t/20x20/cat.jpg").status_code == 404
