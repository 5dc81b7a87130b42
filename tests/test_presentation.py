"""What visitors get besides the content: headers that are safe to send, of callers and of ours."""

import io
from types import SimpleNamespace

import pytest
from django.test import RequestFactory, override_settings
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient
from xaccel import Config, asgi, wsgi
from xaccel.delivery.files import Delivery
from xaccel.delivery.presentation import FileOptions, content_disposition, presentation
from xaccel.delivery.request import Request
from xaccel.delivery.scripts import SANDBOX
from xaccel.django import send_private_file as send_with_django
from xaccel.flask import XAccel as FlaskXAccel, send_private_file as send_with_flask
from xaccel.starlette import XAccel as StarletteXAccel

from tests.support import django_site  # noqa: F401
from tests.support.clients import call_asgi, call_wsgi

SERVERS = ["direct", "nginx", "apache", "lighttpd", "caddy"]


@pytest.fixture
def root(tmp_path):
    for name in ("page.html", "page.xhtml", "image.svg", "feed.xml", "a.pdf", "a.txt"):
        (tmp_path / name).write_bytes(b"<content/>")
    return tmp_path


def settings(root, server="direct", **more):
    return {"SERVER": server, "ROOTS": {str(root): "/_p/"}, **more}


def with_flask(root, name, asked=(), server="direct", more=(), **options):
    app = Flask(__name__)
    app.config["XACCEL"] = settings(root, server, **dict(more))
    FlaskXAccel(app)
    app.add_url_rule("/", view_func=lambda: send_with_flask(name, **options))
    app.testing = True
    response = app.test_client().get("/", headers=dict(asked))
    return SimpleNamespace(status=response.status_code, headers=response.headers)


def with_django(root, name, asked=(), server="direct", more=(), **options):
    with override_settings(XACCEL=settings(root, server, **dict(more))):
        response = send_with_django(RequestFactory().get("/", headers=asked), name, **options)
    return SimpleNamespace(status=response.status_code, headers=response.headers)


def with_starlette(root, name, asked=(), server="direct", more=(), **options):
    xaccel = StarletteXAccel(Config.from_mapping(settings(root, server, **dict(more))))
    routes = [Route("/", lambda _: xaccel.send_private_file(name, **options))]
    response = TestClient(Starlette(routes=routes)).get("/", headers=dict(asked))
    return SimpleNamespace(status=response.status_code, headers=response.headers)


def with_wsgi(root, name, asked=(), server="direct", more=(), **options):
    xaccel = wsgi.XAccel(Config.from_mapping(settings(root, server, **dict(more))))
    app = xaccel.send_private_file(name, **options)
    status, headers, _ = call_wsgi(app, headers=asked, validate=False)
    return SimpleNamespace(status=status, headers=headers)


def with_asgi(root, name, asked=(), server="direct", more=(), **options):
    xaccel = asgi.XAccel(Config.from_mapping(settings(root, server, **dict(more))))
    status, headers, _ = call_asgi(xaccel.send_private_file(name, **options), headers=asked)
    headers = {key.title().replace("Etag", "ETag"): value for key, value in headers.items()}
    return SimpleNamespace(status=status, headers=headers)


ADAPTERS = [with_flask, with_django, with_starlette, with_wsgi, with_asgi]
each_adapter = pytest.mark.parametrize("ask", ADAPTERS)


@each_adapter
@pytest.mark.parametrize("server", ["direct", "nginx"])
@pytest.mark.parametrize(
    "options",
    [
        {"mimetype": "text/plain\r\nX-Accel-Redirect: /_other/secret"},
        {"mimetype": "text/plain\0"},
        {"mimetype": "text/plain\t"},
        {"mimetype": "text/\u732b"},
        {"mimetype": b"text/plain"},
        {"headers": {"X-Note": "a\nX-Sendfile: /etc/passwd"}},
        {"headers": {"X-Note": "a\rb"}},
        {"headers": {"X-Note": "a\x7f"}},
        {"headers": {"X-Note": 5}},
        {"headers": {"X-Note\r\nX-Accel-Redirect": "/_other/secret"}},
        {"headers": {" X-Accel-Redirect": "/_other/secret"}},
        {"headers": {"X-Accel-Redirect:": "/_other/secret"}},
        {"headers": {"": "a"}},
    ],
)
def test_values_that_would_split_the_response_are_an_error(root, ask, server, options):
    with pytest.raises(ValueError, match="header"):
        ask(root, "a.txt", server=server, **options)


