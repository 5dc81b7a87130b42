"""The fonts of the package fonts-dejavu-core."""

from pathlib import Path

import pytest

DIRECTORY = Path("/usr/share/fonts/truetype/dejavu")
SANS, MONOSPACE = (DIRECTORY / name for name in ("DejaVuSans.ttf", "DejaVuSansMono.ttf"))

needs_fonts = pytest.mark.skipif(not SANS.exists(), reason="DejaVu is not installed")
