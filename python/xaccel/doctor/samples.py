"""Sample files: the doctor's own if a directory is writable, otherwise the site's."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

MOST_BYTES = 1 << 16
"""The maximum number of bytes to read from a file or a response, since either may be huge."""

_MAX_ENTRIES = 1000
_SIDE = 64


@contextlib.contextmanager
def marker(
    directory: str | Path, content: bytes | None = None, *, ending: str = ""
) -> Iterator[Path | None]:
    """Create a file in a directory, with random content unless `content` is given.

    The file exists until the block ends. Yields `None` if the directory is not writable.
    """
    path = Path(directory) / f"doctor-{secrets.token_hex(8)}{ending}"
    try:
        try:
            path.write_bytes(secrets.token_bytes(64) if content is None else content)
            # The server may run as a different user.
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
    """Yield a marker file, or one of the site's files if the directory is not writable."""
    with marker(directory) as own:
        yield own or next(files(directory), None)


def beginning(path: Path) -> bytes:
    """Return the first `MOST_BYTES` bytes of a file."""
    with path.open("rb") as file:
        return file.read(MOST_BYTES)


def files(directory: str, endings: tuple[str, ...] = ("",)) -> Iterator[Path]:
    """Yield visible, non-empty files in a directory. The search stops after 1000 entries."""
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
    """Return a small red PNG."""
    rows = (b"\0" + b"\xff\0\0" * _SIDE) * _SIDE
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
