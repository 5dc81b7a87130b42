"""Random directories, files and links, and paths that a careless view might pass on."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

INSIDE, OUTSIDE = b"INSIDE", b"OUTSIDE"
"""The first bytes of each file inside the roots, and of each file outside."""

_DIRECTORIES = ["a", "b", "..c", "d e", "%2e%2e", "ü", "...", "root", "~"]
_FILES = ["f", "outside.txt", "%66", "f?x", "root", "#", "..f"]
_SEPARATORS = ["/", "/", "/", "/", "//", "/./", "\\", "%2f", "%5c"]
_DOTS = ["..", "..", "...", ".", "%2e%2e", "..%00", ".. ", "..;", "\0", "", "~", "*", "C:"]


class Layout:
    """One layout: two roots, and in some layouts a third one inside the first."""

    def __init__(self, rng: random.Random, home: Path, number: int) -> None:
        self.home = home / str(number)
        self.root, self.second = self.home / "root", self.home / "second"
        self.roots = {
            str(self.root): f"/_private/{number}/",
            str(self.second): f"/_private/{number} second/",
        }
        inside, outside = [self.root, self.second], [self.home]
        if rng.random() < 0.3:
            inside.append(self.root / "a" / "root")
            self.roots[str(inside[-1])] = f"/_inner/{number}/"
        # A comparison of strings, with or without case, would mistake these names for the root.
        outside += [self.home / name for name in ("root-x", "roo", "Root", "root ", "root..")]
        self._directories(rng, inside, 8)
        self._directories(rng, outside, 4)
        self._files(rng, inside, INSIDE)
        self._files(rng, outside, OUTSIDE)
        links = [*self._links(rng, inside, outside)]
        self.known = sorted({*self._known(), *map(str, links)})
        """The files, the links, and the files that the links point to."""
        self.below_roots = [path for path in self.known if self._root_of(path)]
        """The paths in `known` that start with a root."""

    def _root_of(self, path: str) -> str | None:
        return next((root for root in self.roots if path.startswith(f"{root}/")), None)

    def _directories(self, rng: random.Random, group: list[Path], number: int) -> None:
        for _ in range(number):
            directory = rng.choice(group) / rng.choice(_DIRECTORIES)
            if directory not in group and directory != self.root:
                group.append(directory)
        for directory in group:
            directory.mkdir(parents=True, exist_ok=True)

    def _files(self, rng: random.Random, group: list[Path], mark: bytes) -> None:
        for number, directory in enumerate(group):
            for name in rng.sample(_FILES, 3):
                if not (directory / name).exists():
                    content = b"%s %s %d %s" % (
                        mark,
                        self.home.name.encode(),
                        number,
                        name.encode(),
                    )
                    (directory / name).write_bytes(content)

    def _links(self, rng: random.Random, inside: list[Path], outside: list[Path]) -> Iterator[Path]:
        places = [*inside, *inside, *inside, *outside]
        links: list[Path] = []
        for number in range(30):
            link = rng.choice(places) / f"l{number}"
            link.symlink_to(self._target(rng, link, rng.choice([inside, outside]), links))
            links.append(link)
        last = rng.choice(inside)
        for number in range(rng.choice([5, 50])):  # Linux follows up to forty.
            link = rng.choice(inside) / f"chain{number}"
            link.symlink_to(os.path.relpath(last, link.parent))
            last = link
        links.append(last)
        loop = [rng.choice(inside) / name for name in ("loop0", "loop1")]
        for link, target in zip(loop, reversed(loop), strict=True):
            link.symlink_to(target)
        return iter([*links, *loop])

    def _target(self, rng: random.Random, link: Path, group: list[Path], links: list[Path]) -> str:
        target = str(rng.choice([*group, *links] if links else group))
        if rng.random() < 0.6:
            target += "/" + rng.choice([*_FILES, "absent", "..", "../..", ".", "l0/f", "l1/.."])
        kind = rng.random()
        if kind < 0.5:
            return os.path.relpath(target, link.parent)
        if kind < 0.6:
            # Go down and up again, through a name that may not exist or may not be a directory.
            name = rng.choice([*_DIRECTORIES, *_FILES, "l0"])
            return f"{name}/../{os.path.relpath(target, link.parent)}"
        if kind < 0.65:
            return f"/proc/self/root{target}"
        if kind < 0.7:
            return rng.choice(["..", "../..", "../../../..", "/", ".", "/dev/zero", "/proc/self"])
        return target if kind < 0.9 else f"/{target}/".replace("/", "/./")

    def _known(self) -> Iterator[str]:
        for parent, directories, files in os.walk(self.home):
            yield from (f"{parent}/{name}" for name in files)
            for name in directories:
                path = Path(parent, name)
                if path.is_symlink() and os.path.realpath(path).startswith(f"{self.home}/"):
                    yield from map(str, path.iterdir())

    def hostile(self, rng: random.Random) -> tuple[str, str | None]:
        """Return a path and its root. Without a root, the path is absolute, or should be."""
        start = rng.random()
        if start < 0.75:
            path = self._spelt(rng, rng.choice(self.below_roots if start < 0.65 else self.known))
            root = self._root_of(path) if start < 0.3 else None
            return (path if root is None else path.removeprefix(f"{root}/")), root
        root = rng.choice([*self.roots])
        names = [path.rpartition("/")[2] for path in rng.sample(self.known, 20)]
        pieces = rng.choices([*names, *_DOTS], k=rng.randint(1, 6))
        path = pieces[0] + "".join(rng.choice(_SEPARATORS) + piece for piece in pieces[1:])
        if start < 0.85:
            return path, root
        ending = rng.choice(["", "-x", "/..", "/../second", " ", "..", "/.", "/"])
        return f"{root}{ending}/{path}", rng.choice([None, None, root])

    def _spelt(self, rng: random.Random, path: str) -> str:
        if rng.random() < 0.8:
            return path
        odd = rng.choice(["/../", "//", "/./", "/l0/", "/l1/../", "%2f", "/a/../", "/..//", "\\"])
        before, _, after = path.rpartition("/")
        return f"{before}{odd}{after}"
