"""A real thumbor accepts our URLs, and makes the same thumbnails as our own engine."""

import io
import sys
from http.client import HTTPConnection

import pytest
from PIL import Image, ImageChops, ImageStat
from xaccel._core import Spec, render
from xaccel.signing import ThumborSigner

from tests.support.servers.process import HOST, PATIENCE, free_port, running

KEY = "schlüssel-of-thumbor"
SIZE = (400, 240)

CONFIG = f"""
SECURITY_KEY = {KEY!r}
ALLOW_UNSAFE_URL = False
LOADER = "thumbor.loaders.file_loader"
STORAGE = "thumbor.storages.no_storage"
FILE_LOADER_ROOT_PATH = {{root!r}}
QUALITY = 95
"""


@pytest.fixture(scope="module")
def source():
    """Each corner has its own colour, and so has the middle."""
    image = Image.new("RGB", SIZE)
    red, green = Image.linear_gradient("L").rotate(90).resize(SIZE), Image.linear_gradient("L")
    blue = Image.radial_gradient("L").resize(SIZE)
    image = Image.merge("RGB", (red, green.resize(SIZE), blue))
    output = io.BytesIO()
    image.save(output, "JPEG", quality=95)
    return output.getvalue()


@pytest.fixture(scope="module")
def framed(source):
    """The same image with a border of noise around white."""
    border = Image.effect_noise((SIZE[0] + 80, SIZE[1] + 50), 20).point(lambda n: 236 + n // 16)
    image = border.convert("RGB")
    image.paste(Image.open(io.BytesIO(source)).point(lambda n: n * 3 // 4), (50, 20))
    image.putpixel((0, 0), (244, 244, 244))
    output = io.BytesIO()
    image.save(output, "PNG")
    return output.getvalue()


@pytest.fixture(scope="module")
def ask(tmp_path_factory, source, framed):
    directory = tmp_path_factory.mktemp("thumbor")
    (directory / "photos").mkdir()
    (directory / "photos" / "framed.png").write_bytes(framed)
    for name in ("cat.jpg", "föö bär.jpg", "100% (1)?.jpg", "a%20b.jpg"):
        (directory / "photos" / name).write_bytes(source)
    config = directory / "thumbor.conf"
    config.write_text(CONFIG.format(root=str(directory / "photos")))
    port = free_port()
    command = (sys.executable, "-m", "thumbor.server", "-i", HOST, "-p", str(port), "-c", config)
    with running(command, port, directory / "output.log"):

        def ask(path):
            connection = HTTPConnection(HOST, port, timeout=PATIENCE)
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            connection.close()
            return response.status, body

        yield ask


@pytest.fixture(scope="module")
def signer():
    return ThumborSigner(KEY)


@pytest.mark.parametrize("name", ["cat.jpg", "föö bär.jpg", "100% (1)?.jpg", "a%20b.jpg"])
def test_every_name_arrives(ask, signer, name):
    status, body = ask(signer.url(name, "60x-"))
    assert status == 200
    assert Image.open(io.BytesIO(body)).size == (60, 36)


def test_a_changed_url_is_refused(ask, signer):
    url = signer.url("cat.jpg", "60x-")
    assert ask(url.replace("60x0", "61x0"))[0] == 400
    assert ask(url.replace("/fit-in", "A/fit-in", 1))[0] == 400
    assert ask(ThumborSigner("another").url("cat.jpg", "60x-"))[0] == 400


@pytest.mark.parametrize(
    "spec",
    [
        "100x100",
        "100x-",
        "-x50",
        "-x-",
        "800x800",
        "800x800,upscale",
        "800x-,upscale",
        "100x100,cover",
        "100x-,cover",
        "800x800,cover,upscale",
        "100x100,fill",
        "100x-,fill",
        "100x100,pad",
        "100x100,pad,bg-00ff00",
        "800x800,pad,upscale,bg-00ff00",
        "100x-,pad",
        *(f"100x100,cover,g-{g}" for g in ("n", "e", "s", "w", "nw", "se")),
        *(f"100x20,cover,g-{g}" for g in ("n", "s", "ne", "sw")),
        "100x100,cover,g-0.1-0.5",
        "100x20,cover,g-0.5-0.9",
        "100x100,cover,g-0.9-0.5,crop-0.25-0-0.75-1",
        "100x100,crop-0.5-0.25-0.25-0.5",
        "-x-,crop-0.5-0.25-0.25-0.5",
        *(f"100x50,rot-{angle}" for angle in (90, 180, 270)),
        "100x50,fill,rot-90",
        "100x100,pad,rot-90,bg-0000ff",
        "30x100,cover,g-n,rot-90",
        "100x30,cover,g-n,rot-90",
        "100x30,cover,g-s,rot-270,flip-v",
        "40x100,cover,g-0.2-0.5,rot-180,flip-h",
        "100x100,flip-h",
        "100x100,flip-v",
        "100x100,rot-90,flip-h",
        "100x100,rot-270,flip-v",
        "-x-,flip-h",
        "50x50,dpr-2",
        "50x30,cover,dpr-1.5",
        "100x100,q-50",
        "100x100,png",
        "100x100,webp",
        "100x100,grayscale",
        "-x-,detail",
        "100x100,radius-20",
        "100x60,fill,radius-20,bg-00ff00,dpr-1.5",
        "100x100,cover,grayscale,detail,radius-65535",
        "100x100,pad,radius-20,bg-0000ff",
    ],
)
def test_looks_like_our_own(ask, signer, source, spec):
    status, body = ask(signer.url("cat.jpg", spec, source_size=SIZE))
    assert status == 200
    theirs = Image.open(io.BytesIO(body))
    parsed = Spec.parse(spec)
    image_format = parsed.output_format("cat.jpg")
    ours = Image.open(io.BytesIO(render(source, parsed, format=image_format).data))
    assert theirs.format == ours.format
    assert max(abs(a - b) for a, b in zip(theirs.size, ours.size, strict=True)) <= 1
    theirs = theirs.convert("RGB").resize(ours.size)
    difference = ImageStat.Stat(ImageChops.difference(theirs, ours.convert("RGB")))
    assert max(difference.mean) < 4


@pytest.mark.parametrize("spec", ["-x-,trim-10", "100x-,trim-10", "90x90,cover,g-w,trim-10"])
def test_cuts_off_the_same_border(ask, signer, framed, spec):
    status, body = ask(signer.url("framed.png", spec))
    assert status == 200
    ours = render(framed, Spec.parse(spec), format="png")
    theirs = Image.open(io.BytesIO(body)).convert("RGB")
    assert theirs.size == (ours.width, ours.height)
    made = Image.open(io.BytesIO(ours.data)).convert("RGB")
    assert max(ImageStat.Stat(ImageChops.difference(theirs, made)).mean) < 4


def test_corners_are_transparent(ask, signer):
    status, body = ask(signer.url("framed.png", "100x60,fill,radius-30"))
    assert status == 200
    alpha = Image.open(io.BytesIO(body)).convert("RGBA").getchannel("A")
    assert (alpha.getpixel((0, 0)), alpha.getpixel((99, 59)), alpha.getpixel((50, 30))) == (
        0,
        0,
        255,
    )
