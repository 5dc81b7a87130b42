"""Safe text for log lines, whose parts may come from visitors."""

from __future__ import annotations


def one_line(value: object) -> str:
    """Return a text in which nothing can end the line or hide a part of it.

    What is not printable is escaped as in a Python string.
    """
    text = str(value)
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )
