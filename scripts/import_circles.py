"""List the circles in the imports of this project's source files.

    scripts/import_circles.py [ROOT]

The script reads the Rust files below `src/` and `crates/*/src/`, and the Python files below
`python/`. An edge leads from a file to each file that it imports:

- Rust: the paths of `use` and of expressions and types, resolved from `crate`, `self`, `super`, a
  child module, or the name of a crate in `crates/`. A path leads to the file that defines the item;
  re-exports (`pub use`) are followed. `mod child;` and `pub use child::Item;` are treated as a
  table of contents, not as an import, unless the file itself uses the item. Test modules
  (`#[cfg(test)]`) are skipped: tests may import modules above their own.
- Python: `import` and `from … import`, wherever they are, including within functions and below
`if TYPE_CHECKING`. If a name is a module of a package, it is treated as an import of that module.

The exit status is 1 if there is a circle, and 0 otherwise.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

Graph = Mapping[Path, set[Path]]

_RUST_NOISE = re.compile(
    r"""//[^\n]*
    | /\*.*?\*/
    | \bb?r(?P<fence>\#*)".*?"(?P=fence)
    | b?"(?:[^"\\]|\\.)*"
    | b?'(?:[^'\\\n]|\\[^\n]{1,9}?)'
    """,
    re.DOTALL | re.VERBOSE,
)
_RUST_TOKEN = re.compile(r"[A-Za-z_]\w*|::|[{}();,*#\[\]]")
_TEST_MODULE = re.compile(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*mod\s+\w+\s*\{")
_RUST_MODULE = re.compile(r"\bmod\s+(\w+)\s*;")
_RUST_REEXPORT = re.compile(r"\bpub\s*(?:\([^)]*\))?\s*use\s+([^;]*);")
_RUST_ALIAS = re.compile(r"\bas\s+(\w+)(?!\s*::|\w)")


RustPath = tuple[str, ...]


class RustCrate:
    """The modules of a crate: their paths, such as `("thumbnail", "spec")`, and files."""

    def __init__(self, root: Path) -> None:
        self.modules: dict[RustPath, Path] = {}
        self.code: dict[RustPath, str] = {}
        self.reexports: dict[RustPath, dict[str, RustPath]] = {}
        self._add((), root, root.parent)

    def _add(self, module: RustPath, file: Path, children: Path) -> None:
        code = _rust_code(file)
        self.modules[module] = file
        reexported = {}
        for tree in _RUST_REEXPORT.findall(code):
            aliases = dict(re.findall(r"(\w+)\s+as\s+(\w+)", tree))
            for path in _rust_paths(_RUST_ALIAS.sub("", tree)):
                reexported[aliases.get(path[-1], path[-1])] = path
        self.reexports[module] = reexported
        self.code[module] = _RUST_ALIAS.sub("", _RUST_REEXPORT.sub("", code))
        for child in _RUST_MODULE.findall(code):
            for found in (children / f"{child}.rs", children / child / "mod.rs"):
                if found.is_file():
                    self._add((*module, child), found, children / child)


def _rust_code(file: Path) -> str:
    """Return the code of a file without comments, strings and test modules."""
    code = _RUST_NOISE.sub(lambda noise: '""' if '"' in noise[0] else " ", file.read_text())
    while test := _TEST_MODULE.search(code):
        depth, end = 1, test.end()
        while depth and end < len(code):
            depth += {"{": 1, "}": -1}.get(code[end], 0)
            end += 1
        code = code[: test.start()] + code[end:]
    return code


def _rust_paths(code: str) -> Iterator[RustPath]:
    """Yield all paths with more than one name, with the groups in `use` expanded."""
    tokens = _RUST_TOKEN.findall(code)
    index = 0
    while index < len(tokens):
        if tokens[index].isidentifier() and tokens[index + 1 : index + 2] == ["::"]:
            paths, index = _rust_tree(tokens, index)
            yield from paths
        else:
            index += 1


def _rust_tree(tokens: list[str], index: int) -> tuple[list[RustPath], int]:
    """Return the paths in the use tree (`a::{b, c::d}`) at an index, and the index after it."""
    path: list[str] = []
    while index < len(tokens):
        word = tokens[index]
        if word == "{":
            paths: list[RustPath] = []
            index += 1
            while index < len(tokens) and tokens[index] != "}":
                if tokens[index].isidentifier():
                    found, index = _rust_tree(tokens, index)
                    paths += found
                else:
                    index += 1
            return [(*path, *rest) for rest in paths], index + 1
        if not word.isidentifier():
            return [tuple(path)], index
        path.append(word)
        index += 1
        if tokens[index : index + 1] != ["::"]:
            return [tuple(path)], index
        index += 1
    return [tuple(path)], index


class RustProject:
    """The crates of a project."""

    def __init__(self, root: Path) -> None:
        library = root / "src/lib.rs"
        self._crates = {"": RustCrate(library)} if library.is_file() else {}
        for library in sorted(root.glob("crates/*/src/lib.rs")):
            self._crates[library.parents[1].name.replace("-", "_")] = RustCrate(library)

    def imports(self) -> dict[Path, set[Path]]:
        """Return the files that each file imports."""
        return {
            file: set(self._imports(crate, module)) - {file}
            for crate in self._crates.values()
            for module, file in crate.modules.items()
        }

    def _imports(self, crate: RustCrate, module: RustPath) -> Iterator[Path]:
        code = crate.code[module]
        names = set(_RUST_TOKEN.findall(code))
        used = (path for name, path in crate.reexports[module].items() if name in names)
        for path in (*_rust_paths(code), *used):
            found = self._file(crate, module, path)
            if found is not None:
                yield found

    def _file(self, crate: RustCrate, module: RustPath, path: RustPath) -> Path | None:
        """Return the file that defines the item at a path in a module, if it is in the project."""
        first, *rest = path
        if first in {"crate", "self", "super"}:
            base = () if first == "crate" else module
            while path and path[0] in {"crate", "self", "super"}:
                base = base[:-1] if path[0] == "super" else base
                path = path[1:]
            return self._definition(crate, (*base, *path))
        if (*module, first) in crate.modules or first in crate.reexports[module]:
            return self._definition(crate, (*module, *path))
        if first in self._crates:
            return self._definition(self._crates[first], tuple(rest))
        return None

    def _definition(self, crate: RustCrate, path: RustPath) -> Path:
        module = path
        while module not in crate.modules:
            module = module[:-1]
        items = path[len(module) :]
        target = crate.reexports[module].get(items[0]) if items else None
        found = self._file(crate, module, target) if target and target != items[:1] else None
        return found or crate.modules[module]


def python_imports(root: Path) -> dict[Path, set[Path]]:
    """Return the imports between the Python files of a project."""
    files = {_python_module(file, root / "python"): file
             for file in sorted((root / "python").rglob("*.py"))}  # fmt: skip
    graph: dict[Path, set[Path]] = {}
    for module, file in files.items():
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        imported = graph.setdefault(file, set())
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for name in _python_names(node, package):
                found = _python_file(files, name)
                if found is not None and found != file:
                    imported.add(found)
    return graph


def _python_module(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _python_names(node: ast.AST, package: str) -> Iterator[str]:
    """Yield the full names of the items that a statement imports."""
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            if level:
                parents = package.split(".")
                start = parents[: len(parents) - level + 1]
                module = ".".join([*start, module] if module else start)
            yield from (f"{module}.{alias.name}" for alias in names)


def _python_file(files: Mapping[str, Path], name: str) -> Path | None:
    """Return the file of a module, or of the module that defines a name."""
    return files.get(name) or files.get(name.rpartition(".")[0])


def circles(graph: Graph) -> list[list[Path]]:
    """Return the sets of files that import each other, found by Tarjan's algorithm."""
    numbers: dict[Path, int] = {}
    lows: dict[Path, int] = {}
    stack: list[Path] = []
    found: list[list[Path]] = []

    def visit(file: Path) -> None:
        numbers[file] = lows[file] = len(numbers)
        stack.append(file)
        for imported in sorted(graph.get(file, ())):
            if imported not in numbers:
                visit(imported)
                lows[file] = min(lows[file], lows[imported])
            elif imported in stack:
                lows[file] = min(lows[file], numbers[imported])
        if lows[file] == numbers[file]:
            start = stack.index(file)
            if len(stack) - start > 1:
                found.append(sorted(stack[start:]))
            del stack[start:]

    for file in sorted(graph):
        if file not in numbers:
            visit(file)
    return found


def main(root: Path) -> int:
    """Print the circles below a directory. Return the exit status."""
    graph = RustProject(root).imports() | python_imports(root)
    found = circles(graph)
    for number, circle in enumerate(found, 1):
        print(f"circle {number}: {len(circle)} files")
        for file in circle:
            for imported in sorted(graph[file] & set(circle)):
                print(f"  {file.relative_to(root)} -> {imported.relative_to(root)}")
    if not found:
        print(f"no circles in the imports of {len(graph)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]).resolve()))
