"""What this machine offers for the sandbox."""

from __future__ import annotations

from xaccel._core import sandbox_layers
from xaccel.sandbox.interpreter import interpreter

_NAMES = {"landlock": "Landlock (Linux 5.13 or later)", "seccomp": "seccomp (Linux)"}


def missing() -> list[str]:
    """Return what this machine lacks for the complete sandbox, as text for messages."""
    layers = sandbox_layers()
    absent = [text for name, text in _NAMES.items() if name not in layers]
    if interpreter() is None:
        absent.append("the Python interpreter of this process")
    return absent


def is_possible() -> bool:
    """Whether `THUMBNAIL_SANDBOX = "auto"` uses the sandbox. Landlock is optional."""
    return "seccomp" in sandbox_layers() and interpreter() is not None
