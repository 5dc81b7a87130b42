"""Log lines: what comes from visitors can't end a line, whatever logs it."""

import ast
import logging
import re
from pathlib import Path

import pytest
import xaccel
from xaccel import Signer
from xaccel._log import MOST_PER_MINUTE, RateLimit, one_line
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.wsgi import Sendfile

from tests.support.thumbnail_endpoint import request
from tests.support.thumbnail_service import KEY, Service

PACKAGE = Path(xaccel.__file__).parent
METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


def logging_calls():
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in METHODS
                and ast.unparse(node.func.value).endswith(("logger", "logging"))
            ):
                yield pytest.param(node, id=f"{path.relative_to(PACKAGE)}:{node.lineno}")


def is_safe(argument):
    """Whether `%s` may show it: a text made safe, or the name of a class."""
    text = ast.unparse(argument)
    return text.startswith("one_line(") or (
        text.startswith("type(") and text.endswith(").__name__")
    )


@pytest.mark.parametrize("call", list(logging_calls()))
def test_calls_escape_what_they_show(call):
    template, *arguments = call.args[1:] if call.func.attr == "log" else call.args
    assert isinstance(template, ast.Constant), "the message is no literal"
    kinds = [part[:1] for part in template.value.replace("%.0f", "%f").split("%")[1:]]
    assert set(kinds) <= {"s", "r", "d", "f"}
    for kind, argument in zip(kinds, arguments, strict=False):
        assert kind != "s" or is_safe(argument), ast.unparse(argument)


EVENTS = re.search(
    r"`xaccel_event` is(.*?)\. The other\sfields",
    (Path(__file__).parents[1] / "docs" / "operations.md").read_text(),
    re.DOTALL,
)


@pytest.mark.parametrize("call", list(logging_calls()))
def test_calls_have_fields_with_a_documented_event(call):
    (extra,) = [keyword.value for keyword in call.keywords if keyword.arg == "extra"]
    assert isinstance(extra, ast.Call)
    assert ast.unparse(extra.func) in {"fields", "_log.fields"}
    assert f"`{extra.args[0].value}`" in EVENTS[1]


def test_one_line():
    assert one_line("föö bär 100%") == "föö bär 100%"
    assert one_line("a\nb\r\x1b[2J\u2028\ud800") == "a\\nb\\r\\x1b[2J\\u2028\\ud800"


NASTY = "a\nWARNING fake\r\x1b[2J\x85\u2028.jpg"


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.DEBUG, "xaccel")

    def lines():
        for record in caplog.records:
            text = record.getMessage()
            assert text.isprintable(), text
        return [(record.levelname, record.getMessage()) for record in caplog.records]

    return lines


@pytest.mark.parametrize("only_presets", [True, False])
def test_made_up_urls_of_thumbnails(photos, lines, only_presets):
    settings = {"THUMBNAIL_PRESETS": {"small": "50x50"}, "THUMBNAIL_ONLY_PRESETS": only_presets}
    service = Service({"THUMBNAIL_SOURCE": photos, **settings})
    for path in (f"/t/50x50/{NASTY}", f"/t/{NASTY}/cat.jpg", f"/t/50x50\n/{NASTY}"):
        response = service.thumbnails.respond(path, "", request())
        assert response.status == (404 if only_presets else 403)
    assert [level for level, _ in lines()] == 3 * ["INFO"]


def test_signed_urls_of_missing_and_broken_images(photos, lines):
    service = Service({"THUMBNAIL_SOURCE": photos})
    (photos / NASTY).write_bytes(b"not an image")
    for name, status in ((NASTY, 415), (f"absent {NASTY}", 404)):
        assert service.get(service.url(name, 50)).status == status
    assert [level for level, _ in lines() if level != "DEBUG"] == 2 * ["WARNING"]


def test_url_without_a_name(photos, lines):
    service = Service({"THUMBNAIL_SOURCE": photos})
    for path in ("/t/50x50/", "/t/50x50", "/t/"):
        assert service.thumbnails.respond(path, "", request()).status == 404
    assert [level for level, _ in lines()] == 3 * ["DEBUG"]


