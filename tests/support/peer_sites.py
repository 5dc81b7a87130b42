"""Runs the sites in `tests/peer_sites` with the package they are written for and its drop-in."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image

from tests.support.thumbnail_images import encoded

SITES = Path(__file__).parent.parent / "peer_sites"

XACCEL = """
import tempfile

INSTALLED_APPS += ["xaccel.django"]
XACCEL = {"THUMBNAIL_CACHE": tempfile.mkdtemp()}
"""
URLS = """
from django.urls import include

urlpatterns += [path("", include("xaccel.django.urls"))]
"""


def make_sources(directory):
    """Make images of all kinds: larger or smaller than most boxes, rotated, or transparent."""
    directory.mkdir()
    for name, content in _sources().items():
        (directory / name).write_bytes(content)
    return directory


@functools.cache
def _sources():
    made = {}
    gradient = Image.radial_gradient("L")

    def image(width, height):
        flat = gradient.resize((width, height))
        return Image.merge("RGB", (flat, flat.rotate(90), flat.rotate(180)))

    for name, size in (
        ("wide.jpg", (640, 480)),
        ("tall.jpg", (333, 500)),
        ("panorama.jpg", (900, 101)),
        ("small.png", (60, 40)),
        ("large.png", (301, 401)),
    ):
        made[name] = encoded(image(*size), "PNG" if name.endswith(".png") else "JPEG")
    alpha = image(200, 150).convert("RGBA")
    alpha.putalpha(gradient.resize((200, 150)))
    made["alpha.png"] = encoded(alpha, "PNG")
    framed = Image.new("RGB", (300, 200), "white")
    framed.paste(image(200, 120).point(lambda sample: sample * 3 // 4), (40, 30))
    made["framed.png"] = encoded(framed, "PNG")
    exif = Image.Exif()
    exif[0x0112] = 6
    made["rotated.jpg"] = encoded(image(400, 300), "JPEG", exif=exif)
    return made


def run(site, directory, table, *, package, dropin=None):
    """Run a site, and return the report from `drive.py`.

    Args:
        site: The name of the site.
        directory: An empty directory for a copy of the site.
        table: Rows of (source, size, options).
        package: The package that the site is written for.
        dropin: The name that replaces the package's name in the Python files, as in
            `docs/migrating.md`.
    """
    copy = directory / (dropin or package)
    shutil.copytree(SITES / site, copy / "site")
    shutil.copy(SITES / "drive.py", copy / "drive.py")
    make_sources(copy / "media")
    if dropin is not None:
        pattern = re.compile(rf"(?<![\w.]){re.escape(package)}\b")
        for path in (copy / "site").rglob("*.py"):
            path.write_text(pattern.sub(dropin, path.read_text()))
        for name, text in (("settings.py", XACCEL), ("urls.py", URLS)):
            with (copy / "site" / name).open("a") as file:
                file.write(text)
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "../drive.py"],
        cwd=copy / "site",
        env={**os.environ, "MEDIA_ROOT": str(copy / "media")},
        input=json.dumps(table),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "log": done.stderr}
