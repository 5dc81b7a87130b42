"""`scripts/import_circles.py` on small trees."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "import_circles.py"


def check(root, files):
    """The exit status for a tree of these files, and the pairs of files in its circles."""
    for name, content in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, SCRIPT, root], capture_output=True, text=True, check=False
    )
    assert not run.stderr
    edges = [line.split() for line in run.stdout.splitlines() if " -> " in line]
    return run.returncode, {(start, end) for start, _, end in edges}


RUST = {"src/lib.rs": "mod a;\nmod b;\n"}
MUTUAL = {("src/a.rs", "src/b.rs"), ("src/b.rs", "src/a.rs")}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("use crate::b::B;", "use crate::a::A;"),
        ("use super::b::B;", "fn f() -> crate::a::A { crate::a::A }"),
        ("use crate::{b::{self, B as C}};", "use super::{a::A};"),
        ("fn f() { super::b::g(); }", "pub(crate) use crate::a::A;\nfn f(_: A) {}"),
        ('static T: &str = r#""#;\nuse crate::b::B;', "const C: char = '\"';\nuse crate::a::A;"),
    ],
)
def test_two_rust_files_that_import_each_other(tmp_path, a, b):
    assert check(tmp_path, {**RUST, "src/a.rs": a, "src/b.rs": b}) == (1, MUTUAL)


@pytest.mark.parametrize(
    "b",
    [
        "pub struct B;",
        "// use crate::a::A;",
        "/// See [`A`](crate::a::A).\n/* crate::a::A */ pub struct B;",
        'const TEXT: &str = "crate::a::A";',
        "pub struct B;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n    fn f() { {} }\n}",
        "use std::a::A;",
    ],
)
def test_no_circle_in_rust(tmp_path, b):
    assert check(tmp_path, {**RUST, "src/a.rs": "use crate::b::B;", "src/b.rs": b}) == (0, set())


def test_a_circle_of_a_parent_and_its_child(tmp_path):
    files = {
        "src/lib.rs": "mod a;",
        "src/a/mod.rs": "mod b;\npub struct A;\nfn f() { b::g() }",
        "src/a/b.rs": "use super::A;",
    }
    parent, child = "src/a/mod.rs", "src/a/b.rs"
    assert check(tmp_path, files) == (1, {(parent, child), (child, parent)})


@pytest.mark.parametrize("use", ["", "pub use b::B;"])
def test_a_table_of_contents_is_not_an_import(tmp_path, use):
    files = {
        "src/lib.rs": "mod a;",
        "src/a/mod.rs": f"mod b;\n{use}\npub struct A;",
        "src/a/b.rs": "use super::A;\npub struct B;",
    }
    assert check(tmp_path, files) == (0, set())


def test_reexports_are_followed(tmp_path):
    files = {
        "src/lib.rs": "mod a;",
        "src/a/mod.rs": "mod b;\nmod c;\npub use b::B as Other;\npub use c::C;",
        "src/a/b.rs": "use super::C;\npub struct B;",
        "src/a/c.rs": "use crate::a::Other;\npub struct C;",
    }
    b, c = "src/a/b.rs", "src/a/c.rs"
    assert check(tmp_path, files) == (1, {(b, c), (c, b)})


def test_a_circle_in_another_crate(tmp_path):
    files = {
        "src/lib.rs": "mod a;",
        "src/a.rs": "use my_pixels::B;",
        "crates/my-pixels/src/lib.rs": "mod b;\nmod c;\npub use b::B;",
        "crates/my-pixels/src/b.rs": "use crate::c::C;\npub struct B;",
        "crates/my-pixels/src/c.rs": "use crate::B;\npub struct C;",
    }
    b, c = "crates/my-pixels/src/b.rs", "crates/my-pixels/src/c.rs"
    assert check(tmp_path, files) == (1, {(b, c), (c, b)})


PYTHON_CIRCLE = {
    ("python/x/a.py", "python/x/b.py"),
    ("python/x/b.py", "python/x/c/__init__.py"),
    ("python/x/c/__init__.py", "python/x/a.py"),
}


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [
        ("import x.b", "import x.c", "import x.a"),
        ("from x import b", "from x.c import name", "from x import a as other"),
        ("from . import b", "from .c import name", "from ..a import name"),
        ("from x.b import name", "def f():\n    import x.c", "if TYPE_CHECKING:\n    import x.a"),
    ],
)
def test_three_python_files_in_a_circle(tmp_path, a, b, c):
    files = {
        "python/x/__init__.py": "",
        "python/x/a.py": a,
        "python/x/b.py": b,
        "python/x/c/__init__.py": c,
    }
    assert check(tmp_path, files) == (1, PYTHON_CIRCLE)


def test_no_circle_in_python(tmp_path):
    files = {
        "python/x/__init__.py": "from x.a import name",
        "python/x/a.py": "import os\nfrom x.b import name",
        "python/x/b.py": "name = 'import x.a'  # import x.a",
    }
    assert check(tmp_path, files) == (0, set())
