"""Several sources at once, and placeholders."""

import base64
import io
import json
import os
import threading
from pathlib import Path

import pytest
from PIL import Image
from xaccel import (
    Limits,
    Thumbnail,
    draw_blurhash,
    draw_thumbhash,
    placeholder,
    thumbhash,
    thumbnail,
    thumbnail_many,
)
from xaccel.exceptions import CorruptImage, FileNotFound, UnsupportedImage

from tests.support.thumbnail_images import difference, encoded, photo, photo_file


@pytest.mark.parametrize("threads", [None, 1, 2, 7])
def test_many_keep_their_order(threads, tmp_path):
    contents = [photo_file("JPEG", 100 + 10 * i, 80) for i in range(6)]
    path = tmp_path / "photo.jpg"
    path.write_bytes(contents[0])
    sources = [*contents, path, io.BytesIO(contents[1])]
    made = thumbnail_many(sources, 50, 50, threads=threads, fit="cover")
    expected = [thumbnail(content, 50, 50, fit="cover").data for content in contents]
    assert [one.data for one in made] == [*expected, expected[0], expected[1]]


def test_one_bad_image_does_not_affect_the_others(tmp_path):
    good = photo_file("JPEG")
    made = thumbnail_many([good, b"text", good[:200], tmp_path / "no.jpg", good], 50)
    kinds = [Thumbnail, UnsupportedImage, CorruptImage, FileNotFound, Thumbnail]
    assert [type(one) for one in made] == kinds
    assert "no.jpg" in str(made[3])


def test_many_of_nothing():
    assert thumbnail_many([], 50) == []
    with pytest.raises(TypeError):
        thumbnail_many([7], 50)
    with pytest.raises(ValueError, match="threads"):
        thumbnail_many([], 50, threads=0)


def test_after_fork():
    """A child process starts its own threads; it does not have the parent's."""
    source = photo_file("JPEG")
    before = threading.active_count()
    expected = [one.data for one in thumbnail_many([source] * 4, 50, threads=2)]
    assert threading.active_count() == before
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            made = [one.data for one in thumbnail_many([source] * 4, 50, threads=2)]
            os.write(writer, b"same" if made == expected else b"other")
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    assert os.read(reader, 9) == b"same"
    os.close(reader)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_placeholder(mode):
    original = photo(mode=mode)
    uri = placeholder(encoded(original, "PNG"))
    assert len(uri) < 600
    prefix = "data:image/webp;base64,"
    assert uri.startswith(prefix)
    drawn = Image.open(io.BytesIO(base64.b64decode(uri.removeprefix(prefix))))
    assert max(drawn.size) == 32
    expected = original.convert("RGBA").resize(drawn.size, Image.Resampling.BOX)
    assert difference(drawn, expected) < 30


def test_placeholder_keeps_the_limits():
    from xaccel.exceptions import ImageTooLarge

    with pytest.raises(ImageTooLarge):
        placeholder(photo_file("PNG"), limits=Limits(max_pixels=100))


def test_a_thumbhash_draws_the_placeholder():
    source = photo_file("PNG")
    text = thumbhash(source)
    assert len(base64.b64decode(text, validate=True)) <= 25
    assert draw_thumbhash(text) == placeholder(source)


def vectors():
    return json.loads((Path(__file__).parent / "vectors" / "blurhash.json").read_text())


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["hash"][:6])
def test_a_blurhash_is_the_one_of_the_reference(vector):
    size = (vector["width"], vector["height"])
    picture = Image.frombytes("RGB", size, base64.b64decode(vector["pixels"]))
    if vector["terms"] == ([4, 3] if size[0] >= size[1] else [3, 4]):
        assert placeholder(encoded(picture, "PNG"), kind="blurhash") == vector["hash"]
    assert draw_blurhash(vector["hash"]).startswith("data:image/webp;base64,")


@pytest.mark.parametrize(("size", "drawn_size"), [((640, 400), (32, 24)), ((300, 500), (24, 32))])
def test_a_blurhash_draws_a_blurred_preview(size, drawn_size):
    original = photo(*size)
    text = placeholder(encoded(original, "PNG"), kind="blurhash")
    assert len(text) == 28
    uri = draw_blurhash(text)
    drawn = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert drawn.size == drawn_size
    assert difference(drawn, original.resize(drawn_size, Image.Resampling.BOX)) < 35


def test_a_blurhash_of_a_transparent_image_is_on_white():
    clear = encoded(Image.new("RGBA", (40, 30)), "PNG")
    white = encoded(Image.new("RGB", (40, 30), "white"), "PNG")
    assert placeholder(clear, kind="blurhash") == placeholder(white, kind="blurhash")


def test_the_kinds_of_placeholders():
    source = photo_file("PNG")
    assert placeholder(source, kind=None) == placeholder(source)
    assert placeholder(source, kind="thumbhash") == thumbhash(source)
    with pytest.raises(ValueError, match=r"'thumbhash', .* or None"):
        placeholder(source, kind="BlurHash")


@pytest.mark.parametrize("text", ["", "L", "LEHV6nWB2yk8pyo0adR*.7kCMdn", "~~~~~~", "00é~~~"])
def test_a_text_that_is_not_a_blurhash(text):
    from xaccel.exceptions import CorruptImage

    with pytest.raises(CorruptImage, match="not a BlurHash"):
        draw_blurhash(text)


@pytest.mark.parametrize(
    "text",
    ["", "!", "AAAA", base64.b64encode(bytes(24)).decode(), base64.b64encode(b"\xff" * 5).decode()],
)
def test_a_text_that_is_not_a_thumbhash(text):
    from xaccel.exceptions import CorruptImage

    with pytest.raises(CorruptImage, match="not a ThumbHash"):
        draw_thumbhash(text)
