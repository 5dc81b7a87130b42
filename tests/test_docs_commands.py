"""The commands of the README, `docs/scaling.md` and `docs/troubleshooting.md`."""

import re

import pytest

from tests.support.doc_pages import commands, examine, execute, run, runs
from tests.support.servers.process import HOST
from tests.support.servers.threaded import serving_app
from tests.support.thumbnail_images import photo_file

pytestmark = [pytest.mark.slow, pytest.mark.server]

SHOP = """
from pathlib import Path

import flask
from xaccel.flask import XAccel

HERE = Path(__file__).parent

app = flask.Flask(__name__)
app.config["XACCEL"] = {
    "SECRET_KEYS": ["a key of more than 16 bytes"],
    "ROOTS": {HERE / "files": "/_private/files/"},
    "THUMBNAIL_SOURCE": HERE / "photos",
    "THUMBNAIL_CACHE": HERE / "cache",
}
XAccel(app)


@app.get("/")
def index():
    return "<!doctype html>"
"""


@pytest.fixture
def shop(tmp_path):
    """The directory of the app of the pages: `shop:app`, or `module:app`."""
    for name in ("files", "photos"):
        (tmp_path / name).mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(photo_file("JPEG"))
    for name in ("shop.py", "module.py"):
        (tmp_path / name).write_text(SHOP)
    return tmp_path


@pytest.fixture
def follow(shop):
    """Run a command with the address and the directories of this test, and return its output."""
    app = execute(SHOP, "shop.py", __name__="shop", __file__=str(shop / "shop.py"))["app"]
    with serving_app(app) as port:

        def follow(command):
            if "doctor https:" in command:
                examine(command.replace("https://www.example.com", f"http://{HOST}:{port}"), shop)
                return ""
            return run(command.replace("/etc/nginx/conf.d", f"{shop}/conf.d"), shop)

        yield follow


def configuration(shop, role=""):
    """Return nginx's configuration for the site."""
    return (shop / "conf.d" / f"xaccel-www-example-com{role}.conf").read_text()


@runs("README.md#Behind a web server")
def test_the_readme(found, shop, follow):
    for command in commands(*found):
        follow(command)
    assert "server_name www.example.com;" in configuration(shop)


@runs("docs/scaling.md#The load balancer")
def test_a_load_balancer(found, shop, follow):
    machine, balancer = (commands(snippet) for snippet in found)
    follow(*machine)
    assert "set_real_ip_from 10.0.0.1;" in configuration(shop)
    follow(*balancer)
    text = configuration(shop, "-balancer")
    assert "consistent;" in text
    assert re.search(r"ssl_certificate \S*\bcert\.pem;", text)
    for number in (2, 3, 4):
        assert f"server 10.0.0.{number}:80" in text


@runs("docs/troubleshooting.md#Troubleshooting", kinds=("indented",))
def test_the_first_commands(found, shop, follow):
    site, local, check = commands(*found)
    follow(site)
    assert "ok       cache:" in follow(local)
    follow(check.removesuffix("--check"))
    follow(check)
    (shop / "conf.d" / "xaccel-shop.conf").write_text("changed")
    with pytest.raises(AssertionError, match=r"xaccel-shop\.conf"):
        follow(check)
