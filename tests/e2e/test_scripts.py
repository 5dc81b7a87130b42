"""Uploaded files in a real browser: their scripts do not run, and they are shown."""

import io
import sys
import time
from urllib.request import urlopen

import pytest
from PIL import Image

from tests.support.servers.process import HOST, PATIENCE, free_port, running

SCRIPT = "new Image().src = '/ran?' + {name}"
FILES = {
    "page.html": "<!doctype html><title>a</title><p>shown<script>{script}</script>",
    "page.xhtml": (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>a</title></head>'
        "<body><p>shown</p><script>{script}</script></body></html>"
    ),
    "image.svg": (
        '<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99">'
        '<rect width="99" height="99" fill="red"/><script>{script}</script></svg>'
    ),
    "feed.xml": (
        '<a><script xmlns="http://www.w3.org/1999/xhtml">{script}</script>'
        '<b xmlns="http://www.w3.org/1999/xhtml">shown</b></a>'
    ),
}
PDF = b"""%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Contents 4 0 R>> endobj
4 0 obj <</Length 25>> stream
1 0 0 rg 0 0 400 400 re f
endstream endobj
trailer <</Root 1 0 R>>
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    root = tmp_path_factory.mktemp("uploads")
    for name, text in FILES.items():
        (root / name).write_text(text.format(script=SCRIPT.format(name=f"'{name}'")))
    (root / "a.pdf").write_bytes(PDF)
    port = free_port()
    command = ("gunicorn", "--bind", f"{HOST}:{port}", "tests.support.servers.scripts_app:app()")
    log, env = root.parent / "scripts.log", {"XACCEL_TEST_ROOT": str(root)}
    with running([sys.executable, "-m", *command], port, log, env):
        yield f"http://{HOST}:{port}"


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 400, "height": 400})
    context.set_default_timeout(PATIENCE * 1000)
    yield context.new_page()
    context.close()


def is_red(page):
    colours = Image.open(io.BytesIO(page.screenshot())).convert("RGB").getcolors(1 << 24)
    return sum(count for count, colour in colours if colour == (255, 0, 0)) > 2000


@pytest.mark.parametrize("name", FILES)
def test_the_scripts_of_an_upload_do_not_run(url, page, name):
    page.goto(f"{url}/{name}")
    if name == "image.svg":
        assert is_red(page)
    else:
        assert "shown" in page.content()
    # A script that does run is the sign that the other would have run by now.
    with page.expect_response(f"{url}/ran?{name}"):
        page.goto(f"{url}/{name}?allow_scripts")
    seen = urlopen(f"{url}/seen").read().decode().split()
    assert seen.count(name) == 1


def test_a_pdf_shows(url, page):
    reply = page.goto(f"{url}/a.pdf")
    assert "content-security-policy" not in reply.headers
    deadline = time.monotonic() + PATIENCE
    while not is_red(page):
        assert time.monotonic() < deadline
