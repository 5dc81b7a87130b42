"""Finds the interpreter that runs this process's code."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

_NAME = re.compile(r"python(\d(\.\d+)?t?)?(\.exe)?")


def interpreter() -> str | None:
    """Return the path of the interpreter, or `None` if it is not found.

    In a process that embeds Python, such as uWSGI, `sys.executable` is another program or empty.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [
        sys.executable,
        *(
            os.path.join(prefix, "bin", name)  # noqa: PTH118
            for prefix in (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix)
            for name in (version, f"python{sys.version_info.major}")
        ),
    ]
    for candidate in candidates:
        path = Path(candidate)
        if _NAME.fullmatch(path.name) and path.is_absolute() and os.access(path, os.X_OK):
            return candidate
    return None
