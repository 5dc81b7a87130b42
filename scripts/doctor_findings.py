"""Print every finding of `xaccel doctor` as a Markdown table: its cause, its consequence, its fix.

    scripts/doctor_findings.py          # print the tables
    scripts/doctor_findings.py --write  # put them into docs/troubleshooting.md

The texts come from the source code. An ellipsis stands for a value that differs from site to site.
"""

from __future__ import annotations

import ast
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "python" / "xaccel"
PAGE = ROOT / "docs" / "troubleshooting.md"
BEGIN = "<!-- The findings, from scripts/doctor_findings.py --write -->\n"
END = "<!-- The end of the findings -->\n"

CHECKS = {
    "app": "Does the site respond?",
    "header": "Is the offload header hidden?",
    "internal": "Are internal prefixes closed?",
    "file": "Does the server send private files?",
    "ranges": "Do range requests work?",
    "head": "Do HEAD requests work?",
    "304": "Do conditional requests work?",
    "keep-alive": "Do connections stay open?",
    "clock": "Is the clock right?",
    "uploads": "Is there a limit for uploads?",
    "cache": "Can the app write to its cache?",
    "thumbnails": "Does the site render thumbnails?",
    "signature": "Are changed URLs refused?",
    "hits": "Does the server send finished thumbnails?",
    "accept": "Does each browser get a format that it supports?",
    "keys": "Can URLs be signed?",
    "space": "Is there space for the cache?",
    "store": "Does the store respond?",
    "sandbox": "Does the sandbox work?",
}
"""The checks in the order of the page, each with the question that it answers."""

_ANY = "…"


@dataclass(frozen=True)
class Finding:
    """A finding, as `xaccel doctor` prints it."""

    check: str
    cause: str
    consequence: str
    fix: str


class _Module:
    """The source of a module, with its constants and functions."""

    def __init__(self, path: Path) -> None:
        self.tree = ast.parse(path.read_text())
        self.functions = {
            node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)
        }
        self._constants = {
            node.targets[0].id: node.value
            for node in self.tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }

    def calls(self, name: str) -> Iterator[tuple[ast.FunctionDef, ast.Call]]:
        """Yield each call of a function, and the function that contains it."""
        for function in self.functions.values():
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
                    yield function, node

    def rows(self, function: ast.FunctionDef, arguments: list[ast.expr]) -> Iterator[list[str]]:
        """Yield the possible values of a call's arguments."""
        last = arguments[-1]
        if isinstance(last, ast.Starred):
            head = [self.texts(function, each) for each in arguments[:-1]]
            for row in self._values(last.value):
                parts = [each for each in ast.iter_child_nodes(row) if isinstance(each, ast.expr)]
                tail = [self.texts(function, each) for each in parts]
                yield from map(list, itertools.product(*head, *tail))
        else:
            texts = [self.texts(function, each) for each in arguments]
            # A cause with several variants is one row; so is a fix that depends on the cause.
            yield ["<br>Or: ".join(dict.fromkeys(each)) for each in texts]

    def texts(self, function: ast.FunctionDef, node: ast.expr) -> list[str]:
        """Return the strings that an expression may produce."""
        alternatives: list[ast.expr] = []
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return self._joined(function, parts)
            case ast.BinOp(left=left, right=right):
                return self._joined(function, [left, right])
            case ast.Attribute(attr=field, value=ast.Name(id=name)):
                return self._checked(function, name, field)
            case ast.Call(
                func=ast.Attribute(attr="removesuffix", value=value),
                args=[ast.Constant(value=str(suffix))],
            ):
                return [text.removesuffix(suffix) for text in self.texts(function, value)]
            case ast.FormattedValue(value=value):
                alternatives = [value]
            case ast.IfExp(body=body, orelse=orelse):
                alternatives = [body, orelse]
            case ast.Name(id=name):
                alternatives = _assigned(function, name)
            case ast.Call(func=ast.Attribute(attr="get", value=ast.Name() as name), args=[_, last]):
                alternatives = [*self._values(name), last]
        return [text for each in alternatives for text in self.texts(function, each)] or [_ANY]

    def _joined(self, function: ast.FunctionDef, parts: list[ast.expr]) -> list[str]:
        texts = [self.texts(function, part) for part in parts]
        return ["".join(each) for each in itertools.product(*texts)]

    def _values(self, node: ast.expr) -> list[ast.expr]:
        """Return the values of a constant dict."""
        name = node.value if isinstance(node, ast.Subscript) else node
        constant = self._constants[ast.unparse(name)]
        return constant.values if isinstance(constant, ast.Dict) else []

    def _checked(self, function: ast.FunctionDef, name: str, field: str) -> list[str]:
        """Return a field of the `Check` that a function of `xaccel.health` returns."""
        for value in _assigned(function, name):
            if isinstance(value, ast.Call) and ast.unparse(value.func).startswith("health."):
                called = ast.unparse(value.func).removeprefix("health.")
                for found, call in _HEALTH.calls("Check"):
                    if found.name == called and len(call.args) == len(_FIELDS):
                        return _HEALTH.texts(found, call.args[_FIELDS.index(field)])
        return [_ANY]


_FIELDS = ("name", "problem", "consequence", "fix")
_HEALTH = _Module(PACKAGE / "health.py")


def _assigned(function: ast.FunctionDef, name: str) -> list[ast.expr]:
    return [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]


def findings() -> list[Finding]:
    """Return all findings that the checks of `xaccel doctor` can report."""
    found = [
        Finding(*row)
        for path in sorted((PACKAGE / "doctor").glob("*.py"))
        for module in [_Module(path)]
        for function, call in module.calls("finding")
        for row in module.rows(function, call.args)
    ]
    found += [
        Finding(*row)
        for function, call in _HEALTH.calls("Check")
        if len(call.args) == len(_FIELDS)
        for row in _HEALTH.rows(function, call.args)
    ]
    # `--local` repeats the checks of `xaccel.health`.
    return [each for each in found if each.cause != _ANY]


def tables() -> str:
    """Return a heading and a table for each check."""
    found = findings()
    unknown = {each.check for each in found} - set(CHECKS)
    if unknown:
        raise SystemExit(f"doctor_findings: add {unknown} to CHECKS")
    lines = []
    for check, question in CHECKS.items():
        lines += [
            f"### `{check}`: {question}",
            "",
            "| finding | consequence | fix |",
            "|---|---|---|",
        ]
        lines += [
            f"| {_cell(each.cause)} | {_cell(each.consequence)} | {_cell(each.fix)} |"
            for each in found
            if each.check == check
        ]
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Print the tables, or write them to the page."""
    if arguments != ["--write"]:
        print(tables())
        return 0
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{tables()}\n{END}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