@each_adapter
@pytest.mark.parametrize("server", ["direct", "nginx"])
def test_the_names_of_uploads_can_not_split_the_response(root, ask, server):
    name = "a\r\nX-Accel-Redirect: /_other/secret\0\x1f\x7f\x85.txt"
    reply = ask(root, "a.txt", server=server, as_attachment=True, download_name=name)
    value = reply.headers["Content-Disposition"]
    assert value == 'attachment; filename="a__X-Accel-Redirect: __other_secret____.txt"' or (
        value.startswith('attachment; filename="a__X-Accel-Redirect: _')
    )
    assert not any(ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in value)
    assert reply.headers.get("X-Accel-Redirect") in {None, "/_p/a.txt"}


# Scripts in files

POLICY = SANDBOX


@each_adapter
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("name", ["page.html", "page.xhtml", "image.svg", "feed.xml"])
def test_files_with_scripts_are_sandboxed(root, ask, server, name):
    assert ask(root, name, server=server).headers["Content-Security-Policy"] == POLICY
    # A server adds the sandbox where the app sends no policy, so the app sends an empty one.
    headers = ask(root, name, server=server, allow_scripts=True).headers
    assert headers["Content-Security-Policy"] == ";"
    headers = ask(root, name, server=server, more={"ALLOW_SCRIPTS": True}).headers
    assert "Content-Security-Policy" not in headers


@each_adapter
@pytest.mark.parametrize("name", ["a.pdf", "a.txt"])
def test_other_files_are_not_sandboxed(root, ask, name):
    assert "Content-Security-Policy" not in ask(root, name).headers


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"mimetype": "text/html"}, POLICY),
        ({"mimetype": "TEXT/HTML ;charset=x"}, POLICY),
        ({"mimetype": "text/xsl"}, POLICY),
        ({"mimetype": "application/mathml+xml"}, POLICY),
        ({"mimetype": "image/svg+xml;charset=x"}, POLICY),
        ({"headers": {"content-type": "text/html"}}, POLICY),
        ({"download_name": "a.svg"}, POLICY),
        ({"mimetype": "text/html", "headers": {"content-security-policy": "a"}}, "a"),
        ({"headers": {"Content-Type": "text/plain"}, "mimetype": "text/html"}, None),
    ],
)
def test_the_type_that_is_sent_decides(options, expected):
    headers = presentation("a.bin", FileOptions(**options))
    fields = {name.lower(): value for name, value in headers}
    assert fields.get("content-security-policy") == expected
    assert len(fields) == len(headers)


def test_links_and_ranges_and_open_files_are_sandboxed_too(root):
    config = Config.from_mapping(
        settings(root, PRIVATE_URL="/p/", SECRET_KEYS=["a key of 16 bytes or more"])
    )
    delivery = Delivery(config)
    path, _, query = delivery.private_url("page.html").partition("?")
    ranged = Request.from_headers("GET", {"Range": "bytes=0-1"}.get)
    for response in (
        delivery.respond(path, query, ranged),
        delivery.private_file("page.html", ranged, FileOptions()),
        delivery.private_file(io.BytesIO(b"<a/>"), ranged, FileOptions(download_name="a.svg")),
    ):
        assert response.status == 206
        assert dict(response.headers)["Content-Security-Policy"] == POLICY


# Types


@pytest.mark.parametrize(
    ("mimetype", "expected"),
    [
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/json", "application/json; charset=utf-8"),
        ("application/javascript", "application/javascript; charset=utf-8"),
        ("application/xml", "application/xml; charset=utf-8"),
        ("application/atom+xml", "application/atom+xml; charset=utf-8"),
        ("text/plain; charset=iso-8859-1", "text/plain; charset=iso-8859-1"),
        ("application/pdf", "application/pdf"),
        ("image/png", "image/png"),
    ],
)
def test_texts_are_utf_8_unless_the_caller_says_otherwise(mimetype, expected):
    headers = dict(presentation("a", FileOptions(mimetype=mimetype)))
    assert headers["Content-Type"] == expected
    given = FileOptions(headers={"Content-Type": mimetype})
    assert dict(presentation("a", given))["Content-Type"] == mimetype


