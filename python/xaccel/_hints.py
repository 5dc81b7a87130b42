"""Hints in error messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'name'?` with the known name nearest to `word`, if one is near."""
    names = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(word.lower(), names, n=1)
    return f"; did you mean {names[matches[0]]!r}?" if matches else ""
