"""`docs/troubleshooting.md` explains every finding, error, message and check in the code."""

import ast
import re
from pathlib import Path

from xaccel import exceptions

from scripts import doctor_findings
from tests.support.doc_pages import page

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "python" / "xaccel"
PAGE = page("docs/troubleshooting.md")
ERRORS = {
    name: error
    for name, error in vars(exceptions).items()
    if isinstance(error, type) and issubclass(error, exceptions.XaccelError)
}
COMMANDS = ("cli", "services", "servers")
"""The packages whose messages begin with an option of a command."""


def test_every_finding_of_doctor():
    found = doctor_findings.findings()
    assert {each.check for each in found} == set(doctor_findings.CHECKS)
    assert doctor_findings.tables() in PAGE, "run scripts/doctor_findings.py --write"


def test_each_part_of_a_finding_is_one_sentence():
    for each in doctor_findings.findings():
        for text in (each.cause, each.consequence, each.fix):
            assert re.fullmatch(r"[A-Z…`](?:(?![.!?] [A-Z`]).)*\.", text), text


def test_every_error_with_its_status():
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d{3}) \|", PAGE, re.MULTILINE))
    statuses = {name: str(error.status_code) for name, error in ERRORS.items()}
    assert {"XaccelError": "500", **rows} == statuses


def test_every_check_of_django():
    ids = {
        match
        for path in (PACKAGE / "django").rglob("*.py")
        for match in re.findall(r'id="(xaccel\.\w+)"', path.read_text())
    }
    assert ids == set(re.findall(r"^\| `(xaccel\.[EW]\d+)` \|", PAGE, re.MULTILINE))


def template(node):
    """A message with an ellipsis for each value."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(template, parts))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return template(left) + template(right)
        case ast.IfExp(body=body):
            return template(body)
    return "…"


def messages():
    """The messages of all errors, with the places that raise them."""
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        if place.parts[0] in COMMANDS and place.parts[1] != "dialects":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ERRORS
                and node.args
            ):
                yield f"{place}:{node.lineno}", template(node.args[0])
    for path in sorted((ROOT / "src").rglob("error.rs")):
        for text in re.findall(r'#\[error\(\s*"((?:[^"\\]|\\.)*)"', path.read_text()):
            joined = re.sub(r"\\\n\s*", "", text)
            yield path.name, re.sub(r"\{[^}]*\}", "…", joined).replace('\\"', '"')


def plain(text):
    """A message with a single ellipsis for each value, whether or not it is in quotes."""
    return re.sub("…+", "…", text.replace("'…'", "…"))


def patterns():
    for row in re.findall(r"^\| `([^`]*(?: [^`]*)?)` \|", PAGE, re.MULTILINE):
        yield re.compile(".*".join(map(re.escape, plain(row).split("…"))), re.DOTALL)


def test_every_message():
    known = list(patterns())
    assert len(known) > 100
    missing = [
        f"{place}: {message}"
        for place, message in messages()
        # With fewer words, the message consists of values, such as the text of another error.
        if len(re.findall(r"\w{2,}", message)) > 1
        and not any(each.fullmatch(plain(message)) for each in known)
    ]
    assert not missing, "\n".join(missing)
