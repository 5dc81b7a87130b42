"""The tests run every snippet of the docs, except those in the table below."""

from tests.support.doc_pages import pages, run_by_tests, snippets

EXCEPTIONS = {
    "README.md#How a request travels": "a picture",
    "docs/index.md#How a request travels": "the same picture",
    "docs/scaling.md#Several machines": "a picture",
    "CONTRIBUTING.md#Test the cache under load": "the same test runs for a shorter time",
    "CONTRIBUTING.md#Fuzzing": "cargo-fuzz runs for hours, with a compiler that tests do not need",
    "crates/jpeg-dc/README.md": "Rust: the crate's documentation has the same calls, as a doctest",
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
