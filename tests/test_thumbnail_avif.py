"""AVIF in and out. Oracle: libavif, through Pillow."""

import io
import itertools
import struct

import pytest
from PIL import Image, ImageOps
from xaccel._core import Limits, probe, thumbnail
from xaccel.exceptions import CorruptImage, ImageTooLarge

from tests.thumbnail_images import difference, encoded, opened, photo, wide_rgb_profile


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("width", [60, 200, 640])
def test_the_same_picture_as_libavif(subsampling, limited, width):
    source = encoded(
        photo(),
        "AVIF",
        quality=90,
        speed=9,
        subsampling=subsampling,
        range="limited" if limited else "full",
    )
    original = Image.open(io.BytesIO(source)).convert("RGB")
    made = opened(thumbnail(source, width, format="png"))
    assert difference(made, original.resize(made.size, Image.Resampling.LANCZOS)) < 1.5


def test_gray():
    source = encoded(photo(mode="L").convert("RGB"), "AVIF", quality=90, subsampling="4:0:0")
    made = opened(thumbnail(source, format="png"))
    assert difference(made, Image.open(io.BytesIO(source))) < 1.5


def test_alpha():
    source = encoded(photo(mode="RGBA"), "AVIF", quality=90, speed=9)
    info = probe(source)
    assert (info.format, info.width, info.height, info.has_alpha) == ("avif", 640, 400, True)
    made = opened(thumbnail(source, 320, format="png"))
    expected = Image.open(io.BytesIO(source)).convert("RGBA").convert("RGBa")
    expected = expected.resize((320, 200), Image.Resampling.LANCZOS).convert("RGBA")
    assert difference(made, expected) < 1.5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_stands_upright(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = encoded(photo(320, 200), "AVIF", exif=exif, quality=90, speed=9)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(source)))
    info = probe(source)
    assert ((info.width, info.height), info.orientation) == (upright.size, orientation)
    assert difference(opened(thumbnail(source, format="png")), upright.convert("RGB")) < 1.5


def test_color_profile():
    source = encoded(photo(), "AVIF", icc_profile=wide_rgb_profile(), quality=90, speed=9)
    assert probe(source).icc
    plain = encoded(photo(), "AVIF", quality=90, speed=9)
    made = [opened(thumbnail(content, 100, format="png")) for content in (source, plain)]
    assert difference(*made) > 8


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_writing(mode):
    picture = photo(320, 200, mode)
    made = thumbnail(encoded(picture, "PNG"), format="avif", quality=85)
    assert difference(opened(made), picture) < 4
    assert len(made.data) < 12_000


