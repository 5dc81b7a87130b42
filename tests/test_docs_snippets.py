"""The tests run every snippet of the docs, except those in the table below."""

import re
import runpy

from tests.support.doc_pages import (
    ROOT,
    commands,
    docstrings,
    page,
    pages,
    run_by_tests,
    snippets,
)

EXCEPTIONS = {
    "README.md#How a request travels": "a picture",
    "docs/index.md#How a request travels": "the same picture",
    "docs/scaling.md#Several machines": "a picture",
    "CONTRIBUTING.md#Test the cache under load": "the same test runs for a shorter time",
    "CONTRIBUTING.md#Fuzzing": "cargo-fuzz runs for hours, with a compiler that tests do not need",
    "crates/jpeg-dc/README.md": "Rust: the crate's documentation has the same calls, as a doctest",
    "python/xaccel/_core.pyi#HmacSecureLinkSigner": "Debian has no package of this nginx module",
    "examples/django_photos/README.md#Run it": "the demo in tests/e2e runs these commands",
    "examples/flask_gallery/photos/CREDITS.md": "how the film was made, once",
}
"""The places whose snippets no test runs, with the reasons."""


def test_every_snippet_is_run():
    excepted = {each: place for place in EXCEPTIONS for each in snippets(place)}
    run = run_by_tests()
    everything = [each for name in pages() for each in snippets(name)]
    assert len(everything) > 150
    missing = [each.place for each in everything if each not in run and each not in excepted]
    assert not missing, "no test runs these snippets: see `runs()` in tests/support/doc_pages.py"
    assert set(excepted.values()) == set(EXCEPTIONS), "a place without snippets"
    assert not set(excepted) & set(run), "a test runs what is in the table"


MODULES = [name for name in pages() if not name.endswith(".md")]
CODE = re.compile(
    r"^(?:@\w+|def \w+\(|class \w+|from \S+ import |import \w+$|\w+ = |>>> )", re.MULTILINE
)


def test_the_code_in_docstrings_is_indented():
    """Otherwise, it is not a snippet, and the site shows it as text."""
    found = [
        f"{name}: {heading}: {code}"
        for name in MODULES
        for heading, text in docstrings(name)
        for code in CODE.findall(text)
    ]
    assert not found


def test_what_the_table_says():
    (one,), (other,) = (
        snippets(f"{name}#How a request travels") for name in ("README.md", "docs/index.md")
    )
    assert one.text == other.text

    (load,) = snippets("CONTRIBUTING.md#Test the cache under load")
    variable, file, expression = re.search(r"(\w+)=60 .* (\S+\.py) -k (\w+)", load.text).groups()
    assert variable in page(file)
    assert re.search(rf"^def test_\w*{expression}", page(file), re.MULTILINE)

    (fuzzing,) = snippets("CONTRIBUTING.md#Fuzzing")
    targets = runpy.run_path(str(ROOT / "scripts" / "fuzz.py"))["TARGETS"]
    in_core = {target for target, crate in targets.items() if crate == ROOT / "fuzz"}
    assert in_core == {path.stem for path in (ROOT / "fuzz" / "fuzz_targets").iterdir()}
    assert set(re.findall(r"TARGETS=(\w+)", fuzzing.text)) <= in_core

    (rust,) = snippets("crates/jpeg-dc/README.md")
    tested = page("crates/jpeg-dc/src/lib.rs")
    for call in (
        "use jpeg_dc::{Options, decode};",
        "&Options::new().max_pixels(50_000_000))",
        "image.to_rgb()",
    ):
        assert call in rust.text
        assert call in tested

    (site,) = snippets("examples/django_photos/README.md#Run it")
    demo = page("scripts/demo.py")
    for command in commands(site)[1:]:
        for word in re.findall(r"manage\.py (\w+)| (--\w+)", command):
            assert f'"{"".join(word)}"' in demo, command
