"""Unusual files that other readers show: of scanners, of OS/2, without a palette, turned by XMP.

The pictures are written here, because Pillow reads these kinds but does not write them.
"""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin
from xaccel._core import probe, thumbnail

from tests.support.thumbnail_images import encoded, opened
from tests.support.tiff_files import HEIGHT, WIDTH, ramp, same, tags, tiff


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_planes_in_tiles(order, samples, dtype):
    made = ramp(samples, dtype)
    padded = np.zeros((32, 32, samples), dtype)
    padded[:HEIGHT, :WIDTH] = made
    strips = [
        padded[y : y + 16, x : x + 16, plane].astype(np.dtype(dtype).newbyteorder(order)).tobytes()
        for plane in range(samples)
        for y in (0, 16)
        for x in (0, 16)
    ]
    extra = {"t338": [2]} if samples in {2, 4} else {}
    page = tags(2 if samples > 2 else 1, samples, made.itemsize * 8, 2, **extra)
    page |= {322: (3, [16]), 323: (3, [16])}
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[samples]
    low = (made >> 8 if dtype == np.uint16 else made).astype(np.uint8)
    expected = Image.fromarray(low.squeeze(), mode).convert("RGBA")
    if samples in {2, 4}:
        # Colours matter less where little of them shows.
        expected = Image.alpha_composite(Image.new("RGBA", expected.size, "white"), expected)
        made = opened(
            thumbnail(
                tiff(page, strips, order=order, tiles=True),
                WIDTH,
                HEIGHT,
                format="png",
                background="ffffff",
            )
        ).convert("RGBA")
        made = Image.alpha_composite(Image.new("RGBA", made.size, "white"), made)
        difference = np.asarray(made).astype(int) - np.asarray(expected).astype(int)
        assert np.abs(difference).max() <= 2
    else:
        same(tiff(page, strips, order=order, tiles=True), expected.convert("RGB"))


