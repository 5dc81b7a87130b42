"""Make the pictures for the table of options in `docs/thumbnails.md`.

On that page, the alternative text of each picture is its spec. Run this after an option has
changed: `.venv/bin/python scripts/option_pictures.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

from xaccel import Spec
from xaccel._core import render

ROOT = Path(__file__).parent.parent
PHOTO = ROOT / "examples" / "flask_gallery" / "photos" / "nuthatch.jpg"
DOCS = ROOT / "docs"
_PICTURE = re.compile(r"!\[([^\]]+)\]\((images/options/[^)]+\.jpg)\)")


def pictures() -> dict[Path, str]:
    """Return the spec of each picture on the page, by path."""
    page = (DOCS / "thumbnails.md").read_text()
    return {DOCS / path: spec for spec, path in _PICTURE.findall(page)}


def main() -> None:
    """Make every picture on the page."""
    for path, text in pictures().items():
        path.parent.mkdir(exist_ok=True)
        made = render(PHOTO, Spec.parse(text), format="jpeg")
        path.write_bytes(made.data)
        print(f"{path.name}: {text}, {len(made.data)} bytes")


if __name__ == "__main__":
    main()
