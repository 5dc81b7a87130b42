"""`xaccel backfill`."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from xaccel import Config, ConfigError, Spec
from xaccel.cli.main import main
from xaccel.cli.processes import Processes
from xaccel.tasks import purge, render
from xaccel.thumbnails.urls import ThumbnailUrls

from tests.support.servers.process import PATIENCE
from tests.support.servers.site import children
from tests.support.thumbnail_service import KEY

XACCEL = Path(sys.executable).with_name("xaccel")


@pytest.fixture
def site(tmp_path, jpeg):
    return Site(tmp_path, jpeg)


class Site:
    """A source with 40 images in two directories, and files that are not images."""

    def __init__(self, home, jpeg):
        self.home, self.cache = home, home / "photos" / "cache"
        for number in range(40):
            path = home / "photos" / f"{number % 2}" / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(jpeg)
        (home / "avatars").mkdir()
        shutil.copy(path, home / "avatars" / "ann.jpg")
        for name in ("README", "notes.txt", ".hidden.jpg"):
            (home / "photos" / name).write_text("text")
        self.settings = {
            "THUMBNAIL_SOURCE": str(home / "photos"),
            "THUMBNAIL_SOURCES": {"avatars": str(home / "avatars")},
            "THUMBNAIL_CACHE": str(self.cache),
            "THUMBNAIL_PRESETS": {"small": "64x64,cover"},
            "SECRET_KEYS": [KEY],
        }
        self.write_settings()

    def write_settings(self, **more):
        self.settings |= more
        self.file = self.home / "settings.toml"
        lines = [f"{key} = {value!r}\n" for key, value in self.settings.items()]
        self.file.write_text("".join(lines).replace("{'", "{").replace("': '", " = '"))

    @property
    def config(self):
        return Config.from_mapping(self.settings)

    def url(self, *arguments, **options):
        return ThumbnailUrls(self.config).url(*arguments, **options)

    def kept(self):
        """The paths of finished thumbnails below the cache."""
        found = (path.relative_to(self.cache) for path in self.cache.rglob("*") if path.is_file())
        return {str(path) for path in found if not path.parts[0].startswith(".")}

    def start(self, *arguments, **options):
        command = [XACCEL, "backfill", "--config", self.file, *arguments]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
        )


def run(capfd, site, *arguments):
    status = main(["backfill", "--config", str(site.file), *arguments])
    out, err = capfd.readouterr()
    return status, out, err


def test_all_images_of_the_source(site, capfd):
    first = "40 images: would render 40 thumbnails, 0 already existed\n"
    skipped = ", 1 skipped because they are not images"
    status, out, _ = run(capfd, site, "--dry-run")
    assert (status, out) == (0, first.replace("40 i", "41 i").replace("40 t", "41 t"))
    assert site.kept() == set()
    status, out, _ = run(capfd, site)
    assert (status, out) == (
        0,
        f"41 images: rendered 40 thumbnails, 0 already existed{skipped}\n",
    )
    assert site.kept() == {f"t/64x64,cover/{n % 2}/{n}.jpg" for n in range(40)}
    status, out, _ = run(capfd, site)
    assert out == f"41 images: rendered 0 thumbnails, 40 already existed{skipped}\n"


def test_the_files_are_those_of_the_urls(site, capfd):
    assert run(capfd, site, "small", "30x20,auto", "--prefix", "1/1", "--version", "mtime")[0] == 0
    expected = set()
    for name in ("1/1.jpg", *(f"1/{number}.jpg" for number in range(11, 20, 2))):
        for spec, endings in ((("small",), ("",)), (("30x20",), (".webp", ".jpeg"))):
            options = {"format": "auto"} if len(endings) > 1 else {}
            url = site.url(name, *spec, version="mtime", **options)
            path = url.partition("?")[0].removeprefix("/")
            expected |= {path + ending for ending in endings}
    assert site.kept() == expected


def test_a_named_source(site, capfd):
    status, out, _ = run(capfd, site, "--source", "avatars")
    assert (status, out) == (0, "1 image: rendered 1 thumbnail, 0 already existed\n")
    assert site.kept() == {"t/64x64,cover/~avatars/ann.jpg"}
    status, _, err = run(capfd, site, "--source", "avatar")
    assert status == 2
    assert "did you mean 'avatars'?" in err


def test_failures_are_counted_by_cause(site, capfd):
    (site.home / "photos" / "broken.jpg").write_text("text")
    (site.home / "photos" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    names = site.home / "names"
    names.write_text("0/0.jpg\nbroken.jpg\ncut.jpg\n0/absent.jpg\n0/gone.jpg\n../out.jpg\n\n")
    status, out, _ = run(capfd, site, "--names", str(names))
    assert status == 1
    lines = out.splitlines()
    assert lines[0] == "5 images: rendered 1 thumbnail, 0 already existed"
    assert "2 failed: FileNotFound" in lines
    assert "1 failed: UnsupportedImage" in lines
    assert "1 failed: CorruptImage" in lines
    assert "1 failed: SourceError" in lines
    assert any("'0/absent.jpg'" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nosuch",), "neither a size"),
        (("30x20,nosuch",), "nosuch"),
        (("--version", "updated_at"), "--version updated_at needs --field"),
        (("--names", "/nonexistent"), "--names /nonexistent: there is no such file"),
        (("--processes", "0"), "--processes must be at least 1, not 0"),
    ],
)
def test_arguments_that_do_not_fit(site, capfd, arguments, message):
    status, _, err = run(capfd, site, *arguments)
    assert (status, message in err) == (2, True), err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--field", "shop.Photo.image"), "--field requires Django"),
        (("--celery",), "call xaccel.celery.init_app(app)"),
    ],
)
def test_arguments_for_another_framework(site, arguments, message):
    with site.start(*arguments) as process:
        out = process.communicate(timeout=PATIENCE)[0]
    assert (process.returncode, message in out) == (2, True), out


def test_settings_that_do_not_fit(site, capfd):
    site.write_settings(THUMBNAIL_PRESETS={})
    site.file.write_text(site.file.read_text().replace("THUMBNAIL_PRESETS = {}", ""))
    assert "contains no preset to render" in run(capfd, site)[2]
    site.file.write_text('THUMBNAIL_SOURCE = "http://192.0.2.1/"\nTHUMBNAIL_CACHE = "/tmp/x"\n')
    status, _, err = run(capfd, site, "30x20")
    assert status == 2
    site.file.write_text(f'{site.file.read_text()}SECRET_KEYS = ["{KEY}"]\n')
    status, _, err = run(capfd, site, "30x20")
    assert (status, "can't be listed: pass the names" in err) == (2, True)


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.slow
def test_it_continues_after_it_was_killed(site):
    with site.start("300x-", "--processes", "2") as process:
        wait_until(lambda: len(site.kept()) >= 10)
        workers = children(process.pid)
        process.kill()
        assert len(workers) == 2
        # The processes end without it, and finish what they have.
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    done = len(site.kept())
    assert 10 <= done < 40
    with site.start("300x-", "--processes", "2") as process:
        out = process.communicate(timeout=PATIENCE)[0]
    assert f"rendered {40 - done} thumbnails, {done} already existed" in out
    assert len(site.kept()) == 40


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_after_the_images_that_it_has_begun(site, number):
    with site.start("300x-", "--processes", "2", process_group=0) as process:
        wait_until(lambda: len(site.kept()) >= 10)
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        out = process.communicate(timeout=PATIENCE)[0]
    made = int(re.search(r"rendered (\d+) thumbnails", out)[1])
    assert process.returncode == 130
    assert "stopped; run the same command again to render the other thumbnails" in out
    assert "Traceback" not in out
    assert made == len(site.kept()) < 40


@pytest.mark.slow
def test_a_process_that_dies_is_replaced(site):
    with site.start("300x-", "--processes", "2") as process:
        wait_until(lambda: len(site.kept()) >= 5)
        os.kill(children(process.pid)[0], signal.SIGKILL)
        out = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 1
    assert "1 failed: the process died" in out
    assert len(site.kept()) >= 39


def test_every_item_has_a_result_even_if_each_kills_its_process():
    def run(number):
        if number % 3 == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    processes = Processes(run, 3, on_death=lambda number: -number)
    results = dict(processes.results(range(1, 31)))
    processes.close()
    assert results == {n: -n if n % 3 == 0 else n for n in range(1, 31)}


def test_names_from_standard_input(site):
    with site.start("--names", "-", stdin=subprocess.PIPE) as process:
        out = process.communicate("0/0.jpg\n1/1.jpg\n", timeout=PATIENCE)[0]
    assert out == "2 images: rendered 2 thumbnails, 0 already existed\n"


def terminal_of(site, env):
    """What the command writes to a terminal."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    with site.start("20x-", env={**os.environ, **env}) as process:
        process.communicate(timeout=PATIENCE)
    command = [XACCEL, "backfill", "--config", site.file, "21x-"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **env}
    ):
        os.close(theirs)
        text = b""
        # At its end, a terminal raises an error.
        try:
            while piece := os.read(ours, 4096):
                text += piece
        except OSError:
            pass
    os.close(ours)
    return text.decode()


@pytest.mark.slow
def test_a_terminal_shows_a_bar(site):
    text = terminal_of(site, {})
    assert re.search(r"100%\|.*\| 41/41 \[.*(image/s|s/image)", text)


@pytest.mark.slow
def test_without_tqdm_it_works_as_well(site, tmp_path):
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "tqdm.py").write_text("raise ModuleNotFoundError(name='tqdm')")
    text = terminal_of(site, {"PYTHONPATH": str(tmp_path / "blocked")})
    assert "rendered 40 thumbnails" in text
    assert "%|" not in text


def test_lines_of_progress(monkeypatch, capsys):
    from xaccel.cli import progress

    monkeypatch.setattr(progress, "_SECONDS", 0)
    shown = progress.Progress(3, "image")
    shown.advance()
    assert re.fullmatch(r"1 of 3 images, [\d.]+ a second, 0:00 left\n", capsys.readouterr().err)
    shown = progress.Progress(None, "image")
    shown.advance()
    assert re.fullmatch(r"1 images, [\d.]+ a second\n", capsys.readouterr().err)
    assert progress._duration(3725) == "1:02:05"


def test_the_functions(site):
    config = site.config
    assert render("0/0.jpg", "small", "30x20", config=config) == 2
    assert render("0/0.jpg", "small", "30x20", config=config) == 0
    assert render("0/0.jpg", version="mtime", config=config) == 1
    assert render(None, config=config) == 0
    assert purge("0/0.jpg", config=config) == 3
    assert site.kept() == set()
    with pytest.raises(ConfigError, match="pass config="):
        render("0/0.jpg", config=object())


def test_specs_that_the_settings_do_not_allow(site, capfd):
    site.write_settings(THUMBNAIL_ONLY_PRESETS=True)
    site.file.write_text(site.file.read_text().replace("True", "true"))
    status, _, err = run(capfd, site, "30x20,cover")
    assert status == 2
    assert f"'{Spec.parse('30x20,cover')}' is not one of XACCEL['THUMBNAIL_PRESETS']" in err


def test_links_in_the_source_do_not_lead_in_circles(site, capfd):
    (site.home / "photos" / "0" / "up").symlink_to(site.home / "photos")
    (site.home / "photos" / "more").symlink_to(site.home / "photos" / "1")
    site.write_settings(FOLLOW_SYMLINKS=True)
    site.file.write_text(site.file.read_text().replace("True", "true"))
    status, out, _ = run(capfd, site)
    assert (status, len(site.kept())) == (0, 60), out


def test_a_full_queue_is_no_failure(site, capfd):
    site.write_settings(THUMBNAIL_WORKERS=1, THUMBNAIL_QUEUE=1)
    status, out, _ = run(capfd, site, "--processes", "6")
    assert (status, len(site.kept())) == (0, 40), out
