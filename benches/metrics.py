"""Count the instructions that metrics and traces cost when they are off, and when they are on.

A cached thumbnail passes through `xaccel.wsgi.Thumbnails` in three copies of the package: one as it
is, one with `METRICS = True`, and one from which every call to the observer is removed. valgrind
counts the instructions, so other load on the machine does not change the figures.

    benches/metrics.py [--hits N]
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import xaccel

PHOTO = (
    Path(__file__).resolve().parents[1] / "examples" / "flask_gallery" / "photos" / "nuthatch.jpg"
)

APP = """
import gc, sys
from xaccel.config import Config
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.wsgi import Thumbnails

directory, metrics, hits = sys.argv[1], sys.argv[2] == "on", int(sys.argv[3])
config = Config(
    server="nginx",
    secret_keys=["the key of a bench"],
    thumbnail_source=directory + "/source",
    thumbnail_cache=directory + "/cache",
    thumbnail_sandbox=False,
    metrics=metrics,
)
app = Thumbnails(config)
path, _, query = TemplateHelpers(config).thumbnail_url("photo.jpg", 100).partition("?")
environ = {
    "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query,
    "HTTP_HOST": "localhost", "HTTP_ACCEPT": "image/webp,*/*", "wsgi.url_scheme": "http",
}

def start_response(status, headers, exc_info=None):
    assert status == "200 OK", status

def hit():
    b"".join(app(dict(environ), start_response))

for _ in range(20):
    hit()
gc.collect()
gc.freeze()
for _ in range(hits):
    hit()
"""


class _Removal(ast.NodeTransformer):
    """Removes the calls to the observer, and the calls to the methods that only call it."""

    def __init__(self) -> None:
        self.removed = 0
        self.empty: set[str] = set()

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt] | None:
        self.generic_visit(node)
        test = node.test
        first = test.values[0] if isinstance(test, ast.BoolOp) else test
        others = [test] if not isinstance(test, ast.BoolOp) else test.values
        if isinstance(first, ast.Compare) and _is_observer(first.left):
            self.removed += 1
            return node.body if isinstance(first.ops[0], ast.Is) else node.orelse
        if any(isinstance(each, ast.Compare) and _is_observer(each.left) for each in others):
            self.removed += 1
            return node.orelse
        if not node.body:
            node.body.append(ast.Pass())
        return node

    def visit_With(self, node: ast.With) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        call = node.items[0].context_expr
        if isinstance(call, ast.Call) and call.args and _is_observer(call.args[0]):
            self.removed += 1
            return node.body
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        call = node.value
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr in self.empty
        ):
            self.removed += 1
            return None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        if not node.body:
            self.empty.add(node.name)
            node.body.append(ast.Pass())
        return node


def _is_observer(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "_observer"


def copied(directory: Path, *, with_observer: bool) -> Path:
    """Copy the package. With and without the observer, the files are written from syntax trees."""
    package = directory / "xaccel"
    shutil.copytree(Path(xaccel.__file__).parent, package)
    removed = 0
    for path in package.rglob("*.py"):
        tree = ast.parse(path.read_text())
        if not with_observer and path.name != "_observing.py":
            removal = _Removal()
            # The second pass removes the calls to the methods that the first pass has emptied.
            tree = removal.visit(removal.visit(tree))
            removed += removal.removed
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)))
    assert with_observer or removed, "found no calls to the observer"
    return directory


def run(
    package: Path, data: Path, metrics: str, hits: int, command: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, sys.executable, "-c", APP, data, metrics, str(hits)],
        env={**os.environ, "PYTHONPATH": str(package), "PYTHONHASHSEED": "0"},
        check=True,
        capture_output=True,
        text=True,
    )


def instructions(package: Path, data: Path, metrics: str, hits: int) -> int:
    """Return how many instructions a process executes to respond to this number of requests."""
    counter = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}"]
    done = run(package, data, metrics, hits, counter)
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found is not None, done.stderr
    return int(found[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=500)
    hits = parser.parse_args().hits
    with tempfile.TemporaryDirectory(prefix="xaccel-") as name:
        directory = Path(name)
        (directory / "source").mkdir()
        shutil.copy(PHOTO, directory / "source" / "photo.jpg")
        whole = copied(directory / "whole", with_observer=True)
        without = copied(directory / "without", with_observer=False)
        counts = {}
        for label, package, metrics in (
            ("calls removed", without, "off"),
            ("off", whole, "off"),
            ("METRICS = True", whole, "on"),
        ):
            # The first process renders the thumbnail, and compiles the copy.
            run(package, directory, metrics, 0)
            none, all_hits = (instructions(package, directory, metrics, n) for n in (0, hits))
            counts[label] = (all_hits - none) / hits
            share = counts[label] / counts["calls removed"] - 1
            print(f"{label:15} {counts[label]:9.0f} instructions a hit, {share:+.2%}", flush=True)


if __name__ == "__main__":
    main()
