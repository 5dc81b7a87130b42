"""SVG files: what is drawn, what is left out, and what is refused."""

import gzip
import io
import random
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import numpy as np
import pytest
from PIL import Image
from xaccel import placeholder, probe, thumbnail
from xaccel._core import Limits
from xaccel.exceptions import CorruptImage, ImageTooLarge, UnsupportedImage

from tests.support.drawings import RED, data_uri, drawing, svg
from tests.support.thumbnail_images import encoded, opened
from tests.support.thumbnail_service import Service


def drawn(source, *size, **options):
    return np.asarray(opened(thumbnail(source, *size, **options)).convert("RGBA"))


def has_red(source):
    pixels = drawn(source, 20)
    return bool(((pixels[..., 0] > 99) & (pixels[..., 1] < 99) & (pixels[..., 3] > 0)).any())


def test_probe():
    info = probe(svg(RED, 640, 480))
    assert (info.format, info.width, info.height, info.has_alpha) == ("svg", 640, 480, True)
    assert (info.frames, info.orientation) == (1, 1)


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ("width='30' height='20'", (30, 20)),
        ("viewBox='0 0 300 100'", (300, 100)),
        ("width='1in' height='48pt'", (96, 64)),
        ("width='50%' height='50%' viewBox='0 0 30 20'", (15, 10)),
    ],
)
def test_sizes(attributes, size):
    info = probe(f"<svg xmlns='http://www.w3.org/2000/svg' {attributes}/>".encode())
    assert (info.width, info.height) == size


@pytest.mark.parametrize("scale", [1, 3, 40])
def test_is_drawn_at_the_size_of_the_thumbnail(scale):
    pixels = drawn(svg("<rect width='10' height='10' fill='red'/>"), 20 * scale)
    assert pixels.shape == (10 * scale, 20 * scale, 4)
    assert (pixels[:, : 10 * scale] == [255, 0, 0, 255]).all()
    assert not pixels[:, 10 * scale :].any()


def test_options():
    source = svg("<rect width='10' height='10' fill='red'/>")
    cover = drawn(source, 60, 60, fit="cover", gravity="w")
    assert cover.shape == (60, 60, 4)
    assert (cover == [255, 0, 0, 255]).all()
    assert drawn(source, 60, rotate=90).shape == (120, 60, 4)
    trimmed = drawn(svg("<rect x='5' y='2' width='5' height='5' fill='red'/>"), 40, trim=True)
    assert trimmed.shape == (40, 40, 4)
    assert (trimmed == [255, 0, 0, 255]).all()
    assert placeholder(source, kind="color") == "#ff0000"
    assert thumbnail(source, 20).format == "png"
    flat = drawn(source, 20, format="jpeg", background="white")
    assert flat[5, 15, :3].min() > 250


@pytest.mark.parametrize("kind", ["jpeg", "webp", "avif", "gif"])
def test_formats(kind):
    made = thumbnail(svg(RED), 40, format=kind)
    assert (made.format, made.width, made.height) == (kind, 40, 20)


def test_compressed():
    assert (drawn(gzip.compress(svg(RED)), 20) == [255, 0, 0, 255]).all()
    with pytest.raises(UnsupportedImage):
        thumbnail(gzip.compress(b"a tar archive"), 20)
    with pytest.raises(ImageTooLarge):
        thumbnail(gzip.compress(svg(" " * 50_000_000)), 20)


@pytest.fixture
def origin():
    """A server that records the paths that clients ask for."""
    paths = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(svg(RED))

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", paths
    server.shutdown()
    thread.join()
    server.server_close()


def test_red_is_found():
    assert has_red(svg(RED))
    picture = data_uri(encoded(Image.new("RGB", (4, 4), "red"), "PNG"))
    assert has_red(svg(f"<image href='{picture}' width='20' height='10'/>"))


