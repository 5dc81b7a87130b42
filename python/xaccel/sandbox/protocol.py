"""What the app's process, the launcher and the workers agree on."""

from __future__ import annotations

import struct
from dataclasses import dataclass

CONNECTION = 3
"""The number of the descriptor with which the launcher and each worker reach the app."""

MAX_SETUP = 64 * 1024
"""The maximum number of bytes of a pickled `Setup`."""

READY = b"ready"
"""What the launcher sends when workers can be started, and a worker when it is in its cage."""

START = b"start"
"""What the app sends with the descriptors of a new worker: its connection, the connection on which
the launcher reports its end, and its standard error stream."""

KILL = b"kill"
"""What the app sends to end a worker, on the connection that reports its end."""

STATUS = struct.Struct("!i")
"""The report of a worker's end: the status that `os.waitpid` returns."""


@dataclass(frozen=True, slots=True)
class Cage:
    """What holds a worker."""

    layers: tuple[str, ...]
    """The layers of the kernel; see `xaccel._core.sandbox_layers`."""
    memory: int
    """The maximum number of bytes of address space that jobs may use."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the launcher needs to know."""

    decoders: tuple[str, ...] | None
    """The enabled decoders; see `Config.thumbnail_decoders`."""
    fonts: tuple[str, ...] | None
    """The fonts for text in SVG images; see `Config.thumbnail_fonts`."""
    cage: Cage


class InvalidReply(Exception):
    """A worker sent something other than a reply."""
