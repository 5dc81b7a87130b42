import ast
import io
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from xaccel import Spec, thumbnail
from xaccel.config import Config
from xaccel.thumbnails.specs import OPTIONS

from scripts import option_pictures
from tests.support.thumbnail_images import difference

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "python"
REPOSITORY = "https://github.com/xaccel/xaccel/blob/main/"
SITE = "https://xaccel.github.io/xaccel/"
RAW = "https://raw.githubusercontent.com/xaccel/xaccel/main/"


def test_every_setting_is_documented_and_none_that_is_not():
    text = (ROOT / "docs" / "settings.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", text, re.MULTILINE))
    assert documented == {option.name.upper() for option in fields(Config)}


def test_the_first_page_has_the_supported_versions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    prefix = "Programming Language :: Python :: "
    pythons = [each.removeprefix(prefix) for each in project["classifiers"] if prefix in each]
    assert project["requires-python"] == f">={pythons[0]}"
    rows = [f"| Python | {pythons[0]} to {pythons[-1]} |"]
    for framework in ("Flask", "Django", "Starlette"):
        (requirement,) = project["optional-dependencies"][framework.lower()]
        lowest = requirement.removeprefix(f"{framework.lower()}>=")
        rows.append(f"| {framework} | {lowest} and later |")
    text = (ROOT / "docs" / "index.md").read_text()
    assert [row for row in rows if row not in text] == []


def test_links_lead_somewhere():
    documents = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
    pages = [ROOT / name for name in documents]
    for page in (*pages, *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
            if target.startswith((REPOSITORY, RAW)):
                file = ROOT / target.removeprefix(REPOSITORY).removeprefix(RAW)
            elif target.startswith(SITE):
                assert is_page(target.removeprefix(SITE)), f"{page.name}: {target}"
                continue
            elif target.startswith("https://"):
                continue
            else:
                file = page.parent / target
            assert file.exists(), f"{page.name}: {target}"


def is_page(path):
    """Whether the site has this page."""
    name = path.strip("/") or "index"
    pages = nav_pages()
    return name == "llms.txt" or f"{name}.md" in pages


def nav_pages():
    """The pages in the navigation of the site."""
    settings = tomllib.loads((ROOT / "docs" / "zensical.toml").read_text())
    return set(leaves(settings["project"]["nav"]))


def leaves(entry):
    match entry:
        case str():
            yield entry
        case dict():
            yield from leaves([*entry.values()])
        case list():
            for each in entry:
                yield from leaves(each)


def test_the_navigation_has_every_page():
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    modules = re.findall(r"^\| `(xaccel[\w.]*)` \|", page("api.md"), re.MULTILINE)
    generated = {f"api/{module}.md" for module in modules}
    documents = {"changelog.md", "contributing.md", "security-policy.md"}
    source = {"https://github.com/xaccel/xaccel"}
    assert nav_pages() == pages | generated | documents | source


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


WITHOUT_A_VISIBLE_EFFECT = {"progressive", "keep_icc", "keep_copyright", "format"}
"""The options without pictures in the table."""


def test_every_option_is_in_the_table_with_a_picture_of_its_own():
    table = page("thumbnails.md").partition("## Options")[2].partition("###")[0]
    rows = re.findall(r"^\| (`.*?`|) \| (.*) \| (.*) \|$", table, re.MULTILINE)
    names, options, without, found = set(), set(), set(), []
    for cell, text, shown in rows:
        names = set(re.findall(r"`(\w+)`", cell)) or names
        options |= names
        specs = re.findall(r"!\[([^\]]+)\]", shown)
        if not specs:
            without |= names
        elif "the default" not in text:
            for name in names:
                assert any(sets(spec, name) for spec in specs), (name, specs)
        found += re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", shown)
    assert options == OPTIONS | {"width", "height"}
    assert without == WITHOUT_A_VISIBLE_EFFECT
    assert len(found) == len(set(found))
    pictures = option_pictures.pictures()
    assert pictures == {ROOT / "docs" / path: spec for spec, path in found}
    assert set(pictures) == set((ROOT / "docs" / "images" / "options").iterdir())


def sets(text, option):
    """Whether a spec sets this option."""
    return getattr(Spec.parse(text), option) != getattr(Spec(), option)


@pytest.mark.parametrize(
    ("path", "text"),
    [pytest.param(*each, id=each[0].stem) for each in option_pictures.pictures().items()],
)
def test_the_pictures_of_options_are_those_of_the_engine(path, text):
    made = option_pictures.picture(path, text)
    with Image.open(path) as old, Image.open(io.BytesIO(made)) as new:
        assert old.size == new.size
        # A processor or a library of films may round differently.
        assert difference(old, new) < 1, "run scripts/option_pictures.py"


def test_the_table_of_upscale(jpeg):
    with Image.open(io.BytesIO(jpeg)) as image:
        source = image.resize((150, 100))
    content = io.BytesIO()
    source.save(content, "PNG")
    rows = re.findall(
        r"^\| `(\w+)` \| (\d+)×(\d+): .* \| (?:(\d+)×(\d+): .*|the same) \|$",
        page("thumbnails.md"),
        re.MULTILINE,
    )
    assert {fit for fit, *_ in rows} == {"contain", "cover", "fill", "pad"}
    for fit, *sizes in rows:
        plain = (int(sizes[0]), int(sizes[1]))
        upscaled = (int(sizes[2]), int(sizes[3])) if sizes[2] else plain
        for upscale, size in ((False, plain), (True, upscaled)):
            made = thumbnail(content.getvalue(), 300, 300, fit=fit, upscale=upscale)
            assert (made.width, made.height) == size, (fit, upscale)
    pads = [
        thumbnail(content.getvalue(), 300, 300, fit="pad", upscale=each, background="ff0000")
        for each in (False, True)
    ]
    assert [shown_in(pad.data) for pad in pads] == [(150, 100), (300, 200)]


def shown_in(content):
    """The size of what is not red."""
    with Image.open(io.BytesIO(content)) as image:
        red = Image.new("RGB", image.size, "red")
        left, top, right, bottom = ImageChops.difference(image.convert("RGB"), red).getbbox()
    return right - left, bottom - top