@pytest.mark.parametrize(
    "content",
    [
        "<image href='{url}' width='20' height='10'/>",
        "<image xlink:href='{url}' width='20' height='10'/>",
        "<use href='{url}#a'/>",
        "<filter id='f'><feImage href='{url}'/></filter><circle r='9' filter='url(#f)'/>",
        "<rect width='20' height='10' fill='url({url}#a)'/>",
        "<style>@import url('{url}'); @font-face {{ src: url('{url}') }}</style>",
        "<script href='{url}'/><script>document.documentElement.innerHTML = ''</script>",
        "<foreignObject width='20' height='10'><iframe src='{url}'/></foreignObject>",
    ],
)
def test_nothing_else_is_read(content, origin, tmp_path):
    address, paths = origin
    red = tmp_path / "red.svg"
    red.write_bytes(svg(f"<g id='a'>{RED}</g>"))
    picture = tmp_path / "red.png"
    picture.write_bytes(encoded(Image.new("RGB", (4, 4), "red"), "PNG"))
    outer = tmp_path / "outer.svg"
    urls = [red, picture, red.as_uri(), picture.as_uri(), "red.svg", "red.png", f"{address}/red"]
    for url in urls:
        outer.write_bytes(svg(content.format(url=url)))
        assert not has_red(outer)
    assert not paths


def test_external_entities_are_not_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(RED.encode())
    for kind in ("", "% "):
        source = f"<!DOCTYPE svg [<!ENTITY {kind}e SYSTEM '{secret.as_uri()}'>]>".encode() + svg(
            "&e;" if not kind else ""
        )
        try:
            assert not has_red(source)
        except CorruptImage as error:
            assert "red" not in str(error)  # noqa: PT017


def test_an_embedded_picture_counts_towards_the_limits():
    bomb = encoded(Image.new("1", (3000, 3000)), "PNG")
    source = svg(f"<image href='{data_uri(bomb)}' width='20' height='10'/>")
    assert (drawn(source, 20, limits=Limits(max_memory=100_000_000))[..., 3] == 255).any()
    assert not drawn(source, 20, limits=Limits(max_memory=10_000_000))[..., 3].any()


def test_the_limits_of_the_call_apply():
    with pytest.raises(ImageTooLarge):
        thumbnail(svg(RED), 5000, limits=Limits(max_memory=1_000_000))
    with pytest.raises(ImageTooLarge):
        thumbnail(svg(RED), 500, limits=Limits(max_side=400))


@pytest.mark.parametrize(
    ("content", "status", "media_type"),
    [
        (svg(RED), 200, "image/png"),
        (svg("<g>" * 5000 + "</g>" * 5000), 413, None),
        (svg("<g>"), 422, None),
        (svg("é").decode().encode("latin-1"), 415, None),
    ],
)
def test_visitors_get_a_picture_or_an_error(content, status, media_type, tmp_path):
    (tmp_path / "a.svg").write_bytes(content)
    service = Service({"THUMBNAIL_SOURCE": tmp_path})
    answer = service.get(service.url("a.svg", 40))
    assert answer.status == status
    if media_type:
        assert answer.headers["Content-Type"] == media_type
        assert Image.open(io.BytesIO(answer.data)).size == (40, 20)


def damaged(content, dice):
    """Return the content with flipped bits, a part missing, or a part repeated."""
    content = bytearray(content)
    start = dice.randrange(len(content))
    match dice.randrange(4):
        case 0:
            for _ in range(dice.randrange(1, 8)):
                content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        case 1:
            del content[start : start + dice.randrange(1, 60)]
        case 2:
            del content[start:]
        case _:
            content[start:start] = content[start : start + 200]
    return bytes(content)


@pytest.mark.parametrize("count", [60, pytest.param(2000, marks=pytest.mark.slow)])
def test_damage_is_an_error_or_a_picture(count):
    dice = random.Random(count)
    messages = []
    for _ in range(count):
        try:
            messages.append(f"picture {thumbnail(damaged(drawing(), dice), 64).width}")
        except (CorruptImage, ImageTooLarge, UnsupportedImage) as error:
            messages.append(str(error))
    assert not [message for message in messages if "panicked" in message]
    assert 0 < len([text for text in messages if text.startswith("picture")]) < count
