import re
from pathlib import Path

from xaccel.config import _CHECKS

ROOT = Path(__file__).parent.parent


def test_every_setting_is_documented_and_none_that_is_not():
    text = (ROOT / "docs" / "settings.md").read_text()
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE)) == _CHECKS.keys()


def test_links_lead_somewhere():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
