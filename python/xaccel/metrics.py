"""Metrics for Prometheus, in the default registry of prometheus_client.

`METRICS = True` switches them on. Expose them like the metrics of your app, for example with
`prometheus_client.make_wsgi_app()`.

With several processes, set `PROMETHEUS_MULTIPROC_DIR`, as in every app that uses prometheus_client.
Code outside xaccel does not need this module; the names of the metrics are in the documentation.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import final

from prometheus_client import Counter, Gauge, Histogram

from xaccel._phases import Endpoint, Phase
from xaccel.exceptions import (
    CorruptImage,
    FileNotFound,
    ImageTooLarge,
    Overloaded,
    RenderStopped,
    RenderTimeout,
    SourceUnavailable,
    UnsupportedImage,
    WorkerLost,
    XaccelError,
)

USAGE_SECONDS = 300
"""The minimum number of seconds between two measurements of the cache, apart from its sweeps."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_RESULTS: tuple[tuple[type[XaccelError], str], ...] = (
    (FileNotFound, "not_found"),
    (ImageTooLarge, "too_large"),
    (RenderTimeout, "timeout"),
    (UnsupportedImage, "unsupported"),
    (CorruptImage, "corrupt"),
    (Overloaded, "overloaded"),
    (RenderStopped, "stopped"),
    (WorkerLost, "worker_lost"),
    (SourceUnavailable, "unavailable"),
)


_NOTHING = nullcontext()


@final
class Metrics:
    """All metrics of xaccel. A process has only one instance, because metrics have unique names."""

    def __init__(self) -> None:
        self._thumbnails = Counter(
            "xaccel_thumbnails_total",
            "Requests for thumbnails that reached the app.",
            ["result", "format"],
        )
        # prometheus_client takes a while to find the counter of a request, so all counters are kept
        # here.
        self._results: dict[tuple[str, str], Counter] = {}
        self._render = Histogram(
            "xaccel_render_seconds",
            "Time to decode an image and encode its thumbnail.",
            ["format"],
            buckets=_SECONDS,
        )
        self._wait = Histogram(
            "xaccel_render_wait_seconds",
            "Time in the queue before a render.",
            buckets=_SECONDS,
        )
        self._fetch = Histogram(
            "xaccel_fetch_seconds",
            "Time to find, open or fetch an original image.",
            buckets=_SECONDS,
        )
        self._publish = Histogram(
            "xaccel_publish_seconds",
            "Time to write a thumbnail to the cache.",
            buckets=_SECONDS,
        )
        self._waiting = Gauge(
            "xaccel_render_queue_length",
            "Requests that are waiting for a render.",
            multiprocess_mode="livesum",
        )
        self._rendering = Gauge(
            "xaccel_renders_in_progress",
            "Renders that are running.",
            multiprocess_mode="livesum",
        )
        self._cache_files = Gauge(
            "xaccel_cache_files",
            "Thumbnails in the cache.",
            multiprocess_mode="mostrecent",
        )
        self._cache_bytes = Gauge(
            "xaccel_cache_bytes",
            "Size of the thumbnails in the cache.",
            multiprocess_mode="mostrecent",
        )
        self._usage_is_due_at = 0.0
        self._sweeps = Counter("xaccel_cache_sweeps_total", "Sweeps of the cache.")
        self._swept_files = Counter(
            "xaccel_cache_swept_files_total", "Thumbnails that sweeps removed."
        )
        self._swept_bytes = Counter(
            "xaccel_cache_swept_bytes_total", "Size of the thumbnails that sweeps removed."
        )
        self._private_files = Counter(
            "xaccel_private_files_total",
            "Responses with a private file or with an error.",
            ["server", "status"],
        )
        self._sendfile = Counter(
            "xaccel_sendfile_total",
            "File responses of the app that the middleware handed over to the server.",
            ["server"],
        )
        self._bad_signatures = Counter(
            "xaccel_signature_failures_total",
            "Signed URLs that the app refused.",
            ["endpoint", "reason"],
        )
        self._kills = Counter(
            "xaccel_sandbox_kills_total",
            "Renders that the sandbox stopped.",
            ["layer"],
        )

    def phase(self, phase: Phase, image_format: str) -> AbstractContextManager[object]:
        """Measure a part of a request; see `xaccel._phases.Phase`."""
        match phase:
            case "wait":
                return self._measured_wait()
            case "render":
                return self._measured_render(image_format)
            case "fetch":
                return self._fetch.time()
            case "publish":
                return self._publish.time()
            case "verify":
                return _NOTHING

    @contextmanager
    def _measured_wait(self) -> Iterator[None]:
        with self._waiting.track_inprogress():
            start = time.perf_counter()
            yield
            # A request that is rejected because the queue is full has not waited.
            self._wait.observe(time.perf_counter() - start)

    @contextmanager
    def _measured_render(self, image_format: str) -> Iterator[None]:
        with self._rendering.track_inprogress(), self._render.labels(image_format).time():
            yield

    def thumbnail(self, result: str, image_format: str) -> None:
        """Count a request for a thumbnail."""
        labels = (result, image_format)
        counter = self._results.get(labels)
        if counter is None:
            counter = self._results[labels] = self._thumbnails.labels(*labels)
        counter.inc()

    def failed_thumbnail(self, error: XaccelError, image_format: str) -> None:
        """Count a request for a thumbnail that could not be rendered."""
        found = (result for kind, result in _RESULTS if isinstance(error, kind))
        self.thumbnail(next(found, "failed"), image_format)

    def private_file(self, server: str, status: int) -> None:
        """Count a response with a private file, or the error that was sent instead."""
        self._private_files.labels(server, str(status)).inc()

    def sendfile(self, server: str) -> None:
        """Count a file response that the middleware handed over to the server."""
        self._sendfile.labels(server).inc()

    def bad_signature(self, endpoint: Endpoint, reason: str) -> None:
        """Count a signed URL that the app refused."""
        self._bad_signatures.labels(endpoint, reason).inc()

    def sweep(self, removed: tuple[int, int], kept: tuple[int, int]) -> None:
        """Count a sweep, with the numbers of files and bytes that it removed and kept."""
        self._sweeps.inc()
        self._swept_files.inc(removed[0])
        self._swept_bytes.inc(removed[1])
        self.cache_usage(kept)

    def claim_cache_usage(self) -> bool:
        """Whether to measure the cache now. Returns `True` only once in `USAGE_SECONDS`."""
        now = time.monotonic()
        if now < self._usage_is_due_at:
            return False
        self._usage_is_due_at = now + USAGE_SECONDS
        return True

    def cache_usage(self, usage: tuple[int, int]) -> None:
        """Set the numbers of files and bytes in the cache."""
        self._usage_is_due_at = time.monotonic() + USAGE_SECONDS
        self._cache_files.set(usage[0])
        self._cache_bytes.set(usage[1])

    def sandbox_kill(self, layer: str) -> None:
        """Count a render that this layer of the sandbox stopped; see `RenderStopped`."""
        self._kills.labels(layer).inc()


METRICS = Metrics()
