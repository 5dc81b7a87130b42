"""TIFF of old scanners, cameras and instruments: fax, old-style JPEG, 12-bit and signed samples."""

import io
import itertools
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from xaccel._core import thumbnail
from xaccel.exceptions import CorruptImage, UnsupportedImage

from tests.support.thumbnail_images import encoded, photo
from tests.support.tiff_files import HEIGHT, WIDTH, ramp, same, tags, tiff

IMAGES = Path(__file__).parent / "images"
HUFFMAN, GROUP_3, OLD_JPEG = 2, 3, 6
LONGEST_RUN = 2560
"""Longer runs in a fax need several codes."""


def page(width: int, height: int = 24) -> Image.Image:
    """Return black and white runs of many lengths; some rows are white, black or noise."""
    dice = np.random.default_rng(width)
    pixels = np.cumsum(dice.random((height, width)) < 0.08, axis=1) % 2 == 0
    pixels[3], pixels[5] = True, False
    pixels[9] = dice.random(width) < 0.5
    return Image.fromarray(pixels)


@pytest.mark.parametrize("compression", ["tiff_ccitt", "group3", "group4"])
@pytest.mark.parametrize("width", [1, 7, 8, 64, 1728, 2 * LONGEST_RUN + 70])
@pytest.mark.parametrize("reverse", [False, True])
def test_fax(compression, width, reverse):
    picture = page(width)
    info = {266: 2} if reverse else {}
    source = encoded(picture, "TIFF", compression=compression, tiffinfo=info)
    same(source, picture.convert("L"), most=0)


def test_fax_with_differences_between_rows():
    with Image.open(IMAGES / "fax-2d.tif") as picture:
        same((IMAGES / "fax-2d.tif").read_bytes(), picture.convert("L"), most=0)


def fax_tags(photometric: int = 0, **more: list[int]):
    found = tags(photometric, 1, 1, t259=[GROUP_3], **more)
    return {**found, 256: (3, [8]), 257: (3, [3])}


def fax_data(*rows: str, marks: bool = True) -> bytes:
    mark = "000000000001"
    bits = "".join(mark + row if marks else row for row in rows) + mark * 6
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


WHITE_8, WHITE_0_BLACK_8, WHITE_3_BLACK_5 = "10011", "00110101000101", "10000011"


@pytest.mark.parametrize("marks", [True, False])
@pytest.mark.parametrize("rows_per_strip", [3, 2**32 - 1])
def test_fax_without_marks_and_in_one_endless_strip(marks, rows_per_strip):
    data = fax_data(WHITE_8, WHITE_0_BLACK_8, WHITE_3_BLACK_5, marks=marks)
    found = fax_tags() | {278: (4, [rows_per_strip])}
    expected = np.array([[255] * 8, [0] * 8, [255] * 3 + [0] * 5], np.uint8)
    same(tiff(found, [data]), Image.fromarray(expected), most=0)


def test_damaged_row_of_a_fax_is_white_after_the_damage():
    # No code starts with eight zeros.
    data = fax_data(WHITE_3_BLACK_5, "1000" + "000000001", WHITE_0_BLACK_8)
    made = thumbnail(tiff(fax_tags(), [data]), 8, 3, format="png")
    expected = np.array([[255] * 3 + [0] * 5, [255] * 8, [0] * 8], np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(made.data)).convert("L")) == expected).all()
    assert not made.is_complete


def test_fax_that_ends_early_is_white_at_the_end():
    data = fax_data(WHITE_0_BLACK_8)
    made = thumbnail(tiff(fax_tags(), [data]), 8, 3, format="png")
    expected = np.array([[0] * 8, [255] * 8, [255] * 8], np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(made.data)).convert("L")) == expected).all()
    assert not made.is_complete


@pytest.mark.parametrize("data", [b"", b"\0" * 50, b"\0\x80" * 25])
def test_fax_without_a_valid_row(data):
    with pytest.raises(CorruptImage):
        thumbnail(tiff(fax_tags(), [data]), 8)


@pytest.mark.parametrize(("mode", "info"), [("RGB", {}), ("L", {}), ("RGB", {317: 2})])
def test_lzma(mode, info):
    picture = photo(90, 70, mode)
    same(encoded(picture, "TIFF", compression="lzma", tiffinfo=info), picture, most=0)


