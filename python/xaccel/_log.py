"""Log lines: safe text for visitors' input, fields for JSON formatters, and a rate limit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

MOST_PER_MINUTE = 60
"""The maximum number of lines about invalid URLs or headers that each logger of a process writes
per minute."""

_MINUTE = 60.0


def one_line(value: object) -> str:
    """Return a value as text that cannot break or disguise a log line.

    Characters that are not printable are escaped as in a Python string.
    """
    text = str(value)
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


def fields(event: str, **values: object) -> dict[str, object]:
    """Return the argument `extra` of a logging call: the event and its details.

    The names in the log record begin with `xaccel_`, because a record must not have two attributes
    of the same name.

    Args:
        event: What happened, such as `thumbnail_failed`.
        values: The details.
    """
    return {
        "xaccel_event": event,
        **{f"xaccel_{name}": value for name, value in values.items()},
    }


class RateLimit:
    """A filter that limits how many lines a process logs about events that visitors can cause.

    The first line after a pause has the field `xaccel_suppressed`: the number of lines that were
    left out.

    Args:
        now: The clock, in seconds.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._minute = -1
        self._logged = 0
        self._suppressed = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log a record. Only records with the field `xaccel_is_limited` count."""
        if not getattr(record, "xaccel_is_limited", False):
            return True
        # Don't add a lock here: a forked process could inherit it while another thread holds it.
        minute = int(self._now() // _MINUTE)
        if minute != self._minute:
            self._minute, self._logged = minute, 0
        if self._logged >= MOST_PER_MINUTE:
            self._suppressed += 1
            return False
        self._logged += 1
        record.xaccel_suppressed, self._suppressed = self._suppressed, 0
        return True