@pytest.mark.parametrize("tiles", [False, True])
def test_tiff_page_that_follows_itself(tiles):
    more = {"t322": [32], "t323": [32]} if tiles else {}
    samples = ramp().squeeze()
    data = np.pad(samples, ((0, 13), (0, 11))) if tiles else samples
    file = tiff(tags(1, 1, 8, **more), [data.tobytes()], tiles=tiles, loops=True)
    same(file, Image.fromarray(samples))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_tiff_lowest_bit_first(bits):
    samples = ramp().squeeze() >> (8 - bits)
    rows = [
        "".join(f"{sample:0{bits}b}" for sample in row).ljust(-(-WIDTH * bits // 8) * 8, "0")
        for row in samples
    ]
    packed = b"".join(int(row, 2).to_bytes(len(row) // 8, "big") for row in rows)
    reverse = bytes(int(f"{byte:08b}"[::-1], 2) for byte in packed)
    file = tiff(tags(1, 1, bits, t266=[2]), [reverse])
    same(file, Image.fromarray((samples * (255 // (2**bits - 1))).astype(np.uint8)))


def test_tiff_lowest_bit_first_leaves_the_profile():
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(Image.new("RGB", (8, 8), (10, 200, 30)), "TIFF", icc_profile=icc)
    assert probe(data).icc
    with Image.open(io.BytesIO(data)) as image:
        exif = image.getexif()
        exif[266] = 2
        samples = bytes(int(f"{byte:08b}"[::-1], 2) for byte in image.tobytes())
        reverse = Image.frombytes("RGB", image.size, samples)
        data = encoded(reverse, "TIFF", icc_profile=icc, tiffinfo={266: 2})
    same(data, Image.new("RGB", (8, 8), (10, 200, 30)))


@pytest.mark.parametrize("photometric", [8, 9])
@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_cie_lab(photometric, bits):
    colors = Image.new("RGB", (WIDTH, HEIGHT))
    # The steps of L*, a* and b* are small for these colours.
    colors.putdata([(80 + 6 * x, 80 + 7 * y, 120) for y in range(HEIGHT) for x in range(WIDTH)])
    lab = ImageCms.profileToProfile(
        colors,
        ImageCms.createProfile("sRGB"),
        ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )
    samples = np.asarray(lab).copy()
    if photometric == 9:
        samples[..., 1:] ^= 128
    data = (samples.astype("<u2") * 256).tobytes() if bits == 16 else samples.tobytes()
    file = tiff(tags(photometric, 3, bits), [data])
    same(file, colors, most=3)


XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description {}/></x:xmpmeta>'


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_in_xmp(kind):
    tall = XMP.format('tiff:Orientation="6"').encode()
    image = Image.new("RGB", (8, 4))

    def written(**options: object) -> bytes:
        if kind == "TIFF":
            options["tiffinfo"] = {700: options.pop("xmp")}
        elif kind == "PNG":
            info = PngImagePlugin.PngInfo()
            info.add_itxt("XML:com.adobe.xmp", options.pop("xmp").decode(), zip=True)
            options["pnginfo"] = info
        return encoded(image, kind, **options)

    assert probe(written(xmp=tall)).orientation == 6
    assert opened(thumbnail(written(xmp=tall), 4, 8, format="png")).size == (4, 8)
    exif = Image.Exif()
    exif[0x0112] = 1
    if kind != "TIFF":
        assert probe(written(xmp=tall, exif=exif)).orientation == 1


@pytest.mark.parametrize("zipped", [False, True])
def test_orientation_in_text_of_imagemagick(zipped):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = exif.tobytes()
    text = f"\nexif\n{len(data):8}\n{data.hex()}\n"
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type exif", text, zip=zipped)
    assert probe(encoded(Image.new("L", (8, 4)), "PNG", pnginfo=info)).orientation == 6


def test_orientation_in_text_after_the_pixels():
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.format('tiff:Orientation="8"'))
    data = encoded(Image.new("L", (8, 4)), "PNG", pnginfo=info)
    start, end = (data.index(b"iTXt") - 4, data.index(b"IDAT") - 4)
    moved = data[:start] + data[end:-12] + data[start:end] + data[-12:]
    assert probe(moved).orientation == 8


def test_gif_without_a_palette():
    shades = Image.fromarray(ramp().squeeze())
    data = bytearray(encoded(shades, "GIF"))
    size = 3 * 2 ** ((data[10] & 7) + 1)
    palette = data[13 : 13 + size]
    data[10] &= 0x7F
    del data[13 : 13 + size]
    indices = Image.fromarray(
        np.array([palette.index(bytes([v] * 3)) // 3 for v in ramp().ravel()], np.uint8).reshape(
            HEIGHT, WIDTH
        )
    )
    same(bytes(data), indices)


def bmp(header: bytes, palette: bytes, data: bytes) -> bytes:
    """A BMP file with this second header."""
    offset = 14 + len(header) + len(palette)
    return struct.pack("<2sIII", b"BM", offset + len(data), 0, offset) + header + palette + data


SHADES = b"".join(bytes([i, i, i, 0]) for i in range(256))


@pytest.mark.parametrize("length", [16, 40, 64])
@pytest.mark.parametrize("planes", [1, 0, 3])
def test_bmp_of_os2_and_with_other_planes(length, planes):
    samples = ramp().squeeze()
    rows = np.pad(samples[::-1], ((0, 0), (0, 3))).tobytes()
    header = struct.pack("<IiiHH", length, WIDTH, HEIGHT, planes, 8).ljust(length, b"\0")
    same(bmp(header, SHADES, rows), Image.fromarray(samples))


@pytest.mark.parametrize("down", [False, True])
def test_bmp_compressed_rows_from_the_top(down):
    samples = ramp().squeeze()
    rows = samples if down else samples[::-1]
    data = b"".join(bytes([x for v in row for x in (1, v)]) + b"\0\0" for row in rows) + b"\0\1"
    height = -HEIGHT if down else HEIGHT
    header = struct.pack("<IiiHHI", 40, WIDTH, height, 1, 8, 1).ljust(40, b"\0")
    same(bmp(header, SHADES, data), Image.fromarray(samples))
