"""Caches that hold the thumbnails of another app, or those of earlier settings."""

import logging
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from xaccel import ConfigError
from xaccel.cli.main import main
from xaccel.thumbnails.ownership import _PICTURE_SETTINGS, sweep_outdated

from tests.support.thumbnail_service import KEY, Service

OTHER_KEY = "another key of 16 bytes or more"


@pytest.fixture
def make(photos, tmp_path):
    def make(**settings):
        defaults = {"THUMBNAIL_SOURCE": photos, "THUMBNAIL_CACHE": tmp_path / "cache"}
        return Service({**defaults, **settings})

    return make


@pytest.fixture
def used(make):
    """A cache in use."""
    service = make()
    assert service.get(service.url("cat.jpg", 50)).status == 200


@pytest.fixture
def warnings(caplog):
    caplog.set_level(logging.WARNING, "xaccel")
    return lambda: [record.getMessage() for record in caplog.records]


def test_two_apps_in_one_cache_are_an_error(make, used, tmp_path):
    with pytest.raises(ConfigError, match=r"THUMBNAIL_CACHE.*another app.*separate directory"):
        make(THUMBNAIL_SOURCE=tmp_path, SECRET_KEYS=[OTHER_KEY])


@pytest.mark.parametrize("keys", [[OTHER_KEY], [OTHER_KEY, "a key of more than 16 bytes"]])
def test_an_app_may_change_its_keys(make, used, warnings, keys):
    make(SECRET_KEYS=keys)
    assert warnings() == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("THUMBNAIL_SOURCE", "/"),
        ("THUMBNAIL_QUALITY", {"jpeg": 10}),
        ("THUMBNAIL_QUALITY_TARGET", 40),
        ("THUMBNAIL_PROGRESSIVE", True),
        ("THUMBNAIL_SUBSAMPLING", "444"),
        ("THUMBNAIL_AVIF_SPEED", 6),
        ("THUMBNAIL_MAX_FRAMES", 5),
        ("THUMBNAIL_FONTS", []),
    ],
)
def test_a_setting_that_changes_pictures_is_one_warning(make, used, warnings, key, value):
    for _ in range(3):
        make(**{key: value})
    (warning,) = warnings()
    assert f"XACCEL['{key}'] has changed" in warning
    assert "xaccel cache clear" in warning


def test_the_documentation_lists_the_settings_that_change_pictures():
    page = (Path(__file__).parents[1] / "docs" / "settings.md").read_text()
    listed = re.search(r"These settings affect pictures: .*?\.", page, re.DOTALL)[0]
    assert set(re.findall("`(.+?)`", listed)) == {name.upper() for name in _PICTURE_SETTINGS}


def test_several_changes_are_one_warning(make, used, warnings):
    make(THUMBNAIL_QUALITY={"jpeg": 10}, THUMBNAIL_PROGRESSIVE=True)
    (warning,) = warnings()
    assert "XACCEL['THUMBNAIL_QUALITY']" in warning
    assert "XACCEL['THUMBNAIL_PROGRESSIVE']" in warning


def test_outdated_thumbnails_are_swept(make, used, tmp_path):
    cache = tmp_path / "cache"
    (old,) = (path for path in (cache / "t").rglob("*") if path.is_file())
    size = old.stat().st_size
    assert sweep_outdated(make().config) == (0, 0)
    # The kernel's clock for files is up to a tick behind.
    while time.time() - old.stat().st_ctime < 0.05:
        time.sleep(0.001)
    service = make(THUMBNAIL_QUALITY={"jpeg": 10})
    started = time.time()
    while time.time() - started < 0.05:
        time.sleep(0.001)
    assert old.exists()
    assert service.get(service.url("cat.jpg", 60)).status == 200
    assert sweep_outdated(service.config) == (1, size)
    assert not old.exists()
    (new,) = (path for path in (cache / "t").rglob("*") if path.is_file())
    # A later worker with the same settings does not make the new thumbnails outdated.
    make(THUMBNAIL_QUALITY={"jpeg": 10})
    assert sweep_outdated(service.config) == (0, 0)
    assert new.exists()
    assert service.get(service.url("cat.jpg", 50)).status == 200


