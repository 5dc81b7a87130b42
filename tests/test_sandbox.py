"""Images are decoded in caged workers: what stops them, and what the app answers."""

import contextlib
import io
import logging
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image
from prometheus_client import REGISTRY
from xaccel import ConfigError, ThumbnailError, Watermark, thumbnail
from xaccel._core import Limits, Spec, StreamedSource
from xaccel.config import Config
from xaccel.decoders import _enabled
from xaccel.sandbox import pool, support
from xaccel.sandbox.backend import RenderProcesses
from xaccel.sandbox.interpreter import interpreter
from xaccel.thumbnails.backends import EncoderSettings, PlaceholderJob, RenderJob
from xaccel.thumbnails.sources.base import Original

from tests.support import hostile_decoder
from tests.support.fonts import MONOSPACE, SANS
from tests.support.render_workers import (
    is_alive,
    launchers,
    ticks,
    wait_for,
    wait_until_gone,
    workers,
)
from tests.support.thumbnail_service import Service, Submitted

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")

SECCOMP = "seccomp: a system call that is not allowed"


@pytest.fixture(scope="module", autouse=True)
def decoder(tmp_path_factory):
    directory = tmp_path_factory.mktemp("decoder")
    hostile_decoder.install(directory)
    _enabled._loaded.cache_clear()
    yield directory
    sys.path.remove(str(directory))
    pool.close_pools()


@pytest.fixture
def make(photos, tmp_path):
    def make(**settings):
        settings = {
            "THUMBNAIL_SOURCE": photos,
            "THUMBNAIL_DECODERS": ["hostile"],
            "THUMBNAIL_SANDBOX": True,
            "THUMBNAIL_WORKERS": 2,
            **settings,
        }
        return Service(settings)

    return make


class Case:
    """An image in the source, and what it does."""

    def __init__(self, service, photos, action):
        self.path = photos / "hostile.jpg"
        self.path.write_bytes(hostile_decoder.image(action))
        self._service = service

    def status(self, width=8):
        return self.answer(width).status

    def answer(self, width=8):
        return self._service.get(self._service.url("hostile.jpg", width))

    def go(self):
        with self.path.open("r+b") as file:
            file.write(hostile_decoder.image("nothing"))


@pytest.mark.parametrize(
    ("action", "reason", "layer"),
    [
        ("open", "PermissionError", None),
        ("connect", SECCOMP, "seccomp"),
        ("exec", SECCOMP, "seccomp"),
        ("fork", SECCOMP, "seccomp"),
        ("kill", SECCOMP, "seccomp"),
        ("trace", SECCOMP, "seccomp"),
        ("fault", "a fault: SIGSEGV", "fault"),
        ("overrun", "a fault: SIGSEGV", "fault"),
        ("abort", "a fault: SIGABRT", "fault"),
        ("exit", "it exited with status 0", "exit"),
        ("allocate", "too much memory", "memory"),
        ("descriptors", "Too many open files", None),
        ("write", "File too large", None),
        ("answer", "its reply is invalid", "reply"),
        ("answer_other_format", "its reply is invalid", "reply"),
        ("answer_text", "its reply is invalid", "reply"),
        ("answer_twice", "its reply is invalid", "reply"),
        ("mumble", "its reply is invalid", "reply"),
    ],
)
def test_a_stopped_render_is_422_remembered_and_counted(
    make, photos, caplog, action, reason, layer
):
    service = make(METRICS=True)
    case = Case(service, photos, action)
    submitted = Submitted(service.renderer)
    before = kills()
    assert [case.status(width) for width in (8, 9)] == [422, 422]
    assert len(submitted) == 1
    assert reason in caplog.records[0].message
    assert kills() - before == Counter([layer] if layer else [])
    assert service.get(service.url("cat.jpg", 20)).status == 200
    case.go()
    os.utime(case.path, (1, 1))
    assert case.status() == 200


def kills():
    """Return how many renders each layer has stopped, according to the metrics."""
    samples = (sample for family in REGISTRY.collect() for sample in family.samples)
    return Counter(
        {
            sample.labels["layer"]: int(sample.value)
            for sample in samples
            if sample.name == "xaccel_sandbox_kills_total"
        }
    )


