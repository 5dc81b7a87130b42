"""Finds the previews in HEIC files.

A phone stores a preview of about 320 pixels next to an image of 12 megapixels or more. pi-heif
decodes only the primary image of a file, so this module makes the preview the primary image.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_TURNS = (b"irot", b"imir")


def with_preview(content: bytes, size: tuple[int, int]) -> bytes | None:
    """Return the file, changed so that its smallest sufficient preview is the primary image.

    The layout of the boxes is described in ISO/IEC 14496-12 and 23008-12.

    Args:
        content: The file.
        size: The minimum width and height of the upright preview.

    Returns:
        The changed file, or `None` if the file is damaged or does not have such a preview.
    """
    try:
        return _with_preview(content, size)
    except (struct.error, IndexError, ValueError):
        return None


def _with_preview(content: bytes, size: tuple[int, int]) -> bytes | None:
    meta = _find(content, b"meta", 0, len(content), skip=4)
    primary_box = meta and _find(content, b"pitm", *meta, skip=4)
    references = meta and _find(content, b"iref", *meta, skip=4)
    properties = meta and _find(content, b"iprp", *meta)
    if not meta or not primary_box or not references or not properties:
        return None
    primary, wide = _item_id(content, primary_box)
    looks = _Properties(content, properties)
    candidates = []
    for at, item in _previews(content, references, primary):
        sides = looks.size(item)
        # The size does not take a rotation into account.
        is_sufficient = max(sides) >= max(size) and min(sides) >= min(size)
        if is_sufficient and looks.turns(item) == looks.turns(primary):
            candidates.append((sides, at, item))
    if not candidates:
        return None
    _, at, item = min(candidates)
    changed = bytearray(content)
    struct.pack_into(">I" if wide else ">H", changed, primary_box[0], item)
    # libheif ignores references of an unknown kind.
    changed[at : at + 4] = b"xxxx"
    return bytes(changed)


def _boxes(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box, and the start and end of its content."""
    while start + 8 <= end:
        length, kind = struct.unpack_from(">I4s", content, start)
        header = 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", content, start + 8)
            header = 16
        elif length == 0:
            length = end - start
        if length < header or start + length > end:
            return
        yield kind, start + header, start + length
        start += length


def _find(
    content: bytes, kind: bytes, start: int, end: int, *, skip: int = 0
) -> tuple[int, int] | None:
    """Return the start and end of a box's content.

    Args:
        content: The file.
        kind: The kind of the box.
        start: The start of the boxes to search.
        end: The end of the boxes to search.
        skip: The number of bytes to skip: 4 for the version and the flags of a full box.
    """
    for found, inner, last in _boxes(content, start, end):
        if found == kind:
            return inner + skip, last
    return None


def _item_id(content: bytes, primary_box: tuple[int, int]) -> tuple[int, bool]:
    """Return the number of the primary item, and whether the number has four bytes."""
    start = primary_box[0]
    wide = content[start - 4] > 0
    (item,) = struct.unpack_from(">I" if wide else ">H", content, start)
    return item, wide


def _previews(
    content: bytes, references: tuple[int, int], primary: int
) -> Iterator[tuple[int, int]]:
    """Yield each reference from a preview: the position of its kind, and the preview's number."""
    wide = content[references[0] - 4] > 0
    for kind, start, _ in _boxes(content, *references):
        if kind != b"thmb":
            continue
        number = "I" if wide else "H"
        item, count = struct.unpack_from(f">{number}H", content, start)
        targets = struct.unpack_from(
            f">{count}{number}", content, start + struct.calcsize(f">{number}H")
        )
        if primary in targets:
            yield start - 4, item


class _Properties:
    """The properties of the items.

    Args:
        content: The file.
        place: The start and end of the content of the box `iprp`.
    """

    def __init__(self, content: bytes, place: tuple[int, int]) -> None:
        self._content = content
        container = _find(content, b"ipco", *place)
        self._properties = list(_boxes(content, *container)) if container else []
        self._indices: dict[int, list[int]] = {}
        for kind, start, _ in _boxes(content, *place):
            if kind == b"ipma":
                self._read_associations(start)

    def size(self, item: int) -> tuple[int, int]:
        """Return the width and height of an item before its rotation."""
        for kind, start, _ in self._of(item):
            if kind == b"ispe":
                width, height = struct.unpack_from(">II", self._content, start + 4)
                return width, height
        return 0, 0

    def turns(self, item: int) -> list[tuple[bytes, bytes]]:
        """Return the rotation and the mirroring of an item."""
        return [
            (kind, self._content[start:end])
            for kind, start, end in self._of(item)
            if kind in _TURNS
        ]

    def _of(self, item: int) -> Iterator[tuple[bytes, int, int]]:
        for index in self._indices.get(item, []):
            if 0 < index <= len(self._properties):
                yield self._properties[index - 1]

    def _read_associations(self, start: int) -> None:
        content = self._content
        head, entries = struct.unpack_from(">II", content, start)
        at = start + 8
        number = ">I" if head >> 24 else ">H"
        has_long_indices = bool(head & 1)
        for _ in range(entries):
            (item,) = struct.unpack_from(number, content, at)
            at += struct.calcsize(number)
            count = content[at]
            at += 1
            if has_long_indices:
                indices = struct.unpack_from(f">{count}H", content, at)
                self._indices[item] = [index & 0x7FFF for index in indices]
                at += 2 * count
            else:
                self._indices[item] = [index & 0x7F for index in content[at : at + count]]
                at += count