def test_a_change_that_no_app_has_seen_yet(make, used, tmp_path):
    changed = Service(
        {
            "THUMBNAIL_SOURCE": make().config.thumbnail_source,
            "THUMBNAIL_CACHE": tmp_path / "unused",
            "THUMBNAIL_QUALITY": {"jpeg": 10},
        }
    )
    config = replace(changed.config, thumbnail_cache=str(tmp_path / "cache"))
    assert sweep_outdated(config)[0] == 1
    other = replace(config, thumbnail_source=str(tmp_path), secret_keys=(OTHER_KEY,))
    with pytest.raises(ConfigError, match="another app"):
        sweep_outdated(other)


def test_the_command_sweeps_outdated_thumbnails(make, used, photos, tmp_path, capsys):
    settings = tmp_path / "xaccel.toml"
    settings.write_text(
        f'THUMBNAIL_SOURCE = "{photos}"\nTHUMBNAIL_CACHE = "{tmp_path}/cache"\n'
        f'SECRET_KEYS = ["{KEY}"]\n'
    )
    assert main(["cache", "sweep", "--outdated", "--config", str(settings)]) == 0
    assert capsys.readouterr().out == "removed 0 thumbnails, 0.0 MiB\n"


def test_workers_that_start_together_warn_once(make, used, warnings):
    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(make, THUMBNAIL_MAX_FRAMES=5)
    assert len(warnings()) == 1


def test_other_settings_change_no_picture(make, used, warnings):
    make(THUMBNAIL_QUEUE=5, THUMBNAIL_WORKERS=7, THUMBNAIL_CACHE_MAX_SIZE="1g", SERVER="nginx")
    assert warnings() == []


def test_nothing_is_written_before_the_first_thumbnail(make, tmp_path):
    make()
    assert not (tmp_path / "cache").exists()


def test_an_empty_cache_is_for_anyone(make, used, tmp_path, warnings):
    script = tmp_path / "site_settings.py"
    settings = {"THUMBNAIL_CACHE": str(tmp_path / "cache"), "THUMBNAIL_SOURCE": "/"}
    script.write_text(f"SECRET_KEY = {OTHER_KEY!r}\nXACCEL = {settings!r}\n")
    xaccel = Path(sys.executable).with_name("xaccel")
    command = [xaccel, "cache", "clear", "--settings", "site_settings"]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    service = make(THUMBNAIL_QUALITY={"jpeg": 10}, SECRET_KEYS=[OTHER_KEY])
    assert service.get(service.url("cat.jpg", 50)).status == 200
    assert warnings() == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"keys": 1}', "\xff"])
def test_a_broken_record_is_ignored(make, used, tmp_path, warnings, text):
    (tmp_path / "cache" / ".lock" / "app").write_text(text)
    service = make(THUMBNAIL_QUALITY={"jpeg": 10})
    assert service.get(service.url("cat.jpg", 60)).status == 200
    assert warnings() == []


def test_the_record_shows_no_key(used, tmp_path):
    text = (tmp_path / "cache" / ".lock" / "app").read_text()
    assert "a key of" not in text
    assert str(tmp_path) not in text


DJANGO = """
import logging, sys
import django
from django.conf import settings

logging.basicConfig(format="%(message)s", stream=sys.stdout)
directory, quality = sys.argv[1:]
settings.configure(
    SECRET_KEY="a key of more than 16 bytes",
    INSTALLED_APPS=["xaccel.django"],
    ROOT_URLCONF="xaccel.django.urls",
    MEDIA_ROOT=f"{directory}/photos",
    ALLOWED_HOSTS=["*"],
    XACCEL={"THUMBNAIL_CACHE": f"{directory}/cache", "THUMBNAIL_QUALITY": {"jpeg": int(quality)}},
)
django.setup()

from django.test import Client
from xaccel.django import thumbnail_url

print("started")
for _ in range(2):
    assert Client().get("/another/page").status_code == 404
if quality == "80":
    assert Client().get(thumbnail_url("cat.jpg", 50)).status_code == 200
"""


def test_django_compares_the_settings_at_the_first_request(photos, tmp_path):
    if not (tmp_path / "photos").exists():
        photos.rename(tmp_path / "photos")

    def output(quality):
        command = [sys.executable, "-c", DJANGO, str(tmp_path), quality]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return [line for line in done.stdout.splitlines() if not line.startswith("Not Found")]

    assert output("80") == ["started"]
    started, warning = output("10")
    assert started == "started"
    assert warning.startswith("XACCEL['THUMBNAIL_QUALITY'] has changed")
    assert output("10") == ["started"]
