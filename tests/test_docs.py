import ast
import re
from dataclasses import fields
from pathlib import Path

from xaccel.config import Config

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "python"
REPOSITORY = "https://github.com/xaccel/xaccel/blob/main/"
RAW = "https://raw.githubusercontent.com/xaccel/xaccel/main/"


def test_every_setting_is_documented_and_none_that_is_not():
    text = (ROOT / "docs" / "settings.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE))
    assert documented == {option.name.upper() for option in fields(Config)}


def test_links_lead_somewhere():
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    for page in (*pages, *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
            if target.startswith((REPOSITORY, RAW)):
                file = ROOT / target.removeprefix(REPOSITORY).removeprefix(RAW)
            elif target.startswith("https://"):
                continue
            else:
                file = page.parent / target
            assert file.exists(), f"{page.name}: {target}"


def test_public_modules_have_the_documented_names():
    rows = re.findall(r"^\| `(xaccel[\w.]*)` \| (.*) \|$", page("api.md"), re.MULTILINE)
    assert len(rows) > 10
    for module, names in rows:
        documented = set(re.findall(r"`(\w+)(?:\(\))?`", names))
        defined, exported = names_of(module)
        assert documented <= defined, f"{module} has no {documented - defined}"
        assert exported <= documented, f"docs/api.md lacks {module}: {exported - documented}"


def page(name):
    return (ROOT / "docs" / name).read_text()


def names_of(module):
    """The top-level names of a module, and those in its `__all__`. The module is not imported."""
    path = PACKAGE.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    defined, exported = set(), set()
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                exported = set(ast.literal_eval(value))
            case ast.Assign(targets=[ast.Name(id=name)]):
                defined.add(name)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                defined.add(name)
            case ast.ImportFrom(names=names):
                defined |= {alias.asname or alias.name for alias in names}
    return defined | exported, exported
