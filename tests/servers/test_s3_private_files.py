"""Private files in a bucket, sent by the app itself and by a real nginx."""

import contextlib
import urllib.parse
from http.client import HTTPConnection

import pytest
from xaccel import Config, ConfigError
from xaccel.exceptions import FileNotFound
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import configuration as nginx
from xaccel.testing import assert_offloaded
from xaccel.wsgi import XAccel

from tests.support.object_keys import object_keys
from tests.support.servers.nginx import nginx as run_nginx
from tests.support.servers.process import HOST, PATIENCE
from tests.support.servers.threaded import serving_app

CONTENT = bytes(range(256)) * 4000
MEDIA = "s3://vault/me dia/"
NAMES = (
    *("a b.mp4", "100% ü – 猫.mp4", "a+b&c=d;e,f.mp4", "q'uo\"te$1{x}.mp4", "sub/~a@b:c!.mp4"),
    *("what?.mp4", "a#b.mp4", "%41.mp4", "$args.mp4", "back\\slash.mp4"),
)


@pytest.fixture(scope="module")
def vault(s3):
    s3.create("vault")
    for name in NAMES:
        s3.put(MEDIA + name, name.encode())
    s3.put(f"{MEDIA}film.mp4", CONTENT, **{"x-amz-meta-owner": "tom", "Content-Type": "text/html"})
    s3.put("s3://vault/secret.txt", b"secret")
    return s3


def settings(s3, server):
    return {
        "SERVER": server,
        "S3": s3.settings,
        "REMOTES": {MEDIA: "/_remote/media/", f"{MEDIA}sub/": "/_remote/s$b/"},
    }


@pytest.fixture(scope="module", params=["direct", "nginx"])
def ask(request, vault, tmp_path_factory):
    """Ask the app for a file by its URL."""
    config = Config.from_mapping(settings(vault, request.param))
    xaccel = XAccel(config)

    def app(environ, start_response):
        url = urllib.parse.unquote(environ["QUERY_STRING"])
        file = xaccel.send_private_file(url, as_attachment=True, max_age=60)
        return file(environ, start_response)

    with contextlib.ExitStack() as stack:
        port = stack.enter_context(serving_app(app))
        if request.param == "nginx":
            deployment = Deployment(upstream=f"{HOST}:{port}", listen="ADDRESS")
            text = nginx.site(config, deployment).replace("ADDRESS", "$ADDRESS")
            assert "secret" not in text
            front = stack.enter_context(run_nginx(tmp_path_factory.mktemp("nginx"), text))
            stack.callback(lambda: check_log(front))
            port = front.port

        def ask(url, method="GET", **headers):
            connection = HTTPConnection(HOST, port, timeout=PATIENCE)
            with contextlib.closing(connection):
                fields = {name.replace("_", "-"): value for name, value in headers.items()}
                connection.request(method, "/?" + urllib.parse.quote(url), headers=fields)
                response = connection.getresponse()
                pairs = [(name.lower(), value) for name, value in response.getheaders()]
                fields = dict(pairs)
                assert len(fields) == len(pairs)
                content = response.read()
            shown = f"{fields}{content[:2000]}".lower()
            for hidden in ("vault", "amz-signature", "x-accel", "seaweed", str(vault.port)):
                assert hidden not in shown
            return response.status, fields, content

        yield ask


def check_log(front):
    assert "[warn]" not in front.error_log
    assert "[emerg]" not in front.error_log


@pytest.mark.parametrize("name", NAMES)
def test_names(ask, name):
    status, _, content = ask(MEDIA + name)
    assert (status, content) == (200, name.encode())


def test_awkward_keys(vault, ask):
    asked = 0
    for key in object_keys(100):
        segments = key.split("/")
        if "" in segments or max(len(part.encode()) for part in segments) > 255:
            continue
        if not key.isprintable() or len(f"me dia/{key}".encode()) > 1024:
            continue
        vault.put(MEDIA + key, key.encode())
        assert ask(MEDIA + key)[::2] == (200, key.encode()), key
        asked += 1
    assert asked > 10


def test_what_the_app_says_counts(ask):
    status, headers, content = ask(f"{MEDIA}film.mp4")
    assert (status, content) == (200, CONTENT)
    assert headers["content-type"] == "video/mp4"
    assert headers["content-disposition"] == 'attachment; filename="film.mp4"'
    assert headers["cache-control"] == "private, max-age=60"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-length"] == str(len(CONTENT))
    assert headers["accept-ranges"] == "bytes"
    assert headers["etag"]
    assert headers["last-modified"]


def test_ranges_and_conditions(ask):
    url = f"{MEDIA}film.mp4"
    status, headers, content = ask(url, Range="bytes=5-9")
    assert (status, content) == (206, CONTENT[5:10])
    assert headers["content-range"] == f"bytes 5-9/{len(CONTENT)}"
    assert ask(url, Range="bytes=-3")[::2] == (206, CONTENT[-3:])
    status, headers, _ = ask(url, Range="bytes=99999999-")
    assert status == 416
    assert headers["content-range"] == f"bytes */{len(CONTENT)}"
    etag = headers.get("etag") or ask(url)[1]["etag"]
    assert ask(url, If_None_Match=etag)[::2] == (304, b"")
    assert ask(url, If_Match='"other"')[0] == 412


