"""No path and no link reaches a file outside the roots, with any server in front."""

import os
import random
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest
from xaccel import Config, FileNotFound
from xaccel.delivery.files import Delivery

from tests.support.servers.bulk_client import ask_all
from tests.support.servers.files import Files
from tests.support.servers.layouts import INSIDE, OUTSIDE, Layout
from tests.support.servers.site import FRONTS, running_site

PATHS = 20_000
ADDRESSES = 2000  # that a visitor might ask the server itself for
LAYOUTS = 24


@pytest.fixture(scope="module")
def layouts(home):
    rng = random.Random(20_251_122)
    (directory := home / "hostile").mkdir()
    made = [Layout(rng, directory, number) for number in range(LAYOUTS)]
    # The servers' workers may be somebody else.
    for parent, _, files in os.walk(directory):
        Path(parent).chmod(0o755)
        for name in files:
            if not (file := Path(parent, name)).is_symlink():
                file.chmod(0o644)
    return made


@pytest.fixture(scope="module")
def roots(layouts):
    return {root: prefix for layout in layouts for root, prefix in layout.roots.items()}


@pytest.fixture(scope="module")
def cases(layouts, roots):
    """The paths, each with its root and with what is in the file, if it may be sent."""
    rng = random.Random("paths")
    delivery = Delivery(Config.from_mapping({"ROOTS": roots}))
    cases = []
    for number in range(PATHS):
        path, root = layouts[number % LAYOUTS].hostile(rng)
        try:
            located = delivery.locate(path, root=root).path
        except FileNotFound:
            cases.append((path, root, None))
            continue
        # Judged once more, by other means.
        real = str(Path(root or "/", path).resolve())
        assert located == real, path
        assert any(real.startswith(f"{root}/") for root in roots), path
        content = Path(real).read_bytes()
        assert content.startswith(INSIDE), path
        cases.append((path, root, content))
    sent = [case for case in cases if case[2] is not None]
    # Both happen, or nothing would be tested.
    assert PATHS // 8 < len(sent) < PATHS // 2
    assert len({content for *_, content in sent}) > 200
    return cases


def hostile_address(rng, prefixes, names):
    """What a visitor might ask the server itself for."""
    starts = ["/_private", "/_PRIVATE", "/_inner", "/", "", *map(quote, rng.sample(prefixes, 9))]
    glue = ["/", "//", "/../", "../", "/..%2f", "/%2e%2e/", "/.%2e/", "%2f", "/..;/", "\\..\\"]
    glue.append("%00")
    target = rng.choice(starts).rstrip("/")
    for _ in range(rng.randint(1, 5)):
        target += rng.choice(glue) + quote(rng.choice(names))
    return target if target.startswith("/") else f"/{target}"


def view(framework, path, root):
    """The address of the view that sends the file at a path."""
    name = zlib.compress(os.fsencode(path)).hex()
    return f"/{framework}/file?name={name}&root={quote(root or '')}"


@pytest.mark.parametrize(
    ("front", "framework"), [*((front, "bare") for front in FRONTS), ("direct", "bare-asgi")]
)
def test_nothing_from_outside(home, layouts, roots, cases, front, framework):
    rng = random.Random(front)
    prefixes = sorted(roots.values())
    names = sorted({path.rpartition("/")[2] for layout in layouts for path in layout.known})
    (directory := home / f"hostile-{front}-{framework}").mkdir()
    files = Files(layouts[0].home)
    with running_site(front, files, directory, framework, ROOTS=roots) as site:
        targets = [view(framework, path, root) for path, root, _ in cases]
        for case, reply in zip(cases, ask_all(site.port, targets), strict=True):
            *_, content = case
            assert OUTSIDE not in reply.body, case
            assert (reply.status, INSIDE in reply.body) == (
                (404, False) if content is None else (200, True)
            ), case
            assert content is None or reply.body == content, case
            assert b"/_private" not in reply.head, case
            assert os.fsencode(home) not in reply.head + (b"" if content else reply.body), case
        targets = [hostile_address(rng, prefixes, names) for _ in range(ADDRESSES)]
        for target, reply in zip(targets, ask_all(site.port, targets), strict=True):
            assert OUTSIDE not in reply.body, target
            assert INSIDE not in reply.body, target
