"""`xaccel.django.sendfile2`: the same calls on django-sendfile2 and on the drop-in."""

import gzip
from unittest.mock import patch

import django_sendfile
import pytest
from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404
from django.test import RequestFactory, override_settings
from django_sendfile.utils import _get_sendfile
from xaccel.django.sendfile2 import sendfile
from xaccel.exceptions import ConfigError

from tests.support import django_site  # noqa: F401

NGINX = "django_sendfile.backends.nginx"
XSENDFILE = "django_sendfile.backends.xsendfile"


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "private"
    root.mkdir()
    for name in ("report.pdf", "Grüße.txt", "unknown.bluh", "a b%.txt"):
        (root / name).write_bytes(b"content")
    (root / "packed.txt.gz").write_bytes(gzip.compress(b"content"))
    (tmp_path / "secret.txt").write_text("secret")
    return root


@pytest.fixture
def both(root):
    """Call both packages, and return their responses: the peer's and the drop-in's."""

    def call(filename, *arguments, backend=NGINX, **options):
        with override_settings(
            SENDFILE_BACKEND=backend, SENDFILE_ROOT=str(root), SENDFILE_URL="/private", XACCEL={}
        ):
            _get_sendfile.cache_clear()
            path = root / filename
            return [
                function(RequestFactory().get("/"), path, *arguments, **options)
                for function in (django_sendfile.sendfile, sendfile)
            ]

    yield call
    _get_sendfile.cache_clear()


@pytest.mark.parametrize("backend", [NGINX, XSENDFILE])
@pytest.mark.parametrize(
    ("filename", "options"),
    [
        ("report.pdf", {}),
        ("report.pdf", {"attachment": True}),
        ("report.pdf", {"attachment": True, "attachment_filename": "invoice.pdf"}),
        ("report.pdf", {"attachment_filename": "invoice.pdf"}),
        ("report.pdf", {"attachment": True, "attachment_filename": False}),
        ("report.pdf", {"attachment_filename": False}),
        ("report.pdf", {"mimetype": "text/x-own"}),
        ("report.pdf", {"encoding": "br"}),
        ("unknown.bluh", {}),
        ("sub/../report.pdf", {}),
    ],
)
def test_the_headers_are_those_of_the_peer(both, backend, filename, options):
    peer, ours = both(filename, backend=backend, **options)
    for header in (
        "Content-Type",
        "Content-Disposition",
        "Content-Encoding",
        "X-Accel-Redirect",
        "X-Sendfile",
    ):
        assert ours.headers.get(header) == peer.headers.get(header), header
    assert ours.headers["Content-Length"] == "0"


def test_the_arguments_may_be_positional(both):
    arguments = (True, "invoice.pdf", "text/x-own", "br", 12)
    peer, ours = both("report.pdf", *arguments)
    for header in ("Content-Type", "Content-Disposition", "Content-Encoding"):
        assert ours.headers[header] == peer.headers[header]


def test_names_arrive_encoded_as_the_server_decodes_them(both):
    peer, ours = both("Grüße.txt")
    assert ours.headers["X-Accel-Redirect"] == peer.headers["X-Accel-Redirect"]
    assert "filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt" in ours.headers["Content-Disposition"]
    peer, ours = both("a b%.txt")
    assert ours.headers["X-Accel-Redirect"] == "/private/a%20b%25.txt"


def test_an_archive_is_not_unpacked_by_browsers(both):
    peer, ours = both("packed.txt.gz")
    assert peer.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in ours.headers
    assert ours.headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize("backend", ["simple", "development"])
def test_without_a_server_the_app_sends_the_file(both, backend):
    peer, ours = both("report.pdf", backend=f"django_sendfile.backends.{backend}")
    contents = [b"".join(peer), ours.getvalue()]
    peer.close()
    ours.close()
    assert contents == [b"content", b"content"]
    assert ours.headers["Content-Length"] == peer.headers["Content-Length"] == "7"


@pytest.mark.parametrize("filename", ["absent.pdf", "../secret.txt", "../private-old/a.txt"])
def test_a_file_that_may_not_be_sent_is_a_404(both, filename):
    with pytest.raises(Http404):
        both(filename)
    with (
        patch.object(django_sendfile, "sendfile", lambda *_: None),
        pytest.raises(Http404) as error,
    ):
        both(filename)
    assert "private" not in str(error.value)


def test_a_directory_is_a_404(both, root):
    (root / "directory").mkdir()
    with pytest.raises(Http404):
        both("directory")


def test_a_relative_path_is_below_the_root(root):
    with override_settings(SENDFILE_BACKEND=NGINX, SENDFILE_ROOT=root, SENDFILE_URL="/private/"):
        response = sendfile(RequestFactory().get("/"), "report.pdf")
        assert response.headers["X-Accel-Redirect"] == "/private/report.pdf"


def test_the_other_settings_are_those_of_the_site(root, tmp_path):
    avatars = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path / "avatars")},
    }
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(
        SENDFILE_BACKEND=NGINX,
        SENDFILE_ROOT=root,
        SENDFILE_URL="/private/",
        STORAGES={"default": avatars, "avatars": avatars, "staticfiles": static},
        XACCEL={"THUMBNAIL_SOURCES": {"avatars": "avatars"}},
    ):
        response = sendfile(RequestFactory().get("/"), "report.pdf")
        assert response.headers["X-Accel-Redirect"] == "/private/report.pdf"


def test_without_a_url_the_internal_url_is_the_path(root):
    with override_settings(SENDFILE_BACKEND=NGINX, SENDFILE_ROOT=root):
        response = sendfile(RequestFactory().get("/"), "report.pdf")
        assert response.headers["X-Accel-Redirect"] == f"{root}/report.pdf"


@pytest.mark.parametrize(
    ("server", "header"), [("lighttpd", "a%20b%25.txt"), ("apache", "a b%.txt")]
)
def test_servers_with_x_sendfile_decode_it_differently(root, server, header):
    settings = {"SENDFILE_BACKEND": XSENDFILE, "SENDFILE_ROOT": root}
    with override_settings(**settings, XACCEL={"SERVER": server}):
        response = sendfile(RequestFactory().get("/"), "a b%.txt")
        assert response.headers["X-Sendfile"].endswith(header)


@pytest.mark.parametrize("missing", ["SENDFILE_BACKEND", "SENDFILE_ROOT"])
def test_a_missing_setting_is_named(root, missing):
    settings = {"SENDFILE_BACKEND": NGINX, "SENDFILE_ROOT": root, missing: None}
    with override_settings(**settings), pytest.raises(ImproperlyConfigured, match=missing):
        sendfile(RequestFactory().get("/"), "report.pdf")


def test_an_unknown_backend_is_named_with_what_works(root):
    for backend in ("django_sendfile.backends.mod_wsgi", "shop.sendfile"):
        with (
            override_settings(SENDFILE_BACKEND=backend, SENDFILE_ROOT=root),
            pytest.raises(ConfigError, match=rf"{backend}.*xsendfile"),
        ):
            sendfile(RequestFactory().get("/"), "report.pdf")


def test_the_module_may_be_an_installed_app():
    assert AppConfig.create("xaccel.django.sendfile2").label == "sendfile2"
