"""Small files that would cost much time or memory."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image
from xaccel import Limits, probe, thumbnail
from xaccel.exceptions import CorruptImage, ThumbnailError, UnsupportedImage

from tests.support.thumbnail_images import encoded, peak_memory, photo_file


def tiff(width, height, payload, *, samples=3, bits=8, photometric=2, compression=8, **tags):
    """A TIFF whose strips or tiles all have the same data, or each start `shift` bytes later."""
    rows = tags.get("rows", height)
    tile = tags.get("tile")
    planar = tags.get("planar", 1)
    shift = tags.get("shift", 0)
    across, down = (
        (-(-width // tile[0]), -(-height // tile[1])) if tile else (1, -(-height // rows))
    )
    chunks = across * down * (samples if planar == 2 else 1)
    entries = [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [bits] * samples),
        (259, 3, [compression]),
        (262, 3, [photometric]),
        (277, 3, [samples]),
        (284, 3, [planar]),
        (324 if tile else 273, 4, [8 + shift * index for index in range(chunks)]),
        (325 if tile else 279, 4, [len(payload) - shift * index for index in range(chunks)]),
    ]
    entries += [(322, 4, [tile[0]]), (323, 4, [tile[1]])] if tile else [(278, 4, [rows])]
    if "format" in tags:
        entries.append((339, 3, [tags["format"]] * samples))
    directory = 8 + len(payload) + len(payload) % 2
    after = directory + 2 + 12 * len(entries) + 4
    blob, listing = b"", struct.pack("<H", len(entries))
    for tag, kind, values in sorted(entries):
        raw = struct.pack(f"<{len(values)}{'HI'[kind - 3]}", *values)
        value = raw.ljust(4, b"\0")
        if len(raw) > 4:
            value = struct.pack("<I", after + len(blob))
            blob += raw + b"\0" * (len(raw) % 2)
        listing += struct.pack("<HHI", tag, kind, len(values)) + value
    head = (b"II*\0" + struct.pack("<I", directory) + payload).ljust(directory, b"\0")
    return head + listing + struct.pack("<I", 0) + blob


@pytest.mark.parametrize("samples", [6, 8, 600, 60_000])
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_a_tiff_has_few_samples_a_pixel(samples, bits):
    for photometric in (1, 2, 5):
        source = tiff(
            64, 64, zlib.compress(bytes(1000)), samples=samples, bits=bits, photometric=photometric
        )
        with pytest.raises(UnsupportedImage):
            thumbnail(source, 32)


def jpeg(size):
    return encoded(Image.new("RGB", size), "JPEG", quality=50)


@pytest.mark.parametrize("shape", [{"rows": 4}, {"tile": (16, 16)}])
def test_a_jpeg_in_a_tiff_is_as_large_as_its_place(shape):
    options = {"photometric": 6, "compression": 7, **shape}
    with pytest.raises(CorruptImage, match="larger than its area in the picture"):
        thumbnail(tiff(64, 20, jpeg((800, 800)), **options), 32)


def test_a_jpeg_in_a_tiff_may_be_filled_up_to_whole_blocks():
    source = tiff(64, 32, jpeg((64, 16)), photometric=6, compression=7, rows=16)
    assert thumbnail(source, 32).is_complete


def test_a_tile_is_not_much_larger_than_the_picture():
    source = tiff(64, 64, zlib.compress(bytes(1000)), tile=(60_000, 60_000))
    with pytest.raises(CorruptImage, match="larger than the picture"):
        thumbnail(source, 32)


@pytest.mark.parametrize("compression", [8, pytest.param(5, marks=pytest.mark.slow), 32773])
def test_strips_that_share_long_data_are_read_a_few_times_only(compression):
    """The data decodes to nothing for a long time."""
    empty = {
        8: b"\x78\x9c" + b"\0\0\0\xff\xff" * 200_000,
        5: int("100000000" * 8, 2).to_bytes(9) * 100_000,
        32773: b"\x80" * 1_000_000,
    }[compression]
    source = tiff(64, 20_000, empty, samples=1, photometric=1, compression=compression, rows=1)
    with pytest.raises(CorruptImage):
        thumbnail(source, 32, 32, limits=Limits(timeout=60))


def test_strips_may_share_their_data():
    row = zlib.compress(b"\x60" * 64)
    source = tiff(64, 5_000, row, samples=1, photometric=1, rows=1)
    assert thumbnail(source, 32, 32).is_complete


def test_strips_that_are_jpegs_may_share_their_data():
    picture = jpeg((64, 16))
    strips = 2 * 1024 * 1024 // len(picture)
    source = tiff(64, 16 * strips, picture, photometric=6, compression=7, rows=16)
    assert thumbnail(source, 32, 32).is_complete


def test_strips_that_are_jpegs_overlap_a_few_times_only():
    """Each of them would be searched for its headers."""
    long = jpeg((64, 16)) + bytes(1_000_000)
    source = tiff(64, 160, long, photometric=6, compression=7, rows=16, shift=1)
    with pytest.raises(CorruptImage, match="overlap too often"):
        probe(source)


@pytest.mark.parametrize(("bits", "samples", "form"), [(32, 1, 3), (32, 3, 3), (32, 4, 1)])
def test_wide_samples_strip_by_strip(bits, samples, form):
    photometric = {1: 1, 3: 2, 4: 5}[samples]
    strip = zlib.compress(bytes(64 * 8 * samples * bits // 8))
    source = tiff(
        64, 64, strip, samples=samples, bits=bits, photometric=photometric, rows=8, format=form
    )
    made = thumbnail(source, 32, format="png")
    assert made.is_complete
    picture = Image.open(io.BytesIO(made.data)).convert("RGB")
    assert picture.getpixel((5, 5)) == ((255,) * 3 if samples == 4 else (0,) * 3)


@pytest.mark.parametrize(
    "source",
    [
        lambda: photo_file("PNG"),
        lambda: photo_file("JPEG"),
        lambda: photo_file("GIF"),
        lambda: photo_file("WEBP"),
        lambda: photo_file("TIFF"),
        lambda: thumbnail(photo_file("PNG"), format="avif").data,
    ],
    ids=["png", "jpeg", "gif", "webp", "tiff", "avif"],
)
def test_the_time_limit_applies_to_every_format(source):
    with pytest.raises(ThumbnailError, match="time limit"):
        thumbnail(source(), 300, limits=Limits(timeout=0))


def big_tiff(*entries, content=b"", count=None):
    """A BigTIFF with a directory of 64-bit values; each has one value if not stated otherwise."""
    listing = struct.pack("<Q", len(entries) if count is None else count)
    for tag, kind, value, *values in entries:
        listing += struct.pack("<HHQQ", tag, kind, *(values or [1]), value)
    return b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + listing + bytes(8) + content


GRAY = [(256, 4, 64), (257, 4, 64), (258, 3, 8), (259, 3, 8), (262, 3, 1)]


def test_a_big_tiff_is_read():
    strip = zlib.compress(b"\x60" * 64 * 64)
    start = 16 + 8 + 20 * 8 + 8
    entries = [*GRAY, (273, 16, start), (278, 4, 64), (279, 16, len(strip))]
    assert thumbnail(big_tiff(*entries, content=strip), 32).is_complete


@pytest.mark.parametrize(
    "source",
    [
        big_tiff(*GRAY, (273, 16, 2**63), (278, 4, 64), (279, 16, 2**62)),
        big_tiff(*GRAY, (273, 16, 16), (278, 4, 64), (279, 16, 2**63)),
        big_tiff(*GRAY, (273, 16, 16, 2**60), (278, 4, 1), (279, 16, 16, 2**60)),
        big_tiff(count=2**60),
        big_tiff((256, 16, 2**40), *GRAY[1:], (273, 16, 16), (278, 4, 64), (279, 16, 8)),
    ],
    ids=["offset", "length", "strips", "entries", "width"],
)
def test_a_big_tiff_with_enormous_numbers_is_refused(source):
    with pytest.raises(ThumbnailError):
        thumbnail(source, 32)


def with_next_page(source, page):
    """The TIFF with the offset of a second page."""
    (directory,) = struct.unpack_from("<I", source, 4)
    (count,) = struct.unpack_from("<H", source, directory)
    changed = bytearray(source)
    struct.pack_into("<I", changed, directory + 2 + 12 * count, page)
    return bytes(changed)


def test_pages_in_a_cycle_do_not_matter():
    source = tiff(64, 64, zlib.compress(bytes(64 * 64 * 3)))
    (first,) = struct.unpack_from("<I", source, 4)
    assert thumbnail(with_next_page(source, first), 32).is_complete


def test_the_other_pages_are_not_looked_at():
    source = tiff(64, 64, zlib.compress(bytes(64 * 64 * 3)))
    start, pages = len(source), 100_000
    listing = b"".join(
        struct.pack("<HHHIII", 1, 256, 4, 1, 2**32 - 1, start + 18 * number % (18 * pages))
        for number in range(1, pages + 1)
    )
    assert thumbnail(with_next_page(source, start) + listing, 32).is_complete


@pytest.fixture(scope="module")
def bombs():
    """Zeros, 80 MB, by the number of a TIFF's compression."""
    size = 80_000_000
    lzw = io.BytesIO()
    image = Image.new("L", (10_000, size // 10_000))
    image.save(lzw, "TIFF", compression="tiff_lzw", tiffinfo={278: image.height})
    with Image.open(lzw) as saved:
        (start,), (length,) = saved.tag_v2[273], saved.tag_v2[279]
    return {
        8: zlib.compress(bytes(size), 9),
        5: lzw.getvalue()[start : start + length],
        32773: b"\x81\0" * (size // 128),
    }


@pytest.mark.slow
@pytest.mark.parametrize("planar", [1, 2])
@pytest.mark.parametrize("compression", [8, 5, 32773])
def test_only_the_pixels_of_a_strip_are_decompressed(bombs, compression, planar):
    source = tiff(64, 64, bombs[compression], compression=compression, planar=planar, rows=16)
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_memory()
    assert thumbnail(source, 32).is_complete
    assert peak_memory() - before < 32_000
