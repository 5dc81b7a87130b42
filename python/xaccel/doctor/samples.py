"""Files to try things with: the doctor's own where it can write, otherwise one of the site's."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

MOST_BYTES = 1 << 16
"""How much of a file or a response is read. The rest may have gigabytes."""

_MAX_ENTRIES = 1000
_SIDE = 64


@contextlib.contextmanager
def marker(
    directory: str | Path, content: bytes | None = None, *, ending: str = ""
) -> Iterator[Path | None]:
    """A file of our own in a directory, with random content unless it is given.

    It is there until the block ends; `None` if the directory is not writable.
    """
    path = Path(directory) / f"doctor-{secrets.token_hex(8)}{ending}"
    try:
        try:
            path.write_bytes(secrets.token_bytes(64) if content is None else content)
            # The server's user may be another one.
            path.chmod(0o644)
            found: Path | None = path
        except OSError:
            found = None
        yield found
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def sample(directory: str) -> Iterator[Path | None]:
    """A marker file, or a file of the site's if the directory is not writable."""
    with marker(directory) as own:
        yield own or next(files(directory), None)


def beginning(path: Path) -> bytes:
    """The first bytes of a file, up to what is read of a response."""
    with path.open("rb") as file:
        return file.read(MOST_BYTES)


def files(directory: str, endings: tuple[str, ...] = ("",)) -> Iterator[Path]:
    """Visible files with content in a directory; the search stops after 1000 entries."""
    paths = itertools.islice(Path(directory).rglob("*"), _MAX_ENTRIES)
    with contextlib.suppress(OSError):
        for path in paths:
            if (
                path.name.lower().endswith(endings)
                and path.is_file()
                and not path.is_symlink()
                and not path.name.startswith(".")
                and path.stat().st_size
            ):
                yield path


def picture() -> bytes:
    """A small red PNG."""
    rows = (b"\0" + b"\xff\0\0" * _SIDE) * _SIDE
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