@pytest.mark.parametrize(
    ("name", "fallback"),
    [("Vögel.txt", "Vogel.txt"), ("Éclair.pdf", "Eclair.pdf"), ("ﬁ①／＂.txt", "fi1__.txt")],
)
def test_the_name_for_old_clients_has_letters_without_accents(name, fallback):
    value = content_disposition(name, as_attachment=False)
    assert value.startswith(f"inline; filename=\"{fallback}\"; filename*=UTF-8''")


@each_adapter
def test_a_download_name_alone_keeps_the_file_inline(root, ask):
    headers = ask(root, "a.txt", download_name="b.txt").headers
    assert headers["Content-Disposition"] == 'inline; filename="b.txt"'


# The caller's headers

ETAG = '"release-5"'
MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT"


@each_adapter
@pytest.mark.parametrize("server", SERVERS)
def test_the_callers_validators_replace_ours(root, ask, server):
    given = {"etag": ETAG, "LAST-MODIFIED": MODIFIED}
    headers = ask(root, "a.txt", server=server, headers=given).headers
    found = {name.lower(): value for name, value in headers.items()}
    assert len(found) == len([*headers.items()])
    assert (found["etag"], found["last-modified"]) == (ETAG, MODIFIED)


@each_adapter
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"If-None-Match": ETAG}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Match": ETAG}, 200),
        ({"If-Match": '"other"'}, 412),
        ({"If-Modified-Since": MODIFIED}, 304),
        ({"If-Modified-Since": "Sun, 06 Nov 1994 08:49:36 GMT"}, 200),
        ({"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:36 GMT"}, 412),
        ({"Range": "bytes=0-1", "If-Range": ETAG}, 206),
        ({"Range": "bytes=0-1", "If-Range": MODIFIED}, 206),
        ({"Range": "bytes=0-1", "If-Range": '"other"'}, 200),
    ],
)
def test_conditions_are_checked_against_the_callers_validators(root, ask, asked, status):
    given = {"ETag": ETAG, "Last-Modified": MODIFIED}
    assert ask(root, "a.txt", asked, headers=given).status == status


def test_lighttpd_never_answers_412_so_the_app_does(root):
    given = {"ETag": ETAG}
    for server, expected in (("lighttpd", 412), ("apache", 412), ("nginx", 200)):
        own = Delivery(Config.from_mapping(settings(root, server))).locate("a.txt")
        etag = f'"{own.mtime:x}-{own.size:x}"'
        asked = {"If-Match": etag}
        reply = with_wsgi(root, "a.txt", asked, server, headers=given)
        assert reply.status == expected, server


def test_a_weak_etag_of_the_caller_never_matches_strongly(root):
    given = {"ETag": 'W/"5"'}
    for asked, status in (
        ({"If-None-Match": '"5"'}, 304),
        ({"If-None-Match": 'W/"5"'}, 304),
        ({"If-Match": '"5"'}, 412),
        ({"If-Match": 'W/"5"'}, 412),
        ({"Range": "bytes=0-1", "If-Range": 'W/"5"'}, 200),
    ):
        assert with_wsgi(root, "a.txt", asked, headers=given).status == status, asked


@each_adapter
@pytest.mark.parametrize(
    "name", ["Content-Length", "content-range", "Accept-Ranges", "Transfer-Encoding"]
)
def test_lengths_and_ranges_are_ours(root, ask, name):
    with pytest.raises(ValueError, match="depends on which part"):
        ask(root, "a.txt", headers={name: "3"})


@pytest.mark.parametrize("header", [{"ETag": "5"}, {"Last-Modified": "yesterday"}])
def test_validators_that_are_none(header):
    with pytest.raises(ValueError, match=r"double quotes|HTTP date"):
        FileOptions(headers=header)


def test_an_open_file_without_validators_is_never_unmodified(root):
    config = Config.from_mapping(settings(root))
    for name in ("If-Modified-Since", "If-Unmodified-Since"):
        asked = Request.from_headers("GET", {name: MODIFIED}.get)
        response = Delivery(config).private_file(io.BytesIO(b"a"), asked, FileOptions())
        assert (response.status, b"".join(response.body)) == (200, b"a")
