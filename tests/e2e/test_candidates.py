"""A real browser chooses among the candidates of `thumbnail_img` and `thumbnail_picture`."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from PIL import Image
from playwright.sync_api import Browser
from xaccel.config import Config
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.wsgi import Thumbnails

SIZE = (1600, 1200)
VIEWPORT = 400


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def page_url(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[Callable[[TemplateHelpers], str]], str]]:
    """Serves a page with what a function makes of the helpers, and its thumbnails."""
    directory = tmp_path_factory.mktemp("photos")
    gradient = Image.linear_gradient("L").resize(SIZE)
    Image.merge("RGB", (gradient, gradient.rotate(180), gradient)).save(directory / "a.jpg")
    config = Config.from_mapping(
        {
            "THUMBNAIL_SOURCE": str(directory),
            "THUMBNAIL_CACHE": str(tmp_path_factory.mktemp("cache")),
            "THUMBNAIL_FORMATS": ["avif", "webp"],
            "SECRET_KEYS": ["a key of more than 16 bytes"],
        }
    )
    helpers, thumbnails, pages = TemplateHelpers(config), Thumbnails(config), []

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"].startswith("/t/"):
            return thumbnails(environ, start_response)
        number = environ["PATH_INFO"].strip("/")
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        if not number.isdecimal():
            return [b""]
        body = f"<!doctype html><title>x</title><body style='margin:0'>{pages[int(number)]}"
        return [body.encode()]

    server = make_server("127.0.0.1", 0, app, _Server, _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def serve(write: Callable[[TemplateHelpers], str]) -> str:
        pages.append(write(helpers))
        return f"http://127.0.0.1:{server.server_port}/{len(pages) - 1}"

    yield serve
    server.shutdown()
    thread.join()
    server.server_close()


def chosen(chromium: Browser, url: str, dpr: float) -> tuple[str, dict[str, int]]:
    """The spec of the image that the browser shows, and its sizes once it is loaded."""
    context = chromium.new_context(
        viewport={"width": VIEWPORT, "height": 800}, device_scale_factor=dpr
    )
    page = context.new_page()
    page.goto(url)
    image = page.locator("img")
    page.wait_for_function("document.images[0].complete && document.images[0].currentSrc")
    sizes = image.evaluate("i => ({natural: i.naturalWidth, shown: i.width, high: i.height})")
    spec = urlsplit(image.evaluate("i => i.currentSrc")).path.split("/")[2]
    context.close()
    return spec, sizes


@pytest.mark.parametrize(("dpr", "spec"), [(1, "200x150"), (2, "200x150,dpr-2")])
def test_by_density(chromium: Browser, page_url: Callable[..., str], dpr: float, spec: str) -> None:
    url = page_url(lambda h: h.thumbnail_img("a.jpg", 200, 150, alt="", source_size=SIZE))
    assert chosen(chromium, url, dpr) == (spec, {"natural": 200, "shown": 200, "high": 150})


@pytest.mark.parametrize(("dpr", "width"), [(1, 200), (2, 400), (3, 800)])
def test_by_width(chromium: Browser, page_url: Callable[..., str], dpr: float, width: int) -> None:
    url = page_url(
        lambda h: h.thumbnail_img(
            "a.jpg", 400, alt="", widths=[100, 200, 400, 800], sizes="50vw", style="width: 50vw"
        )
    )
    spec, sizes = chosen(chromium, url, dpr)
    assert spec == f"{width}x-"
    assert sizes["shown"] == VIEWPORT / 2


@pytest.mark.parametrize(("dpr", "density"), [(1, ""), (2, ",dpr-2")])
@pytest.mark.parametrize(
    ("known", "best"), [("image/avif", "avif"), ("image/x-no-browser-knows-it", "webp")]
)
def test_by_format(
    chromium: Browser,
    page_url: Callable[..., str],
    dpr: float,
    density: str,
    known: str,
    best: str,
) -> None:
    url = page_url(
        lambda h: h.thumbnail_picture("a.jpg", 200, 150, alt="").replace("image/avif", known)
    )
    spec, sizes = chosen(chromium, url, dpr)
    assert spec == f"200x150{density},{best}"
    assert sizes["natural"] == 200


def test_a_missing_image_is_broken_and_nothing_else(
    chromium: Browser, page_url: Callable[..., str]
) -> None:
    url = page_url(lambda h: h.thumbnail_img("absent.jpg", 200, 150, alt="gone"))
    _, sizes = chosen(chromium, url, 1)
    assert sizes["natural"] == 0
