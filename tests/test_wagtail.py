"""Thumbnails of Wagtail's images, on a site of its own, since Wagtail is large."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.doc_pages import runs, snippets

SITE = Path(__file__).parent / "support" / "wagtail_site.py"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    (example,) = snippets("docs/templates.md#Wagtail")
    command = [sys.executable, SITE, tmp_path_factory.mktemp("wagtail"), example.text]
    made = subprocess.run(command, capture_output=True, check=False, text=True)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


@pytest.fixture(params=["django", "jinja2"])
def made(request, report):
    return report[request.param]


@runs("docs/templates.md#Wagtail")
def test_the_template_of_the_page(found, report):
    assert len(found) == 1
    assert re.search(
        r'<img src="/t/300x200,cover,g-0.8-0.4/original_images/a.jpg\?', report["template"]
    )


def test_no_query_and_no_rendition(report):
    assert report["queries"] == 0
    assert report["renditions"] == 0


def test_the_focal_point_decides_what_a_crop_keeps(made, report):
    # The centre of the focal area, (160, 40), of 200x100.
    assert "/t/40x40,cover,g-0.8-0.4/original_images/a.jpg" in made["url"]
    assert "/t/40x40,cover,g-0.8-0.4/" in made["img"]
    assert "/t/40x40,cover,g-0.8-0.4" in made["picture"]
    assert "/t/40x40,cover/" in made["plain"]
    assert "/t/40x40,cover,g-n/" in made["chosen"]
    assert report["colors"] == ["blue", "red", "red"]


def test_the_other_tags(made):
    assert re.findall(r" (\d+)w", made["srcset"]) == ["40", "80"]
    assert made["filter"].startswith("/t/40x-/original_images/a.jpg")
    assert made["nothing"] == ""


def test_alternative_texts(made):
    assert 'alt="A &lt;a.jpg&gt;"' in made["img"]
    assert 'alt="Mine"' in made["titled"]
    assert 'class="card"' in made["titled"]
    assert 'alt="A description"' in made["described"]
    assert 'alt=""' in made["decorative"]
