"""List phrases that make a reader stop, in all text that people read.

    scripts/check_english.py             # documents, code, templates of this repository
    scripts/check_english.py FILE...     # these files only

The script checks prose in Markdown, and comments and string literals in code. It skips code in
backticks. The exit status is 1 if a phrase is found. Rewrite the whole sentence: a synonym seldom
helps.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent

WHERE = (
    "*.md",
    "*.toml",
    "Makefile",
    "benches/*.py",
    "crates/**/*.md",
    "crates/**/*.rs",
    "crates/*/Cargo.toml",
    "docs/**/*.md",
    "docs/site.*",
    "docs/*.toml",
    "examples/**/*.html",
    "examples/**/*.md",
    "examples/**/*.py",
    "fuzz/**/*.rs",
    "python/**/*.css",
    "python/**/*.js",
    "python/**/*.py",
    "python/**/*.pyi",
    "scripts/*",
    "src/**/*.rs",
    "tests/**/*.md",
)
"""Patterns of the files to check."""

GENERATED = {"target", "__pycache__"}
"""Names of directories to skip."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """A phrase to avoid."""

    regex: re.Pattern[str]
    advice: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A phrase that was found."""

    line: int
    phrase: str
    advice: str


def _pattern(regex: str, advice: str) -> Pattern:
    # Text is wrapped: a space in a pattern may be the end of a line.
    return Pattern(regex=re.compile(regex.replace(" ", "[ \n]"), re.IGNORECASE), advice=advice)


PATTERNS = (
    _pattern(
        r"(?<!\bthere )\b(?:is|are|was|were) no\b"
        r"(?! (?:longer|more|fewer|less|larger|smaller|later|earlier|newer|older|greater)\b)",
        "say `is not a`, `does not`, `has no`",
    ),
    _pattern(r"\bso many\b", "name the quantity"),
    _pattern(
        r"(?<!\btwice )(?<!\btimes )\bas many\b",
        "give the bound: `at most`, `up to`, `one for each`",
    ),
    _pattern(
        r"\b(?:whoever|whatever|whosoever|whatsoever)\b",
        "name who or what: `anyone who`, `any`, `regardless of`",
    ),
    _pattern(r"\bmend(?:s|ed|ing)?\b", "say `fix`"),
    _pattern(r"\btold\b", "say `configured to`, `instructed`, `distinguished`, `reported`"),
    _pattern(r"\bbeside\b", "say `next to`, `besides` or `compared with`"),
    _pattern(r"\bbe had\b", "say `is available`, `works`"),
    _pattern(r"\b(?:is|are|was|were) (?:not )?to be\b", "say `must`, `should` or `can`"),
    _pattern(r"\bfor ever\b", "say `forever`, `without expiry`, `never expires`"),
    _pattern(r"\bimpossible\b(?! to\b)", "say `invalid`"),
    _pattern(r"\bwhich there (?:is|are)\b", "turn the clause round: `without`, `has no`"),
    _pattern(r"\bnone (?:that|of which)\b", "say it positively, or name the noun"),
    _pattern(r"\b(?:that|which|as|what) nobody\b", "name the state: `unused`, `free`"),
    _pattern(r"\bby itself alone\b", "say `by itself` or `alone`"),
    _pattern(r"\bat the most\b", "say `at most`"),
    _pattern(r"\bof no (?:importance|consequence|use|interest)\b", "say `does not matter`"),
    _pattern(r"\bknows? nothing of\b", "say `does not know`"),
    _pattern(r"\breckon(?:s|ed|ing)?\b", "say `compute`, `count`"),
    _pattern(r"\banew\b", "say `again`"),
    _pattern(r"\b(?:is|are|be|was|were) let\b", "say `is allowed to`, `can`"),
    _pattern(r"\bfor the time of\b", "say `during`, `while`"),
    _pattern(
        r"\b(?:albeit|hitherto|lest|thence|whence|therein|thereof|wherein|whereof|whilst)\b",
        "use an everyday word",
    ),
    _pattern(r"\bbut for\b", "say `except`, `apart from`"),
    _pattern(r"\bthose who\b", "name them: `visitors`, `requests`"),
    _pattern(
        r"(?:\A|(?<=[.;:] ))(?-i:What) (?:is|are|was|were)\b(?![^.]*\?)",
        "name the thing: `The bytes that are left`",
    ),
    # An inverted clause ("Who only reads needs none"), as opposed to a question.
    _pattern(
        r"(?:\A|(?<=[.;:] ))(?-i:Who) (?![^.]*\?)\w+",
        "turn the clause round: `If you only read, you need`",
    ),
)


def check(name: str, text: str) -> list[Finding]:
    """Return the phrases to avoid in a file.

    Args:
        name: The file's name, whose extension determines the kind of text.
        text: Its content.
    """
    found: list[Finding] = []
    for first, block in _prose(name)(text):
        words = _words(block)
        matches = [
            (match, pattern.advice)
            for pattern in PATTERNS
            for match in pattern.regex.finditer(words)
        ]
        for match, advice in sorted(matches, key=lambda pair: pair[0].start()):
            line = first + words.count("\n", 0, match.start())
            phrase = " ".join(match.group().split())
            found.append(Finding(line=line, phrase=phrase, advice=advice))
    return found


