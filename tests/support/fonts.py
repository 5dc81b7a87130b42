"""The fonts of the package fonts-dejavu-core."""

from pathlib import Path

DIRECTORY = Path("/usr/share/fonts/truetype/dejavu")
SANS, MONOSPACE = (DIRECTORY / name for name in ("DejaVuSans.ttf", "DejaVuSansMono.ttf"))
