"""No path and no link gets a file from outside the roots, whatever stands in front."""

import os
import random
import urllib.parse

import pytest
from xaccel import Config, FileNotFound
from xaccel.delivery import Delivery

from tests.servers.files import Files
from tests.servers.site import FRONTS, running_site, settings

PATHS = 20_000
ASKED = 1000  # of those that are refused, and of addresses, for each server
INSIDE, OUTSIDE = b"INSIDE", b"OUTSIDE"


@pytest.fixture(scope="module")
def layout(home):
    """Directories, files and links at random, inside and outside."""
    rng = random.Random(20_251_122)
    files = Files(home / "hostile")
    inside = _directories(rng, [files.root, files.second], INSIDE)
    outside = _directories(rng, [files.home, files.home / (files.root.name + "-x")], OUTSIDE)
    links = []
    for number in range(60):
        link = rng.choice([*inside, *inside, *outside]) / f"l{number}"
        target = rng.choice([*inside, *outside, *links])
        if rng.random() < 0.5:
            target = target / rng.choice(["f", "outside.txt", "absent", ".."])
        link.symlink_to(target if rng.random() < 0.3 else os.path.relpath(target, link.parent))
        links.append(link)
    (files.root / "loop").symlink_to("loop")
    for path in files.all():
        path.chmod(0o755 if path.is_dir() else 0o644)
    return files


def _directories(rng, group, mark):
    for _ in range(12):
        directory = rng.choice(group) / rng.choice(["a", "b", "..c", "d e", "%2e%2e", "ü"])
        if directory not in group:
            group.append(directory)
    for directory in group:
        directory.mkdir(parents=True, exist_ok=True)
        for name in ("f", "outside.txt", "%66", "f?x"):
            (directory / name).write_bytes(mark)
    return group


def hostile_path(rng, files, known):
    """What a careless view might pass on, relative or absolute."""
    separators = ["/", "/", "/", "/", "//", "/./", "\\", "%2f"]
    dots = ["..", "..", "...", ".", "%2e%2e", "..%00", ".. ", "..;", "\0", ""]
    names = [path.name for path in known]
    pieces = rng.choices([*names, *dots], k=rng.randint(1, 6))
    path = pieces[0] + "".join(rng.choice(separators) + piece for piece in pieces[1:])
    start = rng.random()
    if start < 0.3:
        # Near to something that there is.
        path = str(rng.choice(known).relative_to(files.home))
        path = path.removeprefix(f"{files.root.name}/")
        return path if start < 0.2 else path.replace("/", rng.choice(["/../", "//", "/./l1/"]), 1)
    if start < 0.4:
        return f"{rng.choice([files.root, files.second, files.home])}/{path}"
    if start < 0.5:
        return f"{files.root}{rng.choice(['-x', '/..', '/../second', ' ', '..'])}/{path}"
    return path


def hostile_target(rng, names):
    """What a visitor might ask the server itself for."""
    starts = ["/_private/files", "/_private/se%20cond", "/_private", "/_PRIVATE/files", "/", ""]
    glue = [
        "/",
        "//",
        "/../",
        "../",
        "/..%2f",
        "/%2e%2e/",
        "/.%2e/",
        "%2f",
        "/..;/",
        "\\..\\",
        "%00",
    ]
    names = [urllib.parse.quote(name) for name in names]
    target = rng.choice(starts)
    for _ in range(rng.randint(1, 5)):
        target += rng.choice(glue) + rng.choice(names)
    return target if target.startswith("/") else f"/{target}"


@pytest.fixture(scope="module")
def paths(layout):
    """The paths that are handed over to a server, and those that never are."""
    rng = random.Random("paths")
    known = sorted(layout.home.rglob("*"))
    delivery = Delivery(Config.from_mapping(settings("direct", layout)))
    accepted, refused = set(), set()
    for _ in range(PATHS):
        path = hostile_path(rng, layout, known)
        try:
            delivery.locate(path, root=None if path.startswith("/") else layout.root)
            accepted.add(path)
        except FileNotFound:
            refused.add(path)
    # Both happened, or nothing would be tested.
    assert len(accepted) > 50
    assert len(refused) > PATHS // 4
    return sorted(accepted), rng.sample(sorted(refused), ASKED)


@pytest.mark.parametrize(
    ("front", "framework"), [*((front, "bare") for front in FRONTS), ("direct", "starlette")]
)
def test_nothing_from_outside(home, layout, paths, front, framework):
    rng = random.Random(front)
    names = [path.name for path in sorted(layout.home.rglob("*"))]
    directory = home / f"hostile-{front}-{framework}"
    directory.mkdir()
    with running_site(front, layout, directory, framework) as site:

        def ask(path):
            return site.file(os.fsencode(path), options="&root=" if path.startswith("/") else "")

        accepted, refused = paths
        for path in accepted:
            reply = ask(path)
            assert reply.status == 200, path
            assert reply.body.startswith(INSIDE), path
        for path in refused:
            reply = ask(path)
            assert reply.status == 404, path
            assert b"SIDE" not in reply.body, path
        for _ in range(ASKED):
            target = hostile_target(rng, names)
            assert b"SIDE" not in site.ask(target).body, target
