"""PDF, decoded by the plug-in `pdf`."""

import os
import random
import threading
from contextlib import suppress

import pypdfium2
import pytest
from PIL import Image
from xaccel import Limits, placeholder, probe, thumbnail, thumbnail_many
from xaccel.decoders import pdf as decoder
from xaccel.exceptions import (
    CorruptImage,
    ImageTooLarge,
    SpecError,
    ThumbnailError,
    UnsupportedImage,
)

from tests.support.pdf import pdf
from tests.support.thumbnail_images import difference, opened

DAMAGED = int(os.environ.get("XACCEL_DAMAGED_FILES", "300"))
"""The number of damaged variants of a file."""

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def shown(source, *size, **options):
    return opened(thumbnail(source, *size, format="png", **options)).convert("RGB")


def halves(width, height):
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (0, 0, width // 2, height))
    return picture


def test_sizes_and_colours():
    document = pdf((200, 100))
    info = probe(document)
    # 300 pixels per inch.
    assert (info.width, info.height, info.format, info.pages) == (833, 417, "pdf", 1)
    made = shown(document, 100)
    assert made.size == (100, 50)
    assert difference(made, halves(100, 50)) < 1
    assert shown(document).size == (833, 417)
    assert shown(document, 2000).size == (833, 417)
    assert shown(document, 2000, upscale=True).size == (2000, 1001)
    assert shown(document, 60, 60, fit="cover").size == (60, 60)
    assert shown(document, trim=True).size[1] == 417


def test_a_page_without_a_background_is_white():
    assert shown(pdf((100, 100), contents=b" "), 10).getcolors() == [(100, WHITE)]


def test_the_picture_is_that_of_pdfium():
    drawing = b"0.2 0.6 0.4 rg 10 10 m 90 20 l 50 80 l f 3 w 5 5 90 60 re S"
    document = pdf((100, 70), contents=drawing)
    reference = pypdfium2.PdfDocument(document)[0].render(scale=2).to_pil()
    assert difference(shown(document, 200), reference) < 1.5


def test_a_rotated_page_is_upright():
    made = shown(pdf((200, 100), rotate=90), 40)
    assert made.size == (40, 80)
    assert made.getpixel((20, 10)) == BLUE
    assert made.getpixel((20, 70)) == RED


def test_pages():
    document = pdf((200, 100), (100, 200), (300, 300))
    assert probe(document).pages == 3
    assert shown(document, 60, 60).size == (60, 30)
    assert shown(document, 60, 60, page=2).size == (30, 60)
    assert shown(document, 60, 60, page=3).size == (60, 60)
    with pytest.raises(SpecError, match="page 4 does not exist; the number of pages is 3"):
        thumbnail(document, 60, page=4)


def test_a_small_first_page_does_not_limit_the_others():
    document = pdf((10, 10), (1000, 1000))
    assert shown(document, 500, page=2).size == (500, 500)


def test_sources(tmp_path):
    document, path = pdf((200, 100)), tmp_path / "a.pdf"
    path.write_bytes(document)
    expected = thumbnail(document, 50).data
    with path.open("rb") as file:
        assert [thumbnail(source, 50).data for source in (path, file)] == [expected] * 2
    assert placeholder(document).startswith("data:image/webp;base64,")
    # A file may begin with other bytes.
    assert thumbnail(b"\n" * 500 + document, 50).data == expected


def test_threads_take_turns():
    document = pdf((200, 100), (100, 200))
    expected = thumbnail(document, 50).data
    made = thumbnail_many([document] * 40, 50, threads=4)
    assert {one.data for one in made} == {expected}


def test_a_fork_while_another_thread_renders():
    ready, done = threading.Event(), threading.Event()

    def hold():
        with decoder._turn():
            ready.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    ready.wait()
    child = os.fork()
    if not child:
        os._exit(0 if thumbnail(pdf((9, 9)), 5).width == 5 else 1)
    done.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def test_limits():
    with pytest.raises(ImageTooLarge):
        thumbnail(pdf((200, 100)), limits=Limits(max_pixels=833 * 417 - 1))
    # Only the size of the thumbnail counts.
    assert thumbnail(pdf((14_400, 14_400)), 50, limits=Limits(max_pixels=10_000)).width == 50
    with pytest.raises(ImageTooLarge):
        thumbnail(pdf((14_400, 14_400)))


@pytest.mark.parametrize("size", [(0, 0), (-5, 10), (1e30, 1e30)])
def test_pages_of_no_size(size):
    """PDFium replaces some of them by the size of a letter."""
    with suppress(CorruptImage):
        assert probe(pdf(size)).width > 0


def test_a_thin_page():
    assert shown(pdf((0.1, 1000)), 50, 50).size == (1, 50)


def test_errors():
    assert not decoder.matches(b"%!PS-Adobe")
    with pytest.raises(CorruptImage, match="corrupt PDF document"):
        thumbnail(b"%PDF-1.7\n", 50)
    with pytest.raises(CorruptImage, match="corrupt PDF document"):
        thumbnail(pdf(), 50)
    encryption = (
        b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> /ID [<00> <00>]"
        % (b"41" * 32, b"42" * 32)
    )
    with pytest.raises(UnsupportedImage, match="a PDF document with a password is not supported"):
        thumbnail(pdf((9, 9), trailer=encryption), 50)


def test_damaged_files():
    """Every damaged file results in a picture or an error of ours."""
    drawing = b"q 0.2 0.6 0.4 rg 10 10 m 90 20 l 50 80 l f Q 3 w 5 5 90 60 re S BT (text) Tj ET"
    content, chance = pdf((100, 70), (70, 100), contents=drawing), random.Random(1)
    outcomes = set()
    for number in range(DAMAGED):
        broken = bytearray(content)
        if number % 3 == 0:
            broken = broken[: chance.randrange(9, len(broken))]
        for _ in range(chance.randint(1, 8)):
            broken[chance.randrange(8, len(broken))] ^= 1 << chance.randrange(8)
        try:
            made = thumbnail(bytes(broken), 32, limits=Limits(max_memory=2**24))
        except ThumbnailError as error:
            outcomes.add(type(error))
        else:
            outcomes.add(type(made))
    assert len(outcomes) > 1