def _words(block: str) -> str:
    """Return the text without code in backticks. One space or line break separates words."""
    block = re.sub(r"(`+)(?!`).+?\1", "`", block)
    return re.sub(r"[ \t]*(\n)[ \t]*|[ \t]+", lambda space: space[1] or " ", block)


_Block = tuple[int, str]
"""The number of the block's first line, and its text."""


def _prose(name: str) -> Callable[[str], Iterator[_Block]]:
    match Path(name).suffix:
        case ".md":
            return _markdown
        case ".py" | ".pyi":
            return _python
        case ".rs" | ".js" | ".css":
            return _c_like
        case _:
            return _plain


def _plain(text: str) -> Iterator[_Block]:
    """Yield the paragraphs without the characters that begin a comment."""
    for start, lines in _paragraphs(text):
        yield start, "\n".join(re.sub(r"^\s*#+ ?", "", line) for line in lines)


def _markdown(text: str) -> Iterator[_Block]:
    """Yield paragraphs and tables, without fenced and indented code."""
    blanked = re.sub(
        r"^( *)(```+|~~~+).*?^ *\2 *$",
        lambda code: "\n" * code[0].count("\n"),
        text,
        flags=re.MULTILINE | re.DOTALL,
    )
    for start, lines in _paragraphs(blanked):
        if not lines[0].startswith("    "):
            yield start, "\n".join(lines)


def _paragraphs(text: str) -> Iterator[tuple[int, list[str]]]:
    lines: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line.strip():
            lines.append(line)
        elif lines:
            yield number - len(lines), lines
            lines = []


def _python(text: str) -> Iterator[_Block]:
    """Yield comments and strings. Pieces on successive lines form one block."""
    pieces: list[tuple[int, str, str]] = []
    middle = getattr(tokenize, "FSTRING_MIDDLE", None)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            pieces.append((token.start[0], "#", token.string.lstrip("# ")))
        elif token.type == tokenize.STRING:
            pieces.append((token.start[0], '"', _unquoted(token.string)))
        elif token.type == middle:
            pieces.append((token.start[0], '"', token.string))
        elif token.type == tokenize.OP and token.string in ",;":
            pieces.append((token.start[0], token.string, ""))
    return _joined(pieces)


def _unquoted(literal: str) -> str:
    body = re.sub(r"""\A\w*('''|\"""|'|")(.*)\1\Z""", r"\2", literal, flags=re.DOTALL)
    return _message(body.replace("\\n", " "))


def _message(text: str) -> str:
    """Return the text of a format string without the names in its placeholders."""
    return re.sub(r"\{[^{}\n]*\}", "{}", text)


_C_LIKE = re.compile(
    r"""
      (?P<line>//[/!]?[^\n]*)
    | (?P<block>/\*.*?\*/)
    | b?r(?P<hashes>\#*)"(?P<raw>.*?)"(?P=hashes)
    | b?"(?P<string>(?:[^"\\]|\\.)*)"
    | '(?:[^'\\\n]|\\.[^'\n]*)'             # a character, which may be a quote
    """,
    re.VERBOSE | re.DOTALL,
)


def _c_like(text: str) -> Iterator[_Block]:
    """Yield comments and strings of Rust, JavaScript or CSS. Successive comments form a block."""
    pieces: list[tuple[int, str, str]] = []
    for match in _C_LIKE.finditer(text):
        number = text.count("\n", 0, match.start()) + 1
        if match["line"] is not None:
            sign = re.match(r"//[/!]?", match["line"])
            kind = sign[0] if sign else "//"
            pieces.append((number, kind, match["line"].removeprefix(kind).strip()))
        elif match["block"] is not None:
            pieces.append((number, "/*", match["block"]))
        elif (string := match["raw"] or match["string"]) is not None:
            pieces += [(number, '"', _message(string)), (number, ",", "")]
    return _joined(pieces)


def _joined(pieces: list[tuple[int, str, str]]) -> Iterator[_Block]:
    """Yield adjacent pieces of one kind as one block, up to a comma or an empty comment line."""
    start, last, kind, block = 0, 0, "", ""
    for number, sort, piece in pieces:
        if sort == kind and piece and number - last <= 1:
            block += ("\n" if number > last else "") + piece
        else:
            if block:
                yield start, block
            start, kind, block = number, sort, piece
        last = number + piece.count("\n")
    if block:
        yield start, block


def files() -> Iterable[Path]:
    """Return the files of this repository that people read, except this list of phrases."""
    found = {path for pattern in WHERE for path in ROOT.glob(pattern) if path.is_file()}
    found.discard(Path(__file__))
    return sorted(path for path in found if GENERATED.isdisjoint(path.parts))


def main(arguments: list[str]) -> int:
    """Print the phrases that were found. Return 1 if there are any."""
    paths = [Path(argument) for argument in arguments] or files()
    count = 0
    for path in paths:
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        for finding in check(path.name, path.read_text()):
            print(f"{shown}:{finding.line}: {finding.phrase!r}: {finding.advice}")
            count += 1
    if count:
        print(f"{count} phrases to rewrite.", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