def test_a_render_cannot_have_taken_longer_than_the_app_waited(make, photos, caplog):
    service = make(TRACING=True)
    case = Case(service, photos, "answer_late")
    caplog.set_level(logging.DEBUG, "xaccel.thumbnails")
    answer = case.answer()
    assert (answer.status, answer.data) == (200, b"a JPEG")
    (record,) = (each for each in caplog.records if hasattr(each, "xaccel_decode_seconds"))
    assert record.xaccel_decode_seconds is record.xaccel_encode_seconds is None


@pytest.mark.parametrize("action", ["spin", "trickle"])
def test_a_render_that_takes_too_long_is_killed(make, photos, caplog, action):
    before, counted = set(workers(os.getpid())), kills()
    service = make(THUMBNAIL_TIMEOUT=1, METRICS=True)
    case = Case(service, photos, action)
    assert case.status() == 422
    assert kills() - counted == Counter(["time"])
    assert "time limit" in caplog.text
    assert service.get(service.url("cat.jpg", 20)).status == 200
    wait_for(lambda: len(set(workers(os.getpid())) - before) <= 2)


def busy(app):
    """Return the worker of an app that uses processor time, if there is one."""
    return next((pid for pid in workers(app) if ticks(pid) > 30), None)


def busy_here():
    """Wait for a worker of this process that uses processor time."""
    return wait_for(lambda: busy(os.getpid()))


def test_a_worker_that_is_killed_once_goes_unnoticed(make, photos):
    pool.close_pools()
    case = Case(make(THUMBNAIL_TIMEOUT=60), photos, "wait")
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(case.answer)
        first = busy_here()
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: not is_alive(first))
        assert busy_here() != first
        case.go()
        assert answer.result().status == 200


def test_a_worker_that_is_killed_twice_is_503_and_not_remembered(make, photos):
    pool.close_pools()
    case = Case(make(THUMBNAIL_TIMEOUT=60), photos, "wait")
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(case.answer)
        for _ in range(2):
            pid = busy_here()
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda pid=pid: not is_alive(pid))
        assert answer.result().status == 503
    assert answer.result().headers["Retry-After"] == "2"
    case.go()
    assert case.status() == 200


def test_a_launcher_that_is_killed_is_replaced(make):
    service = make()
    assert service.get(service.url("cat.jpg", 20)).status == 200
    ended = workers(os.getpid())
    assert ended
    for pid in launchers(os.getpid()):
        os.kill(pid, signal.SIGKILL)
        ended.append(pid)
    wait_until_gone(ended)
    assert service.get(service.url("cat.jpg", 21)).status == 200


ALONE = {
    ("landlock", "open"): r"PermissionError",
    ("landlock", "connect"): r"PermissionError",
    ("seccomp", "open"): r"PermissionError",
    ("seccomp", "connect"): SECCOMP,
    # These show that no other layer has stopped the worker.
    (None, "open"): None,
    (None, "connect"): r"ConnectionRefusedError",
}


@pytest.mark.parametrize(("layer", "action"), ALONE)
def test_each_layer_holds_a_worker_without_the_others(tmp_path, layer, action):
    image = tmp_path / "hostile.jpg"
    image.write_bytes(hostile_decoder.image(action))
    limits = Config().limits()
    backend = RenderProcesses(limits, ("hostile",), None, () if layer is None else (layer,))
    job = PlaceholderJob(str(image), "color", limits, ("hostile",), None)
    reason = ALONE[layer, action]
    with (
        contextlib.nullcontext() if reason is None else pytest.raises(ThumbnailError, match=reason)
    ):
        assert backend.submit(job, time.monotonic() + 30) == "#000000"


def test_a_worker_enters_all_layers(make):
    cage = make().renderer._backend._setup.cage
    assert cage.layers == ("landlock", "seccomp")


def test_the_kernel_ends_a_worker_that_its_app_does_not_end(photos, decoder):
    # On a busy machine, the app may end a worker before the test has stopped the app.
    names = [f"{number}.jpg" for number in range(15)]
    for name in names:
        (photos / name).write_bytes(hostile_decoder.image("spin"))
    script = f"""{PARENT}
settings = {{"THUMBNAIL_DECODERS": ["hostile"], "THUMBNAIL_TIMEOUT": 2}}
slow = Service({{"THUMBNAIL_SOURCE": sys.argv[2], "THUMBNAIL_SANDBOX": True, **settings}})
for name in sys.argv[3:]:
    slow.get(slow.url(name, 20))
"""
    with subprocess.Popen([sys.executable, "-c", script, decoder, photos, *names]) as app:
        try:
            spinning = wait_for(lambda: busy(app.pid))
            os.kill(app.pid, signal.SIGSTOP)
            wait_for(lambda: not is_alive(spinning))
        finally:
            app.kill()


