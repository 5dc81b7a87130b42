"""`manage.py xaccel`, `xaccel backfill --field`, and Django Tasks."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connections, models
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from xaccel.django import thumbnail_url
from xaccel.django.fields import FocalPointField, ImageField

from tests.support.django_site import database
from tests.support.doc_pages import commands, run, runs

ROOT = Path(__file__).parents[1]


class Shot(models.Model):
    image = ImageField(
        upload_to="shots",
        width_field="width",
        height_field="height",
        focal_point_field="focus",
        blank=True,
    )
    width = models.PositiveIntegerField(null=True, editable=False)
    height = models.PositiveIntegerField(null=True, editable=False)
    focus = FocalPointField()
    updated_at = models.DateTimeField(null=True)
    caption = models.CharField(max_length=20)

    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return self.caption


@pytest.fixture
def media(tmp_path):
    settings = {
        "SECRET_KEYS": ["a key of more than 16 bytes"],
        "THUMBNAIL_CACHE": str(tmp_path / "cache"),
        "THUMBNAIL_PRESETS": {"small": "64x64,cover"},
    }
    with override_settings(MEDIA_ROOT=str(tmp_path / "media"), XACCEL=settings):
        yield tmp_path


@pytest.fixture
def shots(media, jpeg):
    with database(Shot):
        for number in range(4):
            shot = Shot(caption=f"{number}", updated_at=datetime(2026, 1, number + 1, tzinfo=UTC))
            shot.focus = f"0.2{number}x0.7"
            shot.image.save(f"{number}.jpg", ContentFile(jpeg))
        Shot.objects.create(caption="without an image")
        yield list(Shot.objects.exclude(image=""))


def kept(media):
    return {
        str(path.relative_to(media / "cache")) for path in (media / "cache").glob("t/**/*.jpg*")
    }


def path_of(url):
    return url.partition("?")[0].removeprefix("/")


@pytest.mark.parametrize("version", [None, "mtime", "updated_at"])
def test_the_images_of_a_field(media, shots, capfd, version):
    options = [] if version is None else ["--version", version]
    with CaptureQueriesContext(connections["default"]) as queries:
        call_command(
            "xaccel", "backfill", "--field", "xaccel.Shot.image", "small", "40x-", *options
        )
    assert capfd.readouterr().out == "4 images: rendered 8 thumbnails, 0 already existed\n"
    assert len(queries) == 2
    expected = {
        path_of(
            thumbnail_url(
                shot.image,
                size,
                version=shot.updated_at if version == "updated_at" else version,
            )
        )
        for shot in shots
        for size in ("small", 40)
    }
    assert kept(media) == expected
    assert any(",g-0.2" in path for path in expected)


@runs("docs/scaling.md#Backfill")
def test_the_commands_of_the_page(found, media, shots, jpeg, capfd):
    first, second = commands(*found)
    (media / "photos" / "people").mkdir(parents=True)
    for name in ("cat.jpg", "people/ann.jpg"):
        (media / "photos" / name).write_bytes(jpeg)
    settings = {
        "THUMBNAIL_SOURCE": str(media / "photos"),
        "THUMBNAIL_CACHE": str(media / "other"),
        "THUMBNAIL_PRESETS": {"avatar": "96x96,cover"},
        "SECRET_KEYS": ["a key of more than 16 bytes"],
    }
    (media / "shop.py").write_text(
        f"from xaccel import Config\napp = Config.from_mapping({settings!r})\n"
    )
    assert run(first, media) == "1 image: rendered 2 thumbnails, 0 already existed\n"
    program, *arguments = second.replace("shop.Photo.image", "xaccel.Shot.image").split()[1:]
    assert program == "manage.py"
    call_command(*arguments)
    assert capfd.readouterr().out == "4 images: rendered 4 thumbnails, 0 already existed\n"


def test_a_prefix_of_a_field(media, shots, capfd):
    call_command(
        "xaccel", "backfill", "--field", "xaccel.Shot.image", "--prefix", "shots/1", "--dry-run"
    )
    assert capfd.readouterr().out == "1 image: would render 1 thumbnail, 0 already existed\n"


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("xaccel.Shot.imag", "xaccel.Shot does not have the field 'imag'"),
        ("xaccel.Shot.caption", "'caption' is not a FileField or an ImageField"),
        ("xaccel.Shots.image", "--field must be a field such as shop.Photo.image"),
        ("image", "--field must be a field such as shop.Photo.image"),
    ],
)
def test_fields_that_do_not_exist(media, capfd, field, message):
    with pytest.raises(SystemExit):
        call_command("xaccel", "backfill", "--field", field)
    assert message in capfd.readouterr().err


def test_commands_take_the_settings_of_the_project(media, capfd):
    (media / "cache").mkdir()
    call_command("xaccel", "cache", "stats")
    assert "0 thumbnails" in capfd.readouterr().out
    call_command("xaccel", "doctor", "--local")
    assert "ok       cache: The app can write to THUMBNAIL_CACHE." in capfd.readouterr().out
    with pytest.raises(SystemExit) as caught:
        call_command("xaccel", "backfill", "nosuch")
    assert caught.value.code == 2


PROJECT = """
from pathlib import Path
import sys

BASE = Path(__file__).parent
SECRET_KEY = "a secret of more than sixteen bytes"
INSTALLED_APPS = ["xaccel.django", "django_tasks", "django_tasks_db"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE / "db.sqlite3"}}
MEDIA_ROOT = BASE / "media"
XACCEL = {"THUMBNAIL_CACHE": str(BASE / "cache"), "THUMBNAIL_PRESETS": {"small": "64x64,cover"}}
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
USE_TZ = True

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
"""


@pytest.fixture
def project(tmp_path, jpeg):
    (tmp_path / "site_settings.py").write_text(PROJECT)
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "cat.jpg").write_bytes(jpeg)

    def manage(*arguments):
        return subprocess.run(
            [sys.executable, "site_settings.py", *arguments],
            cwd=tmp_path,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "site_settings", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    return manage


ENQUEUE = """
from xaccel.django.tasks import purge, render
render.enqueue("cat.jpg", ["small", "30x-"], version="mtime")
render.enqueue("dog.jpg")
if {purges}:
    purge.enqueue("cat.jpg")
"""


@pytest.mark.slow
def test_a_worker_of_django_tasks(project, tmp_path):
    assert project("migrate").returncode == 0
    for purges, count in ((False, 2), (True, 0)):
        done = project("shell", "-c", ENQUEUE.format(purges=purges))
        assert done.returncode == 0, done.stderr
        worked = project("db_worker", "--batch", "--no-startup-delay")
        assert worked.returncode == 0, worked.stderr
        assert "FileNotFound" in worked.stdout
        assert len(kept(tmp_path)) == count


@pytest.mark.slow
def test_manage_py(project, tmp_path):
    done = project("xaccel", "backfill", "--processes", "1")
    assert done.stdout == "1 image: rendered 1 thumbnail, 0 already existed\n", done.stderr
    assert kept(tmp_path) == {"t/64x64,cover/cat.jpg"}
    shown = project("xaccel", "backfill", "--help").stdout
    assert shown.startswith("usage: manage.py xaccel backfill ")
    assert "backfill" in project("xaccel").stdout


def test_celery_passes_over_the_tasks_if_no_package_has_them():
    script = """
import sys
sys.modules["django_tasks"] = sys.modules["django.tasks"] = None
from celery.loaders.base import find_related_module
import tests.support.django_site
assert find_related_module("xaccel.django", "tasks") is None
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
