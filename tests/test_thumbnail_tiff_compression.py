"""TIFF with CCITT Group 4, LZW and Zstandard, and with shared colour differences."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image
from xaccel._core import thumbnail
from xaccel.exceptions import CorruptImage, UnsupportedImage

from tests.support.thumbnail_images import encoded, opened, photo
from tests.support.tiff_files import HEIGHT, WIDTH, ramp, same, tags, tiff

LZW, DEFLATE, ZSTANDARD = 5, 8, 50000
CLEAR, END, FIRST, CODES = 256, 257, 258, 4096


def lzw(data: bytes, *, old: bool = False, clear_at: int = CODES - 2) -> bytes:
    """Compress data. Older writers start with the lowest bit, and lengthen codes one code later."""
    bits = ""

    def write(code: int, count: int) -> None:
        nonlocal bits
        text = f"{code:0{count}b}"
        bits += text[::-1] if old else text

    width, known, found = 9, {bytes([i]): i for i in range(256)}, FIRST
    write(CLEAR, width)
    text = b""
    for byte in data:
        longer = text + bytes([byte])
        if longer in known:
            text = longer
            continue
        write(known[text], width)
        known[longer] = found
        found += 1
        if found + (0 if old else 1) > 1 << width:
            width += 1
        if found >= clear_at:
            write(CLEAR, width)
            width, known, found = 9, {bytes([i]): i for i in range(256)}, FIRST
        text = bytes([byte])
    if text:
        write(known[text], width)
        found += 1
        if found + (0 if old else 1) > 1 << width and width < 12:
            width += 1
    write(END, width)
    bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
    order = -1 if old else 1
    return bytes(int(bits[at : at + 8][::order], 2) for at in range(0, len(bits), 8))


def grays(*kinds: str) -> np.ndarray:
    """Return rows of noise, of one gray, of short patterns, and of a slope."""
    dice = np.random.default_rng(7)
    rows = {
        "noise": dice.integers(0, 256, (40, 300)),
        "flat": np.full((40, 300), 77),
        "pattern": np.tile([1, 2, 3, 1, 2, 9, 9], (40, 43))[:, :300],
        "slope": np.add.outer(np.arange(40), np.arange(300)) // 5,
    }
    return np.concatenate([rows[kind] for kind in kinds]).astype(np.uint8)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("kind", ["noise", "flat", "pattern", "slope"])
def test_lzw(kind, old):
    picture = grays(kind, "noise", kind)
    found = {**tags(1, 1, 8, t259=[LZW]), 256: (4, [300]), 257: (3, [len(picture)])}
    data = lzw(picture.tobytes(), old=old)
    same(tiff(found, [data]), Image.fromarray(picture), most=0)


@pytest.mark.parametrize("old", [False, True])
def test_lzw_whose_table_is_cleared_early(old):
    picture = grays("noise")
    found = {**tags(1, 1, 8, t259=[LZW]), 256: (4, [300]), 257: (3, [len(picture)])}
    data = lzw(picture.tobytes(), old=old, clear_at=600)
    same(tiff(found, [data]), Image.fromarray(picture), most=0)


@pytest.mark.parametrize("compression", ["tiff_lzw", "zstd"])
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "CMYK", "RGBA"])
@pytest.mark.parametrize("predictor", [1, 2])
def test_compressed(compression, mode, predictor):
    picture = photo(290, 170, mode)
    predictor = 1 if mode == "1" else predictor
    source = encoded(picture, "TIFF", compression=compression, tiffinfo={317: predictor})
    shown = picture.convert("L" if mode == "1" else "RGB" if mode == "CMYK" else mode)
    if mode == "CMYK":
        # The conversion of inks has tests of its own.
        assert thumbnail(source, 290, 170, format="png").data == (
            thumbnail(encoded(picture, "TIFF"), 290, 170, format="png").data
        )
    else:
        same(source, shown, most=0)


@pytest.mark.parametrize("compression", [LZW, ZSTANDARD])
@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\0\0", b"\0\1", b"\xff" * 99, bytes(99)])
def test_damaged_data(compression, data):
    with pytest.raises(CorruptImage):
        thumbnail(tiff(tags(1, 1, 8, t259=[compression]), [data]), 8)


@pytest.mark.parametrize("compression", ["tiff_lzw", "zstd"])
def test_data_that_ends_early(compression):
    source = encoded(photo(90, 70), "TIFF", compression=compression)
    with Image.open(io.BytesIO(source)) as picture:
        counts = picture.tag_v2[279]
    assert len(counts) == 1
    short = source.replace(counts[0].to_bytes(4, "little"), (counts[0] // 2).to_bytes(4, "little"))
    assert short != source
    with pytest.raises(CorruptImage):
        thumbnail(short, 30)


def test_zstandard_with_a_large_window_is_refused():
    # A frame whose window has 2 GiB.
    frame = b"\x28\xb5\x2f\xfd\0" + bytes([21 << 3]) + b"\x01\0\0"
    with pytest.raises(CorruptImage, match="indow"):
        thumbnail(tiff(tags(1, 1, 8, t259=[ZSTANDARD]), [frame]), 8)


def fax_tags(width: int, height: int):
    found = tags(0, 1, 1, t259=[4])
    return {**found, 256: (4, [width]), 257: (4, [height])}


def packed(*codes: str) -> bytes:
    bits = "".join(codes)
    bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
    return int(bits, 2).to_bytes(len(bits) // 8)


WHITE_3_BLACK_5 = "001" + "1000" + "0011"
SAME, MARK = "11", "000000000001"


def fax_rows(data: bytes):
    made = thumbnail(tiff(fax_tags(8, 4), [data]), 8, 4, format="png")
    return np.asarray(opened(made).convert("L")), made.is_complete


BLACK_5 = [255] * 3 + [0] * 5
WHITE = [255] * 8


def test_group_4():
    left, right = "010" + "1", "011" + "1"
    rows, is_complete = fax_rows(packed(WHITE_3_BLACK_5, SAME, left, right, MARK, MARK))
    assert rows.tolist() == [BLACK_5, BLACK_5, [255] * 2 + [0] * 6, BLACK_5]
    assert is_complete


def test_group_4_that_refers_to_an_empty_run():
    empty = "001" + "00110101" + "0000110111"
    rows, is_complete = fax_rows(
        packed(empty, WHITE_3_BLACK_5, "0001", WHITE_3_BLACK_5, SAME, SAME, MARK, MARK)
    )
    assert rows.tolist() == [BLACK_5] * 4
    assert is_complete


@pytest.mark.parametrize("rest", [MARK * 2, "00000000" * 3])
def test_group_4_that_ends_early_or_is_damaged_is_white_at_the_end(rest):
    rows, is_complete = fax_rows(packed(WHITE_3_BLACK_5, SAME, rest))
    assert rows.tolist() == [BLACK_5, BLACK_5, WHITE, WHITE]
    assert not is_complete


def test_group_4_in_one_tall_strip():
    height = 70_000
    rows = [WHITE_3_BLACK_5, *[SAME] * (height // 2 - 1), "0001" + "1", *["1"] * (height // 2 - 1)]
    source = tiff(fax_tags(8, height), [packed(*rows, MARK, MARK)])
    made = thumbnail(source, 8, 4, fit="fill", format="png")
    assert made.is_complete
    shades = np.asarray(opened(made).convert("L"))
    assert shades[0].tolist() == BLACK_5
    assert shades[-1].tolist() == WHITE


def units(across: int, down: int) -> tuple[bytes, np.ndarray]:
    """Return the units of a page, and the three samples of each pixel."""
    samples = ramp(3)
    samples[..., 1:] = (
        samples[::down, ::across, 1:].repeat(down, 0).repeat(across, 1)[:HEIGHT, :WIDTH]
    )
    padded = np.pad(samples, ((0, -HEIGHT % down), (0, -WIDTH % across), (0, 0)), "edge")
    data = bytearray()
    for y, x in itertools.product(range(0, HEIGHT, down), range(0, WIDTH, across)):
        block = padded[y : y + down, x : x + across]
        data += block[..., 0].tobytes() + block[0, 0, 1:].tobytes()
    return bytes(data), samples


@pytest.mark.parametrize("across", [1, 2, 4])
@pytest.mark.parametrize("down", [1, 2, 4])
@pytest.mark.parametrize("compression", [1, LZW])
def test_shared_colour_differences(across, down, compression):
    data, samples = units(across, down)
    found = tags(6, 3, 8, t259=[compression], t530=[across, down])
    source = tiff(found, [lzw(data) if compression == LZW else data])
    same(source, Image.fromarray(samples, "YCbCr").convert("RGB"), most=2)


def test_range_of_video():
    data, samples = units(1, 1)
    reference = [16, 235, 128, 240, 128, 240]
    found = {**tags(6, 3, 8, t530=[1, 1]), 532: (3, reference)}
    full = (samples - [16.0, 128, 128]) * [255 / 219, 127 / 112, 127 / 112]
    matrix = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]])
    expected = (full @ matrix.T).round().clip(0, 255).astype(np.uint8)
    same(tiff(found, [data]), Image.fromarray(expected))


@pytest.mark.parametrize("compression", [1, LZW])
def test_colour_differences_that_are_cut_off(compression):
    data, _ = units(2, 2)
    found = tags(6, 3, 8, t259=[compression], t530=[2, 2])
    short = data[:-1]
    with pytest.raises(CorruptImage):
        thumbnail(tiff(found, [lzw(short) if compression == LZW else short]), 8)


@pytest.mark.parametrize("factors", [[3, 1], [1, 0]])
def test_invalid_subsampling(factors):
    data, _ = units(1, 1)
    with pytest.raises(UnsupportedImage):
        thumbnail(tiff(tags(6, 3, 8, t530=factors), [data]), 8)


@pytest.mark.parametrize("bits", [8, 12])
def test_predictor_without_compression_is_ignored(bits):
    samples = ramp().squeeze()
    rows = ["".join(f"{int(value) << (bits - 8):0{bits}b}" for value in row) for row in samples]
    data = b"".join(packed(row) for row in rows)
    same(tiff(tags(1, 1, bits, t317=[2]), [data]), Image.fromarray(samples))


def test_tiles_with_the_tags_of_strips():
    samples = np.pad(ramp(3), ((0, 32 - HEIGHT), (0, 32 - WIDTH), (0, 0)))
    tiles = [
        samples[y : y + 16, x : x + 16].tobytes() for y, x in itertools.product([0, 16], repeat=2)
    ]
    found = tags(2, 3, 8, t322=[16], t323=[16])
    expected = Image.fromarray(ramp(3))
    same(tiff(found, tiles, tiles=True), expected, most=0)
    same(tiff(found, tiles), expected, most=0)
