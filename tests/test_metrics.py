"""`METRICS` and `TRACING`: each request is counted once, in the registry of prometheus_client."""

import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from xaccel import Signer
from xaccel._observing import observer
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.delivery.presentation import FileOptions
from xaccel.exceptions import ConfigError, FileNotFound
from xaccel.metrics import METRICS, USAGE_SECONDS
from xaccel.thumbnails.private import PrivateThumbnails
from xaccel.wsgi import Sendfile

from tests.support.thumbnail_endpoint import request
from tests.support.thumbnail_service import KEY, Service, Submitted, ended


def samples():
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name.startswith("xaccel_") and not sample.name.endswith(("_created", "_bucket"))
    }


@pytest.fixture
def counted(monkeypatch):
    """Return by how much each metric has changed, without those that measure seconds."""
    monkeypatch.setattr(METRICS, "_usage_is_due_at", float("inf"))
    before = samples()

    def counted():
        changes = {key: value - before.get(key, 0) for key, value in samples().items()}
        return {
            (key[0].removeprefix("xaccel_"), *(value for _, value in key[1:])): change
            for key, change in changes.items()
            if change and not key[0].endswith("seconds_sum")
        }

    return counted


@pytest.fixture
def service(photos, tmp_path):
    return Service(
        {"THUMBNAIL_SOURCE": photos, "THUMBNAIL_CACHE": tmp_path / "cache", "METRICS": True}
    )


RENDERED = {
    ("thumbnails_total", "jpeg", "rendered"): 1,
    ("render_wait_seconds_count",): 1,
    ("render_seconds_count", "jpeg"): 1,
    ("publish_seconds_count",): 1,
}


def test_a_render_and_its_hits(service, counted):
    url = service.url("cat.jpg", 50)
    for _ in range(3):
        assert service.get(url).status == 200
    changes = counted()
    # The original is found, and then read.
    assert changes.pop(("fetch_seconds_count",)) in {1, 2}
    assert changes == RENDERED | {("thumbnails_total", "jpeg", "hit"): 2}


def test_sweeps(service, counted):
    for width in (50, 60):
        assert service.get(service.url("cat.jpg", width)).status == 200
    delivery = service.thumbnails.delivery
    files, size = delivery.cache.usage()
    delivery._sweep(delivery.cache)
    assert files == 2
    assert counted()["cache_sweeps_total",] == 1
    assert samples()[("xaccel_cache_files",)] == 2
    assert samples()[("xaccel_cache_bytes",)] == size
    delivery._config = replace(service.config, thumbnail_cache_inactive=0)
    delivery._sweep(delivery.cache)
    assert counted()["cache_swept_files_total",] == 2
    assert counted()["cache_swept_bytes_total",] == size
    assert samples()[("xaccel_cache_files",)] == 0


def test_the_cache_is_measured_between_sweeps(service, monkeypatch):
    def visit(width):
        assert service.get(service.url("cat.jpg", width)).status == 200
        for thread in threading.enumerate():
            if thread.name == "xaccel-usage":
                thread.join(30)
        return samples()[("xaccel_cache_files",)], samples()[("xaccel_cache_bytes",)]

    cache = service.thumbnails.delivery.cache
    for width in (50, 60):
        monkeypatch.setattr(METRICS, "_usage_is_due_at", 0.0)
        before = time.monotonic()
        assert visit(width) == cache.usage()
        assert METRICS._usage_is_due_at >= before + USAGE_SECONDS
    assert visit(70) != cache.usage()
    assert visit(70)[0] == 2
    monkeypatch.setattr(METRICS, "_usage_is_due_at", 0.0)
    # After a restart, a hit is enough.
    assert visit(50) == cache.usage()
    assert cache.usage()[0] == 3


