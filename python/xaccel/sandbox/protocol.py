"""What the app's process, the launcher and the workers agree on."""

from __future__ import annotations

import struct
from dataclasses import dataclass

CONNECTION = 3
"""The number of the descriptor over which the launcher and each worker reach the app."""

MAX_SETUP = 64 * 1024
"""The maximum number of bytes of a pickled `Setup`."""

READY = b"ready"
"""The launcher sends this message when workers can be started. A worker sends it when it is in its
cage."""

START = b"start"
"""The app sends this message to start a worker. It comes with three descriptors: the worker's
connection, the connection on which the launcher reports the worker's end, and the worker's standard
error stream."""

KILL = b"kill"
"""The app sends this message to end a worker, on the connection that reports the worker's end."""

STATUS = struct.Struct("!i")
"""The report of a worker's end: the status that `os.waitpid` returns."""


@dataclass(frozen=True, slots=True)
class Cage:
    """The restrictions on a worker."""

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
