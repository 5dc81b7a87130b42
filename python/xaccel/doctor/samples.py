"""Files of the site's own to try things with."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

_MAX_ENTRIES = 1000


def first_file(directory: str | None, endings: tuple[str, ...] = ("",)) -> Path | None:
    """A visible file with content in a directory; the search stops after 1000 entries."""
    paths = itertools.islice(Path(directory or "/nonexistent").rglob("*"), _MAX_ENTRIES)
    with contextlib.suppress(OSError):
        for path in paths:
            if (
                path.name.lower().endswith(endings)
                and path.is_file()
                and not path.is_symlink()
                and not path.name.startswith(".")
                and path.stat().st_size
            ):
                return path
    return None
