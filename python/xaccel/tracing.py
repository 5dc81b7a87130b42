"""Spans for OpenTelemetry: one for each part of a request for a thumbnail or a signed link.

`TRACING = True` switches them on. They belong to the current span, which your framework's
instrumentation starts, and go to the tracer provider that your app sets.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import final

from opentelemetry import trace

from xaccel._core import __version__
from xaccel._phases import Phase

_NANOSECONDS = 1_000_000_000


@final
class Spans:
    """Starts spans."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer("xaccel", __version__)

    def phase(self, phase: Phase, image_format: str) -> AbstractContextManager[object]:
        """Start a span for a part of a request; see `xaccel._phases.Phase`."""
        attributes = {"xaccel.format": image_format} if image_format else {}
        return self._tracer.start_as_current_span(f"xaccel.{phase}", attributes=attributes)

    def rendered(self, decode_seconds: float, encode_seconds: float) -> None:
        """Add spans for the two parts of a render that has just ended, within the render's span."""
        end = time.time_ns()
        encoded = end - int(encode_seconds * _NANOSECONDS)
        decoded = encoded - int(decode_seconds * _NANOSECONDS)
        self._tracer.start_span("xaccel.decode", start_time=decoded).end(encoded)
        self._tracer.start_span("xaccel.encode", start_time=encoded).end(end)
