"""Image files that Pillow can't write, assembled from parts that Pillow can write."""

import itertools
import struct
import zlib

import numpy as np
from PIL import Image

from tests.support.thumbnail_images import encoded, photo


def chunk(name, content):
    """Return a chunk of a PNG file."""
    crc = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + crc


def box(name, *parts):
    """Return a box of an AVIF file (ISO/IEC 14496-12, 4.2)."""
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + name + content


def full_box(name, *parts, flags=0):
    """Return a box with a version and flags."""
    return box(name, struct.pack(">I", flags), *parts)


# x, y, width, height, disposal, blend
APNG_PARTS = [
    (0, 0, 120, 80, 0, 0),
    (10, 5, 60, 50, 1, 1),
    (30, 20, 90, 60, 2, 1),
    (50, 0, 40, 80, 0, 0),
    (0, 40, 120, 40, 1, 1),
    (5, 5, 33, 17, 2, 0),
    (0, 0, 120, 80, 0, 1),
]


def apng_picture(index):
    """Return the picture from which a part of the animation is cut."""
    return photo(120, 80, "RGBA").rotate(37 * index)


def passes(pixels):
    """Yield the rows without interlacing, and in Adam7's passes (PNG, third edition, 8.1)."""
    yield False, pixels
    parts = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    yield True, *(pixels[y::dy, x::dx] for y, x, dy, dx in [*parts, (1, 0, 2, 1)])


def apng(*, interlaced=False, separate=False, plays=0, claimed=None):
    """Return an APNG with all operations. With `separate`, the still image is not a frame."""
    opaque = np.asarray(Image.new("RGB", (120, 80), "green").convert("RGBA"))
    number = itertools.count()

    def data(pixels):
        images = next(rest for flag, *rest in passes(pixels) if flag == interlaced)
        rows = (b"\0" + row.tobytes() for image in images if image.size for row in image)
        return zlib.compress(b"".join(rows))

    def control(index, part):
        x, y, width, height, disposal, blend = part
        delay = (index + 1, 0) if index % 2 else (100 * (index + 1), 1000)
        place = (next(number), width, height, x, y, *delay)
        return chunk(b"fcTL", struct.pack(">IIIIIHHBB", *place, disposal, blend))

    header = struct.pack(">IIBBBBB", 120, 80, 8, 6, 0, 0, interlaced)
    out = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header)]
    count = len(APNG_PARTS) if claimed is None else claimed
    out.append(chunk(b"acTL", struct.pack(">II", count, plays)))
    if separate:
        out.append(chunk(b"IDAT", data(opaque)))
    for index, part in enumerate(APNG_PARTS):
        x, y, width, height, *_ = part
        pixels = np.asarray(apng_picture(index))[y : y + height, x : x + width]
        out.append(control(index, part))
        if index == 0 and not separate:
            out.append(chunk(b"IDAT", data(pixels)))
        else:
            out.append(chunk(b"fdAT", struct.pack(">I", next(number)) + data(pixels)))
    return b"".join([*out, chunk(b"IEND", b"")])


def coded_items(source):
    """Return the coded pictures in a file by libavif, and the configuration of each picture."""
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


def avif_file(items, properties, *references, descriptor=b"", movie=b"", associations=b""):
    """Return a file of items: their numbers, types, data (or the descriptor) and properties."""

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
        count = struct.pack(">I", len(items) + len(associations) // 258)
        return box(b"ftyp", b"avif", bytes(4), b"avifmif1miaf") + full_box(
            b"meta",
            full_box(b"hdlr", bytes(4), b"pict", bytes(13)),
            full_box(b"pitm", struct.pack(">H", items[0][0])),
            full_box(b"iloc", struct.pack(">HH", 0x4400, len(items)), *entries, flags=1 << 24),
            full_box(b"iinf", struct.pack(">H", len(items)), *infos),
            full_box(b"iref", *references),
            box(
                b"iprp",
                box(b"ipco", *properties),
                full_box(b"ipma", count, *owned, associations),
            ),
            box(b"idat", descriptor),
        )

    data = box(b"mdat", *(data or b"" for _, _, data, _ in items))
    return head(len(head(0)) + 8) + data + movie


def reference(name, start, ends):
    """Return a reference from an item to other items (14496-12, 8.11.12)."""
    return box(name, struct.pack(f">HH{len(ends)}H", start, len(ends), *ends))


ALPHA = full_box(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")


def avif_grid(picture, rows, columns, tile, *, alpha="grid", claimed=None):
    """Return a picture cut into tiles (HEIF, 6.6.2.3), and its opacity in tiles or as a `whole`."""
    width, height = picture.size
    wide = Image.new(picture.mode, (columns * tile, rows * tile))
    wide.paste(picture, (0, 0))
    options = {"quality": 90, "speed": 9, "subsampling": "4:4:4", "autotiling": False}
    colors, opacities = [], []
    for row, column in itertools.product(range(rows), range(columns)):
        part = wide.crop((column * tile, row * tile, (column + 1) * tile, (row + 1) * tile))
        items, configurations = coded_items(encoded(part, "AVIF", **options))
        colors.append(items[0])
        opacities += items[1:]
    if alpha == "whole":
        whole, _ = coded_items(encoded(picture, "AVIF", **options))
        opacities = whole[1:]

    properties = [
        full_box(b"ispe", struct.pack(">II", width, height)),
        full_box(b"ispe", struct.pack(">II", tile, tile)),
        full_box(b"pixi", b"\3\10\10\10"),
        full_box(b"pixi", b"\1\10"),
        box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 6, 0x80)),
        configurations[0],
        configurations[-1],
        ALPHA,
    ]
    grids = [(1, b"grid", None, [1, 3, 5])]
    tiles = [(10 + i, b"av01", data, [2, 3, 5, 6]) for i, data in enumerate(colors)]
    references = [reference(b"dimg", 1, range(10, 10 + len(colors)))]
    if opacities and alpha == "grid":
        grids.append((2, b"grid", None, [1, 4, 8]))
        tiles += [(300 + i, b"av01", data, [2, 4, 7, 8]) for i, data in enumerate(opacities)]
        references.append(reference(b"dimg", 2, range(300, 300 + len(opacities))))
    elif opacities:
        tiles.append((2, b"av01", opacities[0], [1, 4, 7, 8]))
    if opacities:
        references.append(reference(b"auxl", 2, [1]))
    size = claimed or picture.size
    descriptor = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size)
    return avif_file([*grids, *tiles], properties, *references, descriptor=descriptor)