def test_an_incomplete_image_is_published_too(service, photos, counted):
    whole = (photos / "cat.jpg").read_bytes()
    (photos / "cat.jpg").write_bytes(whole[: len(whole) * 3 // 4])
    for _ in range(2):
        assert service.get(service.url("cat.jpg", 50)).status == 200
    changes = counted()
    assert changes.pop(("fetch_seconds_count",)) in {1, 2}
    assert changes == RENDERED | {("thumbnails_total", "jpeg", "hit"): 1}


def test_without_a_cache(photos, counted):
    service = Service({"THUMBNAIL_SOURCE": photos, "METRICS": True})
    url = service.url("cat.jpg", 50)
    answer = service.get(url)
    assert service.get(url, if_none_match=answer.headers["ETag"]).status == 304
    assert service.get(url).status == 200
    changes = counted()
    assert changes["thumbnails_total", "jpeg", "rendered"] == 2
    assert changes["thumbnails_total", "jpeg", "not_modified"] == 1


@pytest.mark.parametrize(
    ("name", "settings", "status", "result"),
    [
        ("absent.jpg", {}, 404, "not_found"),
        ("broken.jpg", {}, 415, "unsupported"),
        ("cut.jpg", {}, 422, "corrupt"),
        ("cat.jpg", {"THUMBNAIL_MAX_BYTES": 10}, 413, "too_large"),
    ],
)
def test_images_that_fail(photos, counted, name, settings, status, result):
    (photos / "broken.jpg").write_bytes(b"not an image")
    (photos / "cut.jpg").write_bytes((photos / "cat.jpg").read_bytes()[:30])
    service = Service({"THUMBNAIL_SOURCE": photos, "METRICS": True, **settings})
    assert service.get(service.url(name, 50)).status == status
    assert counted()["thumbnails_total", "jpeg", result] == 1


def test_refused_urls(service, counted):
    url = service.url("cat.jpg", 50)
    path, _, _ = url.partition("?")
    expired = Signer(KEY).sign(path, expires=1)
    for wrong, status in (
        (path, 403),
        (f"{url}x", 403),
        (expired, 410),
        (Signer(KEY).sign("/t/nonsense/cat.jpg"), 404),
        ("/t/50x50/", 404),
    ):
        assert service.get(wrong).status == status
    assert service.get(url, "POST").status == 405
    assert counted() == {
        ("thumbnails_total", "", "refused"): 6,
        ("signature_failures_total", "thumbnail", "missing"): 1,
        ("signature_failures_total", "thumbnail", "invalid"): 1,
        ("signature_failures_total", "thumbnail", "expired"): 1,
    }


def test_queue_length_and_renders_under_way(photos, counted):
    settings = {"THUMBNAIL_WORKERS": 1, "THUMBNAIL_QUEUE": 1, "METRICS": True}
    service = Service({"THUMBNAIL_SOURCE": photos, **settings})
    hold, rendering = threading.Event(), threading.Event()

    def before():
        rendering.set()
        assert hold.wait(30)

    Submitted(service.renderer, before)
    urls = [service.url("cat.jpg", width) for width in (40, 41, 42)]
    with ThreadPoolExecutor(2) as threads, ended(hold):
        first = threads.submit(service.get, urls[0])
        assert rendering.wait(30)
        second = threads.submit(service.get, urls[1])
        while counted().get(("render_queue_length",)) != 1:
            assert not second.done()
            time.sleep(0.001)
        assert counted()["renders_in_progress",] == 1
        assert service.get(urls[2]).status == 503
        hold.set()
        assert [first.result().status, second.result().status] == [200, 200]
    changes = counted()
    assert changes["thumbnails_total", "jpeg", "overloaded"] == 1
    assert changes["render_wait_seconds_count",] == 2
    assert ("render_queue_length",) not in changes
    assert ("renders_in_progress",) not in changes


def test_private_files(photos, counted):
    config = Config.from_mapping(
        {
            "ROOTS": {photos: "/_private/"},
            "PRIVATE_URL": "/p/",
            "SERVER": "nginx",
            "SECRET_KEYS": [KEY],
            "METRICS": True,
        }
    )
    delivery = Delivery(config)
    path, _, query = delivery.private_url("cat.jpg").partition("?")
    absent, _, absent_query = delivery.private_url("absent.jpg").partition("?")
    statuses = [
        delivery.private_file("cat.jpg", request(), FileOptions()).status,
        delivery.respond(path, query, request()).status,
        delivery.respond(path, "key=x", request()).status,
        delivery.respond(path, "", request()).status,
        delivery.respond(absent, absent_query, request()).status,
        delivery.respond(path, query, request("POST")).status,
    ]
    assert statuses == [200, 200, 403, 403, 404, 405]
    with pytest.raises(FileNotFound):
        delivery.private_file("absent.jpg", request(), FileOptions())
    assert PrivateThumbnails(config, delivery).answer("absent", 9, 9, request()).status == 404
    assert counted() == {
        ("private_files_total", "nginx", "200"): 2,
        ("private_files_total", "nginx", "403"): 2,
        ("private_files_total", "nginx", "404"): 2,
        ("private_files_total", "nginx", "405"): 1,
        ("signature_failures_total", "private_file", "invalid"): 1,
        ("signature_failures_total", "private_file", "missing"): 1,
        ("thumbnails_total", "", "not_found"): 1,
    }


def test_ranges_that_the_app_sends(photos, counted):
    delivery = Delivery(Config.from_mapping({"ROOTS": {photos: "/_private/"}, "METRICS": True}))
    ranged = delivery.private_file("cat.jpg", request(range="bytes=0-9"), FileOptions())
    assert ranged.status == 206
    assert counted() == {("private_files_total", "direct", "206"): 1}


def test_the_middleware(photos, counted):
    config = Config.from_mapping(
        {"ROOTS": {photos: "/_private/"}, "SERVER": "nginx", "METRICS": True}
    )

    def app(environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"]((photos / "cat.jpg").open("rb"))

    headers = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    list(Sendfile(app, config)(environ, lambda _, given, *__: headers.extend(given)))
    assert dict(headers)["X-Accel-Redirect"] == "/_private/cat.jpg"
    assert counted() == {("sendfile_total", "nginx"): 1}


def test_off_by_default(photos, tmp_path, counted):
    service = Service({"THUMBNAIL_SOURCE": photos, "THUMBNAIL_CACHE": tmp_path / "cache"})
    assert observer(service.config) is None
    assert service.get(service.url("cat.jpg", 50)).status == 200
    assert counted() == {}


@pytest.mark.parametrize(
    ("setting", "module", "extra"),
    [("metrics", "prometheus_client", "metrics"), ("tracing", "opentelemetry", "otel")],
)
def test_a_missing_package(monkeypatch, setting, module, extra):
    ours = {"metrics": "xaccel.metrics", "tracing": "xaccel.tracing"}[setting]
    monkeypatch.delitem(sys.modules, ours, raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"XACCEL\['{setting.upper()}'\].*xaccel\[{extra}\]"):
        Delivery(Config(**{setting: True}))


WORKER = """
import json, os, sys
from xaccel.config import Config
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers
from tests.support.thumbnail_endpoint import get

config = Config.from_mapping(json.loads(sys.argv[1]))
endpoint, helpers = Thumbnails(config), TemplateHelpers(config)
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        for width in (50, 51 + number):
            assert get(endpoint, helpers.thumbnail_url("cat.jpg", width)).status == 200
        os._exit(0)
    children.append(child)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
"""

SCRAPE = """
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
registry = CollectorRegistry()
MultiProcessCollector(registry)
print(generate_latest(registry).decode())
"""


def test_several_processes_add_up(photos, tmp_path):
    directory, cache = tmp_path / "metrics", tmp_path / "cache"
    directory.mkdir()
    settings = {
        "SECRET_KEYS": [KEY],
        "THUMBNAIL_SOURCE": str(photos),
        "THUMBNAIL_CACHE": str(cache),
        "METRICS": True,
    }
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(directory), "PYTHONPATH": "."}
    for command in ([WORKER, json.dumps(settings)], [SCRAPE]):
        done = subprocess.run(
            [sys.executable, "-c", *command],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
    lines = dict(
        line.rsplit(" ", 1) for line in done.stdout.splitlines() if line and line[0] != "#"
    )
    assert lines['xaccel_thumbnails_total{format="jpeg",result="rendered"}'] == "4.0"
    assert lines['xaccel_thumbnails_total{format="jpeg",result="hit"}'] == "2.0"
    assert lines['xaccel_render_seconds_count{format="jpeg"}'] == "4.0"
    assert lines["xaccel_renders_in_progress"] == "0.0"


@pytest.fixture
def spans(monkeypatch):
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)

    def spans():
        finished = exporter.get_finished_spans()
        exporter.clear()
        return finished

    return spans


PARTS = ("verify", "fetch", "wait", "render", "decode", "encode", "publish")
SANDBOX = pytest.mark.parametrize("sandbox", [False, True], ids=["threads", "sandbox"])


@SANDBOX
def test_spans(photos, tmp_path, spans, sandbox):
    settings = {"THUMBNAIL_CACHE": tmp_path / "cache", "TRACING": True}
    service = Service({"THUMBNAIL_SOURCE": photos, "THUMBNAIL_SANDBOX": sandbox, **settings})
    url = service.url("cat.jpg", 50)
    assert service.get(url).status == 200
    cold = spans()
    names = [span.name for span in cold]
    assert set(names) == {f"xaccel.{name}" for name in PARTS}
    assert names[0] == "xaccel.verify"
    assert names[-1] == "xaccel.publish"
    (render,) = (span for span in cold if span.name == "xaccel.render")
    assert render.attributes == {"xaccel.format": "jpeg"}
    assert service.get(url).status == 200
    assert [span.name for span in spans()] == ["xaccel.verify"]


@SANDBOX
def test_the_parts_of_a_render(photos, spans, caplog, sandbox):
    settings = {"THUMBNAIL_SOURCE": photos, "THUMBNAIL_SANDBOX": sandbox, "TRACING": True}
    service = Service(settings)
    caplog.set_level(logging.DEBUG, "xaccel.thumbnails")
    assert service.get(service.url("cat.jpg", 50)).status == 200
    found = {span.name.removeprefix("xaccel."): span for span in spans()}
    render, decode, encode = (found[name] for name in ("render", "decode", "encode"))
    assert decode.parent.span_id == encode.parent.span_id == render.context.span_id
    assert decode.start_time < decode.end_time == encode.start_time < encode.end_time
    assert render.start_time <= decode.start_time
    assert encode.end_time <= render.end_time
    (record,) = (each for each in caplog.records if hasattr(each, "xaccel_decode_seconds"))
    assert 0 < record.xaccel_decode_seconds + record.xaccel_encode_seconds < record.xaccel_seconds


def test_a_refused_signature_fails_its_span(photos, spans):
    service = Service({"THUMBNAIL_SOURCE": photos, "TRACING": True})
    assert service.get(service.url("cat.jpg", 50) + "x").status == 403
    (span,) = spans()
    assert span.name == "xaccel.verify"
    assert not span.status.is_ok


MONITORING = Path(__file__).parents[1] / "examples" / "monitoring"
METRIC = re.compile(r"\bxaccel_[a-z_]+")


def names():
    """Return the names of all series, with those that a histogram has."""
    for metric in REGISTRY.collect():
        if metric.name.startswith("xaccel_"):
            yield metric.name
            yield f"{metric.name}_total"
            if metric.type == "histogram":
                yield from (f"{metric.name}_{suffix}" for suffix in ("bucket", "count", "sum"))


def test_alert_rules():
    """Promtool checks the rules, and runs them on made-up series."""
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run(
            ["promtool", *command],
            cwd=MONITORING,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", ["alerts.yml", "alerts_test.yml", "dashboard.json"])
def test_monitoring_uses_metrics_that_exist(file):
    used = set(METRIC.findall((MONITORING / file).read_text()))
    assert used
    assert used <= set(names())


def test_dashboard(tmp_path):
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    targets = [target for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [
        {"record": f"panel:{number}", "expr": target["expr"].replace("$__rate_interval", "5m")}
        for number, target in enumerate(targets)
    ]
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_the_documentation_lists_every_metric():
    text = (Path(__file__).parents[1] / "docs" / "operations.md").read_text()
    counters = {metric.name: metric.type for metric in REGISTRY.collect()}
    ours = {
        f"{name}_total" if kind == "counter" else name
        for name, kind in counters.items()
        if name.startswith("xaccel_")
    }
    assert ours == set(re.findall(r"^\| `(xaccel_[a-z_]+)", text, re.MULTILINE))