def test_cut_off():
    source = encoded(photo(), "AVIF", speed=9)
    for length in (20, 100, len(source) // 2):
        with pytest.raises(CorruptImage):
            thumbnail(source[:length], 64)


def test_limits():
    source = encoded(photo(), "AVIF", speed=9)
    with pytest.raises(ImageTooLarge, match="256000 pixels"):
        thumbnail(source, 64, limits=Limits(max_pixels=255_999))


def box(name, *parts):
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + name + content


def full_box(name, *parts, flags=0):
    return box(name, struct.pack(">I", flags), *parts)


def coded_items(source):
    """The coded pictures in a file of libavif's, and the configuration of each."""
    location = source.index(b"iloc") + 8
    sizes, count = struct.unpack_from(">HH", source, location)
    assert sizes == 0x4400
    items = []
    for index in range(count):
        at = location + 4 + 14 * index
        _, _, extents, offset, length = struct.unpack_from(">HHHII", source, at)
        assert extents == 1
        items.append(source[offset : offset + length])
    configurations = [at for at in range(len(source)) if source.startswith(b"av1C", at)]
    return items, [source[at - 4 : at + 8] for at in configurations]


def grid_file(picture, rows, columns, tile, *, alpha="grid", premultiplied=False):
    """A picture cut into tiles (HEIF, 6.6.2.3), which Pillow does not write."""
    width, height = picture.size
    wide = Image.new(picture.mode, (columns * tile, rows * tile))
    wide.paste(picture, (0, 0))
    colors, opacities = [], []
    for row, column in itertools.product(range(rows), range(columns)):
        part = wide.crop((column * tile, row * tile, (column + 1) * tile, (row + 1) * tile))
        items, configurations = coded_items(
            encoded(part, "AVIF", quality=90, speed=9, subsampling="4:4:4", autotiling=False)
        )
        colors.append(items[0])
        opacities += items[1:]
    has_alpha = bool(opacities) and alpha is not None
    if alpha == "whole":
        whole, _ = coded_items(encoded(picture, "AVIF", quality=90, speed=9, autotiling=False))
        opacities = [whole[1]]

    descriptor = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    properties = [
        full_box(b"ispe", struct.pack(">II", width, height)),
        full_box(b"ispe", struct.pack(">II", tile, tile)),
        full_box(b"pixi", b"\3\10\10\10"),
        full_box(b"pixi", b"\1\10"),
        box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 6, 0x80)),
        configurations[0],
        configurations[-1],
        full_box(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"),
    ]
    # Number, type, content (of a grid: in the file's own data), properties.
    grids = [(1, b"grid", None, [1, 3, 5])]
    tiles = [(10 + i, b"av01", data, [2, 3, 5, 6]) for i, data in enumerate(colors)]
    references = [
        box(b"dimg", struct.pack(f">HH{len(tiles)}H", 1, len(tiles), *range(10, 10 + len(tiles))))
    ]
    if has_alpha and alpha == "grid":
        grids.append((2, b"grid", None, [1, 4, 8]))
        opaque = [(300 + i, b"av01", data, [2, 4, 7, 8]) for i, data in enumerate(opacities)]
        references.append(
            box(
                b"dimg",
                struct.pack(f">HH{len(opaque)}H", 2, len(opaque), *range(300, 300 + len(opaque))),
            )
        )
        tiles += opaque
    elif has_alpha:
        tiles.append((2, b"av01", opacities[0], [1, 4, 7, 8]))
    if has_alpha:
        references.append(box(b"auxl", struct.pack(">HHH", 2, 1, 1)))
        if premultiplied:
            references.append(box(b"prem", struct.pack(">HHH", 1, 1, 2)))
    items = [*grids, *tiles]

    def head(start):
        offset, entries = start, []
        for number, _, data, _ in items:
            method, at, length = (1, 0, 8) if data is None else (0, offset, len(data))
            entries.append(struct.pack(">HHHHII", number, method, 0, 1, at, length))
            offset += len(data or b"")
        infos = [
            full_box(b"infe", struct.pack(">HH", number, 0), kind, b"\0", flags=2 << 24)
            for number, kind, _, _ in items
        ]
        owned = [struct.pack(">HB", number, len(own)) + bytes(own) for number, _, _, own in items]
        return box(b"ftyp", b"avif", bytes(4), b"avifmif1miaf") + full_box(
            b"meta",
            full_box(b"hdlr", bytes(4), b"pict", bytes(13)),
            full_box(b"pitm", struct.pack(">H", 1)),
            full_box(b"iloc", struct.pack(">HH", 0x4400, len(items)), *entries, flags=1 << 24),
            full_box(b"iinf", struct.pack(">H", len(items)), *infos),
            full_box(b"iref", *references),
            box(
                b"iprp",
                box(b"ipco", *properties),
                full_box(b"ipma", struct.pack(">I", len(items)), *owned),
            ),
            box(b"idat", descriptor),
        )

    return head(len(head(0)) + 8) + box(b"mdat", *(data or b"" for _, _, data, _ in items))


@pytest.mark.parametrize("size", [(192, 128), (150, 110)])
@pytest.mark.parametrize(("mode", "alpha"), [("RGB", None), ("RGBA", "grid"), ("RGBA", "whole")])
def test_grid(size, mode, alpha):
    """Also one whose last tiles are seen in part only."""
    picture = photo(*size, mode)
    source = grid_file(picture, 2, 3, 64, alpha=alpha)
    # libavif refuses a grid whose opacity is a single picture.
    oracle = grid_file(picture, 2, 3, 64)
    info = probe(source)
    assert ((info.width, info.height), info.has_alpha) == (size, mode == "RGBA")
    for width in (size[0], size[0] // 3):
        made = opened(thumbnail(source, width, format="png"))
        expected = Image.open(io.BytesIO(oracle)).convert(f"{mode[:3]}a" if alpha else mode)
        expected = expected.resize(made.size, Image.Resampling.LANCZOS).convert(mode)
        assert difference(made, expected) < 1.5


def test_grid_without_its_tiles():
    source = grid_file(photo(192, 128, "RGBA"), 2, 3, 64)
    for at, value in [(2, 200), (3, 200)]:
        descriptor = source.index(b"idat") + 4
        changed = source[: descriptor + at] + bytes([value]) + source[descriptor + at + 1 :]
        with pytest.raises(CorruptImage):
            thumbnail(changed, 64)


def test_opacity_is_of_the_whole_range_whatever_color_is():
    source = encoded(photo(mode="RGBA"), "AVIF", quality=90, speed=9, range="limited")
    made = opened(thumbnail(source, format="png")).getchannel("A")
    expected = Image.open(io.BytesIO(source)).getchannel("A")
    assert difference(made, expected) < 0.5
