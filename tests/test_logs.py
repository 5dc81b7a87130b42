"""Log lines: what comes from visitors can't end a line, whatever logs it."""

import ast
import logging
from pathlib import Path

import pytest
import xaccel
from xaccel import Signer
from xaccel._log import one_line
from xaccel.config import Config
from xaccel.delivery.files import Delivery

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
