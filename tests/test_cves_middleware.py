"""Published vulnerabilities of middleware of this kind, each tried on ours."""

import logging

import flask
import pytest
from starlette.responses import FileResponse
from xaccel import Config, asgi, wsgi
from xaccel.delivery import sendfile

from tests.support.clients import call_asgi, call_wsgi

CONTENT = b"content" * 100


@pytest.fixture
def root(tmp_path):
    directory = tmp_path / "root"
    directory.mkdir()
    (directory / "file.txt").write_bytes(CONTENT)
    return directory


@pytest.fixture(params=["wsgi", "asgi"])
def ask(request):
    """Request a file through the middleware; returns the response's headers and content."""

    def ask(path, config, *, headers=(), trust=False, **environ):
        if request.param == "wsgi":
            app = flask.Flask(__name__)
            app.add_url_rule("/", view_func=lambda: flask.send_file(path))
            app = wsgi.Sendfile(app, config, trust_request_headers=trust)
            _, headers, content = call_wsgi(app, headers=headers, **environ)
        else:
            app = asgi.Sendfile(FileResponse(path), config, trust_request_headers=trust)
            _, headers, content = call_asgi(app, headers=headers, **environ)
        return {name.lower(): value for name, value in headers.items()}, content

    return ask


def make_config(root, server="nginx"):
    return Config.from_mapping({"SERVER": server, "ROOTS": {root: "/_private/"}})


def test_cve_2025_61780_a_visitor_can_not_choose_the_server_or_the_mapping(ask, root):
    asked = {"X-Sendfile-Type": "X-Accel-Redirect", "X-Accel-Mapping": f"{root}/=/admin/"}
    headers, content = ask(root / "file.txt", make_config(root, "direct"), headers=asked)
    assert content == CONTENT
    assert not any(name.startswith("x-accel") for name in headers)
    headers, _ = ask(root / "file.txt", make_config(root), headers=asked)
    assert headers["x-accel-redirect"] == "/_private/file.txt"


@pytest.mark.parametrize("mapping", ["/.*/=/p/", "{}.*/=/p/", "/(.*)/=/p/$1/", "{}.{{4}}/=/p/"])
def test_cve_2026_34830_the_mapping_is_not_a_pattern(ask, root, mapping):
    asked = {
        "X-Sendfile-Type": "X-Accel-Redirect",
        "X-Accel-Mapping": mapping.format(str(root)[:-4]),
    }
    config = make_config(root, "direct")
    headers, content = ask(root / "file.txt", config, headers=asked, trust=True)
    assert content == CONTENT
    assert "x-accel-redirect" not in headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Sendfile-Type", "X-Banana\r\nroot logged in\x1b[2J\u2028"),
        ("X-Accel-Mapping", "nonsense\r\nroot logged in\x1b[2J\u2028"),
    ],
)
def test_cve_2025_27111_a_bad_type_is_one_line_of_the_log(ask, root, caplog, name, value):
    caplog.set_level(logging.WARNING, "xaccel")
    key = {"X-Sendfile-Type": sendfile.TYPE, "X-Accel-Mapping": sendfile.MAPPING}[name]
    _, content = ask(root / "file.txt", make_config(root), **{key: value})
    assert content == CONTENT
    (record,) = caplog.records
    message = record.getMessage()
    assert "root logged in" in message
    assert message.isprintable()


@pytest.mark.parametrize("sendfile_type", ["Content-Type", "Location", "Set-Cookie", "X-Banana"])
def test_symfony_65683_the_type_is_not_a_header_name(ask, root, sendfile_type):
    asked = {"X-Sendfile-Type": sendfile_type, "X-Accel-Mapping": f"{root}/=/p/"}
    config = make_config(root, "direct")
    headers, content = ask(root / "file.txt", config, headers=asked, trust=True)
    assert content == CONTENT
    assert headers["content-type"].startswith("text/plain")
    assert not {"location", "set-cookie", "x-banana", "x-accel-redirect"} & set(headers)


@pytest.mark.parametrize("name", ["root-secret", "ROOT", "roo", "root.txt", "root-secret/root"])
@pytest.mark.parametrize("trust", [False, True])
def test_cve_2026_22860_a_root_is_not_a_prefix(ask, root, name, trust):
    secret = root.parent / name / "file.txt"
    secret.parent.mkdir(parents=True)
    secret.write_bytes(CONTENT)
    asked = {"X-Sendfile-Type": "X-Accel-Redirect", "X-Accel-Mapping": f"{root}=/p/"}
    headers, content = ask(secret, make_config(root), headers=asked, trust=trust)
    assert content == CONTENT
    assert "x-accel-redirect" not in headers
