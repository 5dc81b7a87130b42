"""Hints in error messages."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import PurePath


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'name'?` with the closest known name, or `""` if none is close."""
    names = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(word.lower(), names, n=1)
    return f"; did you mean {names[matches[0]]!r}?" if matches else ""


def shown(value: object) -> str:
    """Return a value in a form that is safe to show in an error message.

    The user name, password, query and fragment of a URL are removed. An object that is neither
    a plain value nor a collection is represented by the name of its type.
    """
    if isinstance(value, str | PurePath):
        return _shown_text(str(value))
    if isinstance(value, Mapping):
        items = ", ".join(f"{shown(key)}: {shown(item)}" for key, item in value.items())
        return f"{{{items}}}"
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{', '.join(map(shown, value))}]"
    if value is None or isinstance(value, bool | int | float | timedelta):
        return repr(value)
    return f"an object of type {type(value).__name__}"


def _shown_text(text: str) -> str:
    before, at, rest = text.rpartition("@")
    if at and (":" in before or "//" in before):
        scheme, colon, _ = before.partition("://")
        text = f"{scheme}{colon}…@{rest}" if colon else f"…@{rest}"
    if "//" in text:
        text = re.sub(r"(?s)([?#]).+", r"\1…", text, count=1)
    return repr(text)
