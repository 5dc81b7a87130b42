"""The cache as Python sees it, its commands, and a disk that is full or read-only."""

import contextlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from xaccel._core import Cache
from xaccel.cli.main import main

APP = """
from flask import Flask
from xaccel.flask import XAccel

app = Flask(__name__)
app.config["XACCEL"] = {
    "SECRET_KEYS": ["a key of more than 16 bytes"],
    "THUMBNAIL_SOURCE": "/srv/photos",
    "THUMBNAIL_CACHE": %r,
    "THUMBNAIL_CACHE_MAX_SIZE": "9k",
}
XAccel(app)
"""


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs `xaccel cache …` for an app; returns its exit status and what it printed."""
    (tmp_path / "cacheapp.py").write_text(APP % str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "cacheapp", raising=False)

    def run(*arguments):
        status = main(["cache", *arguments, "--app", "cacheapp:app"])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


class TestCommands:
    def test_stats(self, cache, command):
        assert command("stats") == (0, "0 thumbnails, 0.0 MiB, 0 % of THUMBNAIL_CACHE_MAX_SIZE\n")
        cache.publish("/t/1x1/a.jpg", b"thumbnail")
        assert command("stats") == (0, "1 thumbnail, 0.0 MiB, 44 % of THUMBNAIL_CACHE_MAX_SIZE\n")

    def test_sweep(self, cache, command):
        for name in "abc":
            path = Path(cache.publish(f"/t/1x1/{name}.jpg", b"thumbnail"))
            os.utime(path, (path.stat().st_atime - 200 + ord(name), 0))
        status, text = command("sweep")
        assert (status, text) == (0, "removed 1 thumbnail, 0.0 MiB; kept 2 thumbnails, 0.0 MiB\n")
        assert not Path(cache.path("/t/1x1/a.jpg")).exists()

    def test_purge(self, cache, command):
        cache.publish("/t/1x1/a.jpg", b"thumbnail")
        cache.publish("/t/1x1,webp/a.jpg.webp", b"thumbnail")
        assert command("purge", "/a.jpg", "b.jpg") == (
            0,
            "/a.jpg: removed 2 thumbnails\nb.jpg: removed 0 thumbnails\n",
        )

    def test_clear(self, cache, command):
        cache.publish("/t/1x1/a.jpg", b"thumbnail")
        assert command("clear") == (0, "removed 1 thumbnail, 0.0 MiB\n")
        assert cache.usage() == (0, 0)

    def test_purge_of_an_invalid_name(self, command):
        status, text = command("purge", "../a.jpg")
        assert status == 2
        assert ".." in text


def test_sweeps_at_the_same_time_as_everything_else(cache):
    """Many threads publish and read while others sweep; nobody sees an error or half a file."""
    stop = threading.Event()

    def sweep():
        while not stop.is_set():
            cache.sweep(max_size=4096 * 4, inactive=60)

    def use(number):
        data = bytes([number]) * 9000
        for turn in range(200):
            path = cache.publish(f"/t/{number}x1/{turn % 5}/a.jpg", data)
            with contextlib.suppress(FileNotFoundError):
                assert Path(path).read_bytes() == data

    with ThreadPoolExecutor(8) as pool:
        sweeper = pool.submit(sweep)
        users = [pool.submit(use, number) for number in range(1, 6)]
        try:
            for user in users:
                user.result()
        finally:
            stop.set()
        sweeper.result()
    cache.sweep(max_size=4096 * 4, inactive=60)
    assert cache.usage()[1] <= 4096 * 4


FULL_DISK = """
import io, os, subprocess, sys
from pathlib import Path

disk = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=True)

from PIL import Image
from xaccel.config import Config
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.thumbnails.endpoint import Thumbnails
from tests.support.thumbnail_endpoint import get

photos = disk.parent / "photos"
photos.mkdir()
Image.effect_noise((400, 400), 50).convert("RGB").save(photos / "noise.jpg")
config = Config.from_mapping({
    "THUMBNAIL_SOURCE": photos, "THUMBNAIL_CACHE": disk,
    "SECRET_KEYS": ["a key of more than 16 bytes"],
})
thumbnails, url = Thumbnails(config), TemplateHelpers(config).thumbnail_url

def ask(width):
    answer = get(thumbnails, url("noise.jpg", width))
    assert answer.status == 200, answer
    Image.open(io.BytesIO(answer.data)).load()

for width in range(200, 240):
    ask(width)
cached = [path for path in (disk / "t").rglob("*") if path.is_file()]
assert 1 <= len(cached) < 40, len(cached)
for path in cached:
    Image.open(path).load()
assert list((disk / ".tmp").iterdir()) == []
subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
for width in range(200, 250):
    ask(width)
print("survived")
"""


def test_a_full_and_a_read_only_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    # In a mount namespace of its own, so that nothing is left mounted, and root is not needed.
    result = subprocess.run(
        ["unshare", "--map-root-user", "--mount", sys.executable, "-c", FULL_DISK, str(disk)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.stdout == "survived\n", result.stderr
