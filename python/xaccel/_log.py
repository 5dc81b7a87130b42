"""Safe text for log lines that contain input from visitors."""

from __future__ import annotations


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
