"""HEIC files: encoded by pillow-heif, and with a preview as phones write it."""

import io
import struct

import pillow_heif

from tests.support.thumbnail_files import box, full_box

_FAST = {"preset": "ultrafast", "x265:pools": "none", "x265:frame-threads": "1"}


def heic(picture, *, quality=90, **options):
    """Encode a picture of Pillow. Gray, RGB and RGBA are possible."""
    out = io.BytesIO()
    pillow_heif.from_pillow(picture).save(out, quality=quality, enc_params=_FAST, **options)
    return out.getvalue()


def deep_heic(picture):
    """Encode a picture of Pillow in RGB with 10 bits."""
    out = io.BytesIO()
    deep = b"".join(struct.pack("<H", sample * 257) for sample in picture.tobytes())
    pillow_heif.from_bytes("RGB;16", picture.size, deep).save(out, quality=90, enc_params=_FAST)
    return out.getvalue()


def turned_heic(picture, quarters, mirror=None):
    """Encode a picture with a rotation, in quarter turns counter-clockwise, and a mirroring."""
    properties = [box(b"irot", bytes([quarters]))] if quarters else []
    if mirror is not None:
        properties.append(box(b"imir", bytes([mirror])))
    return _file([_Item(heic(picture), properties)])


def heic_with_preview(picture, preview, *, quarters=0, preview_quarters=None):
    """Encode a picture, and another one as its preview. They are rotated by quarter turns."""
    turns = [quarters, quarters if preview_quarters is None else preview_quarters]
    items = [
        _Item(heic(shown), [box(b"irot", bytes([turn]))] if turn else [])
        for shown, turn in zip((picture, preview), turns, strict=True)
    ]
    return _file(items, thumbnail_of_first=True)


class _Item:
    """The only image of a file by pillow-heif, with further properties."""

    def __init__(self, content, more):
        meta = _inner(content, b"meta")[4:]
        container = _inner(_inner(meta, b"iprp"), b"ipco")
        self.properties = [*_split(container), *more]
        ((self.offset, self.length),) = _extents(_inner(meta, b"iloc"))
        self.data = content[self.offset : self.offset + self.length]


def _file(items, *, thumbnail_of_first=False):
    properties = [one for item in items for one in item.properties]
    associations, index = b"", 0
    for number, item in enumerate(items, 1):
        indices = range(index + 1, index + 1 + len(item.properties))
        associations += struct.pack(">HB", number, len(indices)) + bytes(indices)
        index += len(item.properties)
    entries = [
        full_box(b"infe", struct.pack(">HH4sB", number, 0, b"hvc1", 0), flags=2 << 24)
        for number in range(1, len(items) + 1)
    ]

    def meta(start):
        places = b""
        for number, item in enumerate(items, 1):
            places += struct.pack(">HHHII", number, 0, 1, start, len(item.data))
            start += len(item.data)
        boxes = [
            full_box(b"hdlr", struct.pack(">I4s12xB", 0, b"pict", 0)),
            full_box(b"pitm", struct.pack(">H", 1)),
            full_box(b"iloc", struct.pack(">HH", 0x4400, len(items)) + places),
            full_box(b"iinf", struct.pack(">H", len(items)) + b"".join(entries)),
        ]
        if thumbnail_of_first:
            boxes.append(full_box(b"iref", box(b"thmb", struct.pack(">HHH", 2, 1, 1))))
        association = full_box(b"ipma", struct.pack(">I", len(items)) + associations)
        boxes.append(box(b"iprp", box(b"ipco", b"".join(properties)) + association))
        return full_box(b"meta", b"".join(boxes))

    kind = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    start = len(kind) + len(meta(0)) + 8
    return kind + meta(start) + box(b"mdat", b"".join(item.data for item in items))


def _split(content):
    boxes = []
    while content:
        (length,) = struct.unpack_from(">I", content)
        boxes.append(content[:length])
        content = content[length:]
    return boxes


def _inner(content, kind):
    return next(one[8:] for one in _split(content) if one[4:8] == kind)


def _extents(iloc):
    """Return the offset and the length of each item in a box as libheif writes it."""
    version, sizes, count = iloc[0], iloc[4:6], 0
    offset_size, length_size, base_size = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index_size = sizes[1] & 15 if version else 0
    (count,) = struct.unpack_from(">H", iloc, 6)
    at, found = 8, []
    for _ in range(count):
        at += 2 + (2 if version else 0) + 2
        base = int.from_bytes(iloc[at : at + base_size])
        at += base_size + 2 + index_size
        offset = int.from_bytes(iloc[at : at + offset_size])
        at += offset_size
        length = int.from_bytes(iloc[at : at + length_size])
        at += length_size
        found.append((base + offset, length))
    return found
