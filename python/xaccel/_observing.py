"""What the app reports about its own work: metrics and the spans of a trace.

Both are off by default. While both are off, `observer()` returns `None`, and neither
prometheus_client nor OpenTelemetry is imported.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xaccel._core import Cache
from xaccel._phases import Endpoint, Phase
from xaccel.config import Config
from xaccel.exceptions import BadSignature, ConfigError, SignatureExpired, XaccelError

if TYPE_CHECKING:
    from xaccel.metrics import Metrics
    from xaccel.tracing import Spans


_NOTHING = nullcontext()


@dataclass(frozen=True, slots=True)
class Observer:
    """Reports events to the metrics and to the trace."""

    metrics: Metrics | None
    spans: Spans | None

    def phase(self, phase: Phase, image_format: str) -> AbstractContextManager[object]:
        """Measure a part of a request."""
        if self.spans is None:
            return _NOTHING if self.metrics is None else self.metrics.phase(phase, image_format)
        span = self.spans.phase(phase, image_format)
        return (
            span if self.metrics is None else _both(self.metrics.phase(phase, image_format), span)
        )

    def rendered(self, decode_seconds: float, encode_seconds: float) -> None:
        """Split a render that has just ended into its two parts."""
        if self.spans is not None:
            self.spans.rendered(decode_seconds, encode_seconds)

    def thumbnail(self, result: str, image_format: str) -> None:
        """Count a request for a thumbnail.

        Args:
            result: `hit`, `rendered`, `stored`, or another value of the metric's label.
            image_format: The thumbnail's format; empty if it is not known.
        """
        if self.metrics is not None:
            self.metrics.thumbnail(result, image_format)

    def failed_thumbnail(self, error: XaccelError, image_format: str) -> None:
        """Count a request for a thumbnail that could not be rendered."""
        if self.metrics is not None:
            self.metrics.failed_thumbnail(error, image_format)

    def private_file(self, server: str, status: int) -> None:
        """Count a response with a private file, or the error that was sent instead."""
        if self.metrics is not None:
            self.metrics.private_file(server, status)

    def sendfile(self, server: str) -> None:
        """Count a file response that the middleware handed over to the server."""
        if self.metrics is not None:
            self.metrics.sendfile(server)

    def bad_signature(self, endpoint: Endpoint, error: XaccelError, query: str) -> None:
        """Count an invalid signature. Other errors are ignored."""
        if self.metrics is not None and isinstance(error, BadSignature):
            self.metrics.bad_signature(endpoint, _reason(error, query))

    def sweep(self, removed: tuple[int, int], kept: tuple[int, int]) -> None:
        """Count a sweep of the cache.

        Args:
            removed: How many thumbnails were removed, and their size in bytes.
            kept: How many thumbnails are left, and their size in bytes.
        """
        if self.metrics is not None:
            self.metrics.sweep(removed, kept)

    def cache_used(self, cache: Cache) -> None:
        """Measure a cache in the background, if it was last measured some time ago."""
        if self.metrics is not None and self.metrics.claim_cache_usage():
            # Reading all directories takes a while.
            threading.Thread(
                target=_measure, args=(self.metrics, cache), name="xaccel-usage", daemon=True
            ).start()

    def sandbox_kill(self, layer: str) -> None:
        """Count a render that a layer of the sandbox stopped; see `RenderStopped`."""
        if self.metrics is not None:
            self.metrics.sandbox_kill(layer)


def observer(config: Config) -> Observer | None:
    """Return the observer for these settings, or `None` if metrics and traces are off.

    Raises:
        ConfigError: The package for a setting is not installed.
    """
    if not (config.metrics or config.tracing):
        return None
    metrics = spans = None
    if config.metrics:
        try:
            from xaccel.metrics import METRICS  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise _missing("METRICS", "prometheus_client", "metrics") from error
        metrics = METRICS
    if config.tracing:
        try:
            from xaccel.tracing import Spans  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise _missing("TRACING", "opentelemetry-api", "otel") from error
        spans = Spans()
    return Observer(metrics, spans)


def phase(
    observer: Observer | None, name: Phase, image_format: str = ""
) -> AbstractContextManager[object]:
    """Measure a part of a request, if there is an observer."""
    return _NOTHING if observer is None else observer.phase(name, image_format)


@contextmanager
def _both(
    outer: AbstractContextManager[object], inner: AbstractContextManager[object]
) -> Iterator[None]:
    with outer, inner:
        yield


def _measure(metrics: Metrics, cache: Cache) -> None:
    # The app works without its cache, and logs what is wrong with it.
    with suppress(OSError):
        metrics.cache_usage(cache.usage())


def _missing(setting: str, package: str, extra: str) -> ConfigError:
    return ConfigError(
        f"XACCEL[{setting!r}] needs the package {package}: pip install 'xaccel[{extra}]'"
    )


def _reason(error: BadSignature, query: str) -> str:
    if isinstance(error, SignatureExpired):
        return "expired"
    has_key = any(param.startswith("key=") for param in query.split("&"))
    return "invalid" if has_key else "missing"
