"""Photographs for benchmarks, from Debian's plasma-workspace-wallpapers and this repository."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

WALLPAPERS = Path("/usr/share/wallpapers")


def photographs(limit: int | None = None) -> list[Path]:
    """Return the files, at most `limit` of them."""
    photos = (path for path in WALLPAPERS.glob("*/contents/images*/*.jpg") if not path.is_symlink())
    return [path for path in sorted(photos) if path.stat().st_size > 100_000][:limit]


GALLERY = Path(__file__).resolve().parents[1] / "examples/flask_gallery/photos"
TAKEN = [
    "BytheWater", "ColdRipple", "ColorfulCups", "DarkestHour", "EveningGlow", "FallenLeaf", "Grey",
    "Kite", "OneStandsOut", "Path", "summer_1am",
]  # fmt: skip
"""The wallpapers of 2560x1600 pixels that are photographs. The others are drawings."""


def varied(count: int) -> list[bytes]:
    """Return photographs as JPEG files: whole ones, then parts of 1920x1200 pixels."""
    wallpapers = [WALLPAPERS / name / "contents/images/2560x1600.jpg" for name in TAKEN]
    files = [file.read_bytes() for file in (*wallpapers, *sorted(GALLERY.glob("*.jpg")))]
    for x, y in ((0, 0), (640, 0), (0, 400), (640, 400)):
        for file in wallpapers:
            with Image.open(file) as picture:
                out = io.BytesIO()
                picture.crop((x, y, x + 1920, y + 1200)).save(out, "JPEG", quality=95)
            files.append(out.getvalue())
    return files[:count]