def test_links_to_private_files(photos, lines):
    config = Config.from_mapping(
        {"ROOTS": {photos: "/_private/"}, "PRIVATE_URL": "/p/", "SECRET_KEYS": [KEY]}
    )
    delivery = Delivery(config)
    delivery.respond(f"/p/_private/{NASTY}", "key=x", request())
    _, _, query = Signer(KEY).sign(f"/p/_private/{NASTY}").partition("?")
    delivery.respond(f"/p/_private/{NASTY}", query, request())
    assert [level for level, _ in lines()] == ["INFO", "WARNING"]


def test_a_broken_image_is_a_warning_once_for_each_state(photos, tmp_path, caplog):
    service = Service({"THUMBNAIL_SOURCE": photos, "THUMBNAIL_CACHE": tmp_path / "cache"})
    caplog.set_level(logging.DEBUG, "xaccel")
    for content in (b"not an image", b"not an image either"):
        (photos / "broken.jpg").write_bytes(content)
        caplog.clear()
        for width in (50, 60, 70):
            assert service.get(service.url("broken.jpg", width)).status == 415
        failed = [each for each in caplog.records if each.xaccel_event == "thumbnail_failed"]
        assert [each.levelname for each in failed] == ["WARNING", "DEBUG", "DEBUG"]
        assert failed[0].xaccel_error == "UnsupportedImage"
        assert failed[0].xaccel_source == "broken.jpg"
        assert failed[0].xaccel_status == 415


def test_the_fallback_is_a_misconfiguration(photos, tmp_path, caplog):
    fallback = tmp_path / "fallback.jpg"
    fallback.write_bytes(b"not an image")
    service = Service({"THUMBNAIL_SOURCE": photos, "THUMBNAIL_FALLBACK": fallback})
    assert service.get(service.url("absent.jpg", 50)).status == 404
    (record,) = (each for each in caplog.records if each.xaccel_event == "misconfigured")
    assert record.levelname == "ERROR"
    assert record.xaccel_setting == "THUMBNAIL_FALLBACK"


def test_made_up_urls_are_limited(photos, caplog, monkeypatch):
    now = 1000.0
    limit = RateLimit(now=lambda: now)
    logger = logging.getLogger("xaccel.thumbnails")
    monkeypatch.setattr(logger, "filters", [limit])
    caplog.set_level(logging.INFO, "xaccel")
    service = Service({"THUMBNAIL_SOURCE": photos})
    for number in range(MOST_PER_MINUTE + 7):
        service.get(f"/t/50x50/{number}.jpg")
    assert len(caplog.records) == MOST_PER_MINUTE
    service.get(service.url("absent.jpg", 50))
    assert caplog.records[-1].levelname == "WARNING"
    now += 60
    service.get("/t/50x50/next.jpg")
    assert caplog.records[-1].xaccel_suppressed == 7
    assert len(caplog.records) == MOST_PER_MINUTE + 2


def test_made_up_headers_are_limited(photos, caplog, monkeypatch):
    logger = logging.getLogger("xaccel.sendfile")
    monkeypatch.setattr(logger, "filters", [RateLimit(now=lambda: 1000.0)])
    middleware = Sendfile(lambda environ, start_response: [], Config(), trust_request_headers=True)
    for header in ("HTTP_X_SENDFILE_TYPE", "HTTP_X_ACCEL_MAPPING"):
        for number in range(MOST_PER_MINUTE):
            environ = {"REQUEST_METHOD": "GET", "HTTP_X_SENDFILE_TYPE": "X-Accel-Redirect"}
            middleware({**environ, header: f"nonsense {number}"}, lambda *_: None)
    assert len(caplog.records) == MOST_PER_MINUTE


def test_loggers_of_what_visitors_send_are_limited():
    for name in ("xaccel.thumbnails", "xaccel.delivery", "xaccel.sendfile"):
        (limit,) = logging.getLogger(name).filters
        assert isinstance(limit, RateLimit)
