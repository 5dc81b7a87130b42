"""The photographs in Debian's plasma-workspace-wallpapers, which several benchmarks use."""

from __future__ import annotations

from pathlib import Path

WALLPAPERS = Path("/usr/share/wallpapers")


def photographs(limit: int | None = None) -> list[Path]:
    """Return the files, at most `limit` of them."""
    photos = (path for path in WALLPAPERS.glob("*/contents/images*/*.jpg") if not path.is_symlink())
    return [path for path in sorted(photos) if path.stat().st_size > 100_000][:limit]
