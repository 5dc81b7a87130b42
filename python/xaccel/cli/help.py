"""How the help of the command reads: wrapped here, with examples and what the exit status means."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from typing import Any

_WIDTH = 80

EXIT_STATUS = (
    "Exit status: 0 when all is well, 1 when something was found wrong, 2 when the command can't "
    "do what it was asked for: wrong usage, wrong settings."
)


def add_command(
    commands: Any,
    name: str,
    *,
    summary: str,
    description: str,
    examples: Sequence[str],
    notes: Sequence[str] = (EXIT_STATUS,),
) -> argparse.ArgumentParser:
    """Add a command to those that `add_subparsers()` gave.

    Args:
        commands: Those.
        name: The command's name.
        summary: What it does, for the list of commands.
        description: What it does, in a few sentences.
        examples: Whole command lines.
        notes: Paragraphs that come last.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=wrapped(description),
        epilog=epilog(examples, notes),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def epilog(examples: Sequence[str], notes: Sequence[str]) -> str:
    """Examples, and paragraphs."""
    lines = "\n".join(f"  {example}" for example in examples)
    return "\n\n".join([f"examples:\n{lines}", *map(wrapped, notes)])


def wrapped(text: str) -> str:
    """A paragraph, wrapped."""
    return textwrap.fill(text, _WIDTH)