def test_a_worker_leaves_nothing_to_others():
    script = """
import ctypes, resource
worker.enter(Cage((), 1 << 30))
prctl = ctypes.CDLL(None).prctl
limits = map(resource.getrlimit, (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE))
print(prctl(3), prctl(39, 0, 0, 0, 0), *limits)
"""
    assert caged(script).stdout == "0 1 (0, 0) (65536, 65536)\n"


IMPORTS = """
from xaccel._core import enter_sandbox
from xaccel.sandbox import worker
from xaccel.sandbox.protocol import Cage
"""


def caged(script):
    script = f"{IMPORTS}{script}"
    command = [sys.executable, "-c", script]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def test_nothing_of_the_environment_reaches_a_worker(make, monkeypatch):
    monkeypatch.setenv("XACCEL_TEST_SECRET", "secret")
    pool.close_pools()
    service = make()
    assert service.get(service.url("cat.jpg", 20)).status == 200
    for pid in (*launchers(os.getpid()), *workers(os.getpid())):
        assert b"SECRET" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_the_kernel_prefers_to_end_a_worker(make):
    service = make()
    assert service.get(service.url("cat.jpg", 20)).status == 200
    for pid in workers(os.getpid()):
        assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "1000\n"


PARENT = """
import glob, os, sys
sys.path.insert(0, sys.argv[1])
from tests.support.render_workers import launchers, workers
from tests.support.thumbnail_service import Service
service = Service({"THUMBNAIL_SOURCE": sys.argv[2], "THUMBNAIL_SANDBOX": True})
assert service.get(service.url("cat.jpg", 20)).status == 200
"""


@pytest.mark.parametrize("how", ["os._exit(0)", "os.kill(os.getpid(), 9)", "sys.exit()"])
def test_no_process_outlives_the_app(photos, decoder, how):
    script = f"{PARENT}\nprint(*launchers(os.getpid()), *workers(os.getpid()), flush=True)\n{how}"
    command = [sys.executable, "-c", script, decoder, photos]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    pids = list(map(int, result.stdout.split()))
    assert len(pids) == 2
    wait_until_gone(pids)


def test_no_process_outlives_an_app_that_was_copied_without_the_hooks_of_python(photos, decoder):
    script = f"""{PARENT}
import ctypes, signal
child = ctypes.PyDLL(None).fork()
if child == 0:
    os.close(1)
    os.close(2)
    signal.pause()
print(child, *launchers(os.getpid()), *workers(os.getpid()), flush=True)
os.kill(os.getpid(), 9)
"""
    command = [sys.executable, "-c", script, decoder, photos]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    copy, *pids = map(int, result.stdout.split())
    try:
        assert len(pids) == 2
        wait_until_gone(pids)
    finally:
        os.kill(copy, signal.SIGKILL)


def test_a_fork_has_workers_of_its_own(photos, decoder):
    script = f"""{PARENT}
mine = workers(os.getpid())
child = os.fork()
if child == 0:
    files = glob.glob("/proc/self/fd/*")
    left = [os.readlink(file) for file in files if os.path.exists(file)]
    assert not any("xaccel-log" in link for link in left), left
    assert service.get(service.url("cat.jpg", 21)).status == 200
    assert len(workers(os.getpid())) == 1 and workers(os.getpid()) != mine
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert service.get(service.url("cat.jpg", 22)).status == 200
assert workers(os.getpid()) == mine
"""
    command = [sys.executable, "-c", script, decoder, photos]
    subprocess.run(command, check=True, timeout=60)


FORKING = """
import os, signal
from xaccel.sandbox import pool
from tests.support.render_workers import wait_until_gone
children = []
def forking(function):
    def fork_first(*arguments, **options):
        child = os.fork()
        if child == 0:
            signal.pause()
        children.append(child)
        return function(*arguments, **options)
    return fork_first
"""


