"""Shows the progress of a command: a tqdm bar in a terminal, lines of text elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

_SECONDS = 10
"""The minimum number of seconds between two lines of text."""


class Progress:
    """The progress of a command, on standard error.

    Args:
        total: The number of items; `None` if it is not known.
        unit: The noun for an item, such as `image`.
    """

    def __init__(self, total: int | None, unit: str) -> None:
        self._total = total
        self._unit = unit
        self._done = 0
        self._start = self._shown = time.monotonic()
        self._bar = _bar(total, unit) if sys.stderr.isatty() else None

    def advance(self) -> None:
        """Count one more finished item."""
        self._done += 1
        if self._bar is not None:
            self._bar.update()
            return
        now = time.monotonic()
        if now - self._shown >= _SECONDS:
            self._shown = now
            print(self._line(now - self._start), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Stop updating the display, and leave its last line on the screen."""
        if self._bar is not None:
            self._bar.close()

    def _line(self, seconds: float) -> str:
        rate = self._done / seconds
        if self._total is None:
            return f"{self._done} {self._unit}s, {rate:.1f} a second"
        left = max(0, self._total - self._done) / rate
        return (
            f"{self._done} of {self._total} {self._unit}s, {rate:.1f} a second, "
            f"{_duration(left)} left"
        )


def _bar(total: int | None, unit: str) -> Any:
    """Return a tqdm bar, or `None` if tqdm is not installed."""
    try:
        from tqdm import tqdm  # noqa: PLC0415
    except ModuleNotFoundError:
        return None
    # tqdm must not start a thread, because dead processes are replaced by forking.
    tqdm.monitor_interval = 0
    return tqdm(total=total, unit=unit, dynamic_ncols=True, smoothing=0.05)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
