"""The layout of `--help`: wrapped text, examples, and the meaning of the exit status."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from typing import Any

_WIDTH = 80

EXIT_STATUS = (
    "Exit status: 0 on success, 1 if the command finds a problem, 2 if its arguments or the "
    "settings are invalid."
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
    """Add a command to a parser's subcommands.

    Args:
        commands: The return value of `add_subparsers()`.
        name: The command's name.
        summary: A short description for the list of commands.
        description: A description of a few sentences.
        examples: Complete command lines.
        notes: The closing paragraphs.
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
    """Return the examples, followed by the notes."""
    lines = "\n".join(f"  {example}" for example in examples)
    return "\n\n".join([f"examples:\n{lines}", *map(wrapped, notes)])


def wrapped(text: str) -> str:
    """Wrap a paragraph to the width of the help text."""
    return textwrap.fill(text, _WIDTH)