@pytest.mark.parametrize("start", ["pool.Pool._send", "pool._spawn", "os.posix_spawn"])
def test_a_fork_does_not_hide_the_end_of_a_process_that_was_starting(photos, decoder, start):
    script = f"""{FORKING}
{start} = forking({start})
{PARENT}
assert len(children) == 1
try:
    ended = [*workers(os.getpid()), *launchers(os.getpid())]
    for pid in ended:
        os.kill(pid, signal.SIGKILL)
    wait_until_gone(ended)
    assert service.get(service.url("cat.jpg", 21)).status == 200
finally:
    for child in children:
        os.kill(child, signal.SIGKILL)
"""
    command = [sys.executable, "-c", script, decoder, photos]
    subprocess.run(command, check=True, timeout=120)


@pytest.mark.parametrize("cached", [True, False])
def test_a_fork_during_a_render_locks_nothing(photos, decoder, tmp_path, cached):
    script = f"""{PARENT}
import pathlib, signal, threading
from tests.support.hostile_decoder import image
from tests.support.render_workers import busy_worker
slow = pathlib.Path(sys.argv[2]) / "slow.jpg"
slow.write_bytes(image("wait"))
settings = {{"THUMBNAIL_DECODERS": ["hostile"], "THUMBNAIL_TIMEOUT": 60, "THUMBNAIL_WORKERS": 1}}
if {cached}:
    settings["THUMBNAIL_CACHE"] = {str(tmp_path / "cache")!r}
service = Service({{"THUMBNAIL_SOURCE": sys.argv[2], "THUMBNAIL_SANDBOX": True, **settings}})
def get(name, width):
    assert service.get(service.url(name, width)).status == 200
rendering = threading.Thread(target=get, args=("slow.jpg", 8))
rendering.start()
busy_worker(os.getpid())
child = os.fork()
if child == 0:
    get("slow.jpg", 8)
    get("cat.jpg", 30)
    signal.pause()
try:
    slow.write_bytes(image("nothing"))
    rendering.join()
    get("slow.jpg", 9)
    get("cat.jpg", 31)
finally:
    os.kill(child, signal.SIGKILL)
"""
    command = [sys.executable, "-c", script, decoder, photos]
    subprocess.run(command, check=True, timeout=60)


def test_gevent_answers_while_a_worker_renders(photos, decoder):
    script = f"""
from gevent import monkey
monkey.patch_all()
import gevent, pathlib
{PARENT}
from tests.support.hostile_decoder import image
(pathlib.Path(sys.argv[2]) / "spin.jpg").write_bytes(image("spin"))
settings = {{"THUMBNAIL_DECODERS": ["hostile"], "THUMBNAIL_TIMEOUT": 2, "THUMBNAIL_WORKERS": 2}}
slow = Service({{"THUMBNAIL_SOURCE": sys.argv[2], "THUMBNAIL_SANDBOX": True, **settings}})
spinning = gevent.spawn(slow.get, slow.url("spin.jpg", 20))
done = 0
while not spinning.ready():
    assert slow.get(slow.url("cat.jpg", 20 + done)).status == 200
    done += 1
    gevent.sleep(0)
assert spinning.get().status == 422 and done > 3, done
"""
    command = [sys.executable, "-c", script, decoder, photos]
    subprocess.run(command, check=True, timeout=60)


def test_results_are_the_same_as_in_process(photos):
    config = Config(thumbnail_source=photos, thumbnail_sandbox=True)
    service = Service({"THUMBNAIL_SOURCE": photos, "THUMBNAIL_SANDBOX": True})
    answer = service.get(service.url("alpha.png", 100, format="webp"))
    expected = thumbnail(
        photos / "alpha.png", 100, format="webp", quality=config.thumbnail_quality["webp"]
    )
    assert answer.data == expected.data
    in_process = Service({"THUMBNAIL_SOURCE": photos, "THUMBNAIL_SANDBOX": False})
    for each in (service, in_process):
        assert each.get(each.url("text.jpg", 100)).status == 415
    assert service.helpers.placeholder("cat.jpg") == in_process.helpers.placeholder("cat.jpg")


@pytest.mark.parametrize("kind", ["thumbhash", "blurhash", "color", "palette"])
def test_placeholders_are_the_same_as_in_process(photos, kind):
    made = [
        Service({"THUMBNAIL_SOURCE": photos, "THUMBNAIL_SANDBOX": sandbox}).renderer.placeholder(
            Original(str(photos / "cat.jpg")), "cat.jpg", kind
        )
        for sandbox in (True, False)
    ]
    assert made[0] == made[1]


def test_a_worker_has_the_watermarks_of_all_apps(photos):
    # There are more than a worker keeps.
    marks = {f"mark{i}": Watermark(png(i), scale=1.0) for i in range(20)}
    settings = {"THUMBNAIL_SOURCE": photos, "THUMBNAIL_WATERMARKS": marks}
    services = [Service({**settings, "THUMBNAIL_SANDBOX": sandbox}) for sandbox in (True, False)]
    for name in [*marks, *marks, "mark19", "mark19", "mark3"]:
        caged, in_process = (
            service.get(service.url("cat.jpg", 30, watermark=name)) for service in services
        )
        assert caged.status == 200
        assert caged.data == in_process.data


def png(number):
    """Return a PNG whose colour depends on a number."""
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (10 * number, 255 - 10 * number, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def test_the_start_of_a_progressive_jpeg_is_enough(photos):
    photo = Image.open(photos / "cat.jpg").resize((800, 600))
    photo.save(photos / "progressive.jpg", progressive=True)
    start = StreamedSource(1 << 20)
    for byte in (photos / "progressive.jpg").read_bytes():
        if start.feed(bytes([byte])):
            break
    job = RenderJob(
        start,
        Spec(20, 20),
        "jpeg",
        EncoderSettings({"jpeg": 80}, 70, progressive=False, subsampling="420", avif_speed=9),
        None,
        Limits(),
        None,
        None,
        is_partial=True,
    )
    in_process = job.run(10)
    assert len(start) < (photos / "progressive.jpg").stat().st_size
    caged = RenderProcesses(Limits(), None).submit(job, time.monotonic() + 10)
    assert caged.data == in_process.data


class TestSetting:
    def test_true_names_what_is_missing(self, monkeypatch):
        monkeypatch.setattr(support, "sandbox_layers", lambda: ["seccomp"])
        monkeypatch.setattr(support, "interpreter", lambda: None)
        with pytest.raises(
            ConfigError, match=r"Landlock \(Linux 5.13 or later\) or the Python int"
        ):
            Config(thumbnail_sandbox=True)
        assert Config().thumbnail_sandbox == "auto"

    def test_auto_uses_what_there_is(self, make, monkeypatch):
        assert isinstance(make(THUMBNAIL_SANDBOX="auto").renderer._backend, RenderProcesses)
        assert not isinstance(make(THUMBNAIL_SANDBOX=False).renderer._backend, RenderProcesses)
        monkeypatch.setattr(support, "sandbox_layers", lambda: ["landlock"])
        assert not isinstance(make(THUMBNAIL_SANDBOX="auto").renderer._backend, RenderProcesses)

    @pytest.mark.parametrize("value", ["on", 1, None])
    def test_other_values_are_refused(self, value):
        with pytest.raises(ConfigError, match="'auto', True or False"):
            Config(thumbnail_sandbox=value)

    def test_the_interpreter_is_found_inside_another_program(self, monkeypatch):
        for executable in ("/usr/bin/uwsgi", ""):
            monkeypatch.setattr(sys, "executable", executable)
            found = interpreter()
            command = [found, "-c", "import sys; print(sys.version)"]
            assert subprocess.check_output(command, text=True).strip() == sys.version


def test_text_in_svg_has_the_same_fonts_in_a_worker(make, photos):
    text = '<text x="2" y="20" font-size="20">Example</text>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30">{text}</svg>'
    (photos / "text.svg").write_text(svg)
    service = make()
    answer = service.get(service.url("text.svg", 90))
    assert answer.status == 200
    assert answer.data == thumbnail(svg.encode(), 90).data


def test_text_in_svg_has_the_fonts_of_the_settings(make, photos):
    text = '<text x="2" y="20" font-size="20">ill</text>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30">{text}</svg>'
    (photos / "text.svg").write_text(svg)
    service = make(THUMBNAIL_FONTS=str(MONOSPACE))
    answer = service.get(service.url("text.svg", 90))
    assert answer.status == 200
    expected = thumbnail(svg.encode(), 90, fonts=[MONOSPACE]).data
    assert answer.data == expected != thumbnail(svg.encode(), 90, fonts=[SANS]).data