def test_head(ask):
    status, headers, content = ask(f"{MEDIA}film.mp4", "HEAD")
    assert (status, content) == (200, b"")
    assert headers["content-length"] == str(len(CONTENT))
    assert ask(f"{MEDIA}missing.mp4", "HEAD")[0] == 404


def test_a_form_gets_the_file(ask):
    assert ask(f"{MEDIA}film.mp4", "POST")[::2] == (200, CONTENT)


@pytest.mark.parametrize(
    "url",
    [
        *(f"{MEDIA}missing.mp4", MEDIA, f"{MEDIA}sub/", "s3://vault/secret.txt", "s3://vault/"),
        *(f"{MEDIA}../secret.txt", f"{MEDIA}./film.mp4", "s3://vault/me diafilm.mp4", "s3://vault"),
        *(f"{MEDIA}film.mp4\0", f"{MEDIA}a\r\nb", "s3://user@vault/me dia/film.mp4"),
    ],
)
def test_only_files_below_the_prefix(ask, url):
    assert ask(url)[0] == 404


def test_visitors_can_not_ask_for_the_internal_url(vault, tmp_path):
    config = Config.from_mapping(settings(vault, "nginx"))
    file = config.remote_map().find(f"{MEDIA}film.mp4").signed("GET")
    text = nginx.site(config, Deployment(upstream=f"{HOST}:1", listen="ADDRESS"))
    with run_nginx(tmp_path, text.replace("ADDRESS", "$ADDRESS")) as front:
        assert front.get(file.internal_url).status == 404


def test_nginx_sends_only_what_is_below_the_prefix(vault, tmp_path):
    """Even if the app were tricked into another target."""
    config = Config.from_mapping(settings(vault, "nginx"))
    signed = XAccel(config)._delivery._remote_map.find(f"{MEDIA}film.mp4").signed("GET")
    other = signed.internal_url.replace("/me%20dia/film.mp4?X", "/secret.txt?X")
    targets = [other, "/_remote/media/?@elsewhere/", "/_remote/media/x", signed.internal_url]

    def app(environ, start_response):
        start_response("200 OK", [("X-Accel-Redirect", targets.pop(0))])
        return [b""]

    with serving_app(app) as port:
        text = nginx.site(config, Deployment(upstream=f"{HOST}:{port}", listen="ADDRESS"))
        with run_nginx(tmp_path, text.replace("ADDRESS", "$ADDRESS")) as front:
            assert [front.get("/").status for _ in [*targets]] == [404, 404, 404, 200]


def test_another_bucket_is_a_mistake_in_the_settings(vault, tmp_path):
    """It is not a file on this machine that happens to have the same name."""
    (tmp_path / "s3:" / "other").mkdir(parents=True)
    (tmp_path / "s3:" / "other" / "film.mp4").write_text("local")
    options = {**settings(vault, "nginx"), "ROOTS": {tmp_path: "/_private/"}}
    for remotes in (options["REMOTES"], {}):
        xaccel = XAccel(Config.from_mapping({**options, "REMOTES": remotes}))
        responder = xaccel.send_private_file("s3://other/film.mp4")
        with pytest.raises(ConfigError, match="s3://other/"):
            responder({"REQUEST_METHOD": "GET"}, None)


def test_no_signed_links_and_private_thumbnails(vault, tmp_path):
    options = settings(vault, "nginx") | {
        "ROOTS": {tmp_path: "/_private/"},
        "PRIVATE_URL": "/p/",
        "SECRET_KEYS": ["a key of more than 16 bytes"],
    }
    with pytest.raises(FileNotFound, match="only files on this machine"):
        XAccel(Config.from_mapping(options)).private_url(f"{MEDIA}film.mp4")


def test_a_store_that_is_down(vault, caplog):
    options = settings(vault, "direct")
    options["S3"] = {**options["S3"], "endpoint": f"http://{HOST}:1"}
    answer = XAccel(Config.from_mapping(options)).send_private_file(f"{MEDIA}film.mp4")
    statuses = []
    content = answer({"REQUEST_METHOD": "GET"}, lambda status, headers: statuses.append(status))
    assert (statuses, [*content]) == (["502 Bad Gateway"], [b"Bad Gateway\n"])
    assert "can't be reached" in caplog.text


@pytest.mark.parametrize("server", ["apache", "lighttpd", "caddy"])
def test_other_servers(vault, server):
    with pytest.raises(ConfigError, match="can't fetch a file from another server"):
        Config.from_mapping(settings(vault, server))


@pytest.mark.parametrize(
    "url", ["s3://vault", "s3://vault/a", "s3:///a/", "s3://v/", "s3://u@v/a/"]
)
def test_invalid_prefixes(vault, url):
    with pytest.raises(ConfigError, match="'s3://bucket/videos/'"):
        Config.from_mapping({**settings(vault, "nginx"), "REMOTES": {url: "/_remote/x/"}})


def test_assert_offloaded(vault):
    xaccel = XAccel(Config.from_mapping(settings(vault, "nginx")))

    class Response:
        status_code = 200
        content = b""

    def start_response(_, headers):
        Response.headers = dict(headers)

    list(xaccel.send_private_file(f"{MEDIA}film.mp4")({"REQUEST_METHOD": "HEAD"}, start_response))
    assert_offloaded(Response, f"{MEDIA}film.mp4")
    with pytest.raises(AssertionError):
        assert_offloaded(Response, f"{MEDIA}film2.mp4")
