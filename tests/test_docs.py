import re
from dataclasses import fields
from pathlib import Path

from xaccel.config import Config

ROOT = Path(__file__).parent.parent


def test_every_setting_is_documented_and_none_that_is_not():
    text = (ROOT / "docs" / "settings.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE))
    assert documented == {option.name.upper() for option in fields(Config)}


def test_links_lead_somewhere():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