def test_damaged_lzma():
    source = bytearray(encoded(photo(90, 70), "TIFF", compression="lzma"))
    source[len(source) // 2] ^= 0xFF
    with pytest.raises(CorruptImage):
        thumbnail(bytes(source), 30)


def parts_of_jpeg(source: bytes) -> tuple[dict[int, list[bytes]], bytes]:
    """Return the contents of the segments by marker, and the data of the scan."""
    found: dict[int, list[bytes]] = {}
    at = 2
    while True:
        marker, length = struct.unpack(">xBH", source[at : at + 4])
        found.setdefault(marker, []).append(source[at + 4 : at + 2 + length])
        at += 2 + length
        if marker == 0xDA:
            return found, source[at:-2]


def old_jpeg(
    picture: Image.Image,
    layout: str,
    *,
    strips: int = 1,
    subsampling: int = 2,
    reference: tuple[int, ...] = (),
) -> bytes:
    """Return a TIFF with old-style JPEG. Strips are 16 rows high.

    Args:
        picture: The picture, in RGB or gray.
        layout: "file" for a JPEG in a strip, "head" for the segments in another place, or "tables".
        strips: The number of strips.
        subsampling: Pillow's number for the subsampling of chroma.
        reference: The levels of black and white, if they are not those of JFIF.
    """
    options = {"restart_marker_rows": 1} if strips > 1 else {}
    source = encoded(picture, "JPEG", quality=90, subsampling=subsampling, **options)
    segments, scan = parts_of_jpeg(source)
    samples = 3 if picture.mode == "RGB" else 1
    found = tags(6 if samples == 3 else 1, samples, 8, t259=[OLD_JPEG], t512=[1])
    factor = 2 if subsampling == 2 else 1
    found |= {256: (3, [picture.width]), 257: (3, [picture.height]), 530: (3, [factor, factor])}
    if reference:
        found[532] = (3, list(reference))
    if layout == "file":
        return tiff(found, [source])
    head = source[: source.index(scan)]
    for index in range(8):
        scan = scan.replace(bytes([0xFF, 0xD0 + index]), b"\xff\xd0")
    data = scan.split(b"\xff\xd0") if strips > 1 else [scan]
    assert len(data) == strips
    if strips > 1:
        found[278] = (3, [16])
    if layout == "head":
        return with_extra(found, head, data, {513: [0], 514: [len(head)]})
    if layout == "overlap":
        # The strip starts in the last bytes of the header of the scan.
        return with_extra(found, head[:-3], [head[-3:] + scan], {513: [0], 514: [len(source)]})
    quantization = [table[1:65] for table in segments[0xDB]]
    huffman = {table[0]: table[1:] for table in segments[0xC4]}
    order = [0, 1, 1][:samples]
    extra = b"".join([*quantization, *(huffman[key] for key in sorted(huffman))])
    places = [extra.index(quantization[min(i, len(quantization) - 1)]) for i in order]
    dc = [extra.index(huffman[i]) for i in order]
    ac = [extra.index(huffman[0x10 | i]) for i in order]
    return with_extra(found, extra, data, {519: places, 520: dc, 521: ac})


def with_extra(found, extra: bytes, data: list[bytes], places: dict[int, list[int]]) -> bytes:
    """Return a file with extra data before its strips. Places are relative to the extra data."""
    start = 8
    at = {
        tag: (4, [value + start * (tag != 514) for value in values])
        for tag, values in places.items()
    }
    source = tiff(found | at, [extra + data[0], *data[1:]])
    # The first strip starts after the extra data.
    with Image.open(io.BytesIO(source)) as picture:
        offsets, lengths = (list(picture.tag_v2[tag]) for tag in (273, 279))
    before = [struct.pack(f"<{len(v)}I", *v) for v in (offsets, lengths)]
    offsets[0] += len(extra)
    lengths[0] -= len(extra)
    after = [struct.pack(f"<{len(v)}I", *v) for v in (offsets, lengths)]
    if len(data) == 1:
        for tag, old, new in zip((273, 279), before, after, strict=True):
            entry = struct.pack("<HHI", tag, 4, 1)
            assert source.count(entry + old) == 1
            source = source.replace(entry + old, entry + new)
    else:
        for old, new in zip(before, after, strict=True):
            assert source.count(old) == 1
            source = source.replace(old, new)
    return source


@pytest.mark.parametrize(
    ("layout", "strips", "subsampling"),
    [
        *itertools.product(["file", "head", "overlap", "tables"], [1], [0, 2]),
        # A strip of 16 rows is one row of blocks with this subsampling only.
        ("head", 4, 2),
        ("tables", 4, 2),
    ],
)
def test_old_jpeg(layout, strips, subsampling):
    picture = photo(80, 64)
    source = old_jpeg(picture, layout, strips=strips, subsampling=subsampling)
    with Image.open(io.BytesIO(source)) as read:
        expected = read.convert("RGB")
    same(source, expected, most=6)
    same(source, picture, most=24)


def test_old_jpeg_with_levels_of_video():
    source = old_jpeg(photo(80, 64), "tables", reference=(16, 235, 128, 240, 128, 240))
    with Image.open(io.BytesIO(source)) as read:
        expected = read.convert("RGB")
    same(source, expected, most=8)
    assert np.ptp(np.asarray(expected)) > np.ptp(np.asarray(photo(80, 64)))


def test_old_jpeg_whose_length_is_too_short():
    source = old_jpeg(photo(80, 64), "overlap")
    entry = source.index(struct.pack("<HHI", 279, 4, 1)) + 8
    (length,) = struct.unpack_from("<I", source, entry)
    short = bytearray(source)
    struct.pack_into("<I", short, entry, length // 2)
    same(bytes(short), photo(80, 64), most=24)


@pytest.mark.parametrize("layout", ["file", "head", "tables"])
def test_old_jpeg_in_gray(layout):
    picture = photo(80, 64, "L")
    same(old_jpeg(picture, layout), picture, most=8)


def test_old_jpeg_without_the_number_of_samples():
    source = old_jpeg(photo(80, 64), "head")
    entry = struct.pack("<HHI", 277, 3, 1)
    assert source.count(entry) == 1
    same(source.replace(entry, struct.pack("<HHI", 300, 3, 1)), photo(80, 64), most=24)


@pytest.mark.parametrize("layout", ["file", "head", "tables"])
def test_old_jpeg_that_is_larger_than_its_area(layout):
    source = old_jpeg(photo(400, 64), layout)
    entry = struct.pack("<HHIH", 256, 3, 1, 400)
    assert source.count(entry) == 1
    narrow = source.replace(entry, struct.pack("<HHIH", 256, 3, 1, 16))
    if layout == "file":
        with pytest.raises(CorruptImage, match="larger than its area"):
            thumbnail(narrow, 8)
    else:
        # The size in the headers is that of the directory.
        assert thumbnail(narrow, 16, format="png").width == 16


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("samples", "photometric"), [(1, 0), (1, 1), (3, 2)])
def test_12_bits(order, samples, photometric):
    values = ramp(samples, np.uint16) >> 4
    rows = ["".join(f"{value:012b}" for value in row.ravel()) for row in values]
    data = b"".join(
        int(row.ljust(-(-len(row) // 8) * 8, "0"), 2).to_bytes(-(-len(row) // 8)) for row in rows
    )
    file = tiff(tags(photometric, samples, 12), [data], order=order)
    shades = (values * (255 / 4095)).round().astype(np.uint8).squeeze()
    same(file, Image.fromarray(255 - shades if photometric == 0 else shades))


def test_12_bits_with_compression():
    with pytest.raises(UnsupportedImage):
        thumbnail(tiff(tags(1, 1, 12, t259=[32773]), [bytes(WIDTH * HEIGHT * 2)]), 8)


def test_12_bits_that_are_cut_off():
    with pytest.raises(CorruptImage):
        thumbnail(tiff(tags(1, 1, 12), [bytes(WIDTH * HEIGHT)]), 8)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("compressed", [False, True])
def test_signed_samples(order, bits, compressed):
    values = ramp().squeeze().astype(int)
    if bits > 8:
        values = values * 190 - 18_000
    data = values.astype(np.uint8 if bits == 8 else f"{order}i{bits // 8}").tobytes()
    found = tags(1, 1, bits, t339=[2])
    if compressed:
        found[259] = (3, [32773])
        # PackBits: a number of bytes, and the bytes.
        pieces = [data[at : at + 128] for at in range(0, len(data), 128)]
        data = b"".join(bytes([len(piece) - 1]) + piece for piece in pieces)
    file = tiff(found, [data], order=order)
    if bits > 8:
        values = (values.clip(0, 65535) / 257).round()
    same(file, Image.fromarray(values.astype(np.uint8)))


@pytest.mark.parametrize("samples", [3, 4])
def test_signed_samples_in_color(samples):
    values = ramp(samples)
    file = tiff(tags(2, samples, 8, t339=[2] * samples), [values.tobytes()])
    same(file, Image.fromarray(values))
