import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "check_english.py"


def load():
    spec = importlib.util.spec_from_file_location("check_english", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks for its module by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


check_english = load()


def found(text, *, name="page.md"):
    return [(finding.line, finding.phrase) for finding in check_english.check(name, text)]


AVOIDED = {
    "A directory is no file.": "is no",
    "The other files are no pictures.": "are no",
    "It reads so many bytes.": "so many",
    "As many run as there are processors.": "As many",
    "Send it to whoever asks.": "whoever",
    "The file is closed, whatever happens.": "whatever",
    "It says how to mend it.": "mend",
    "The server is told to send a file.": "told",
    "The file lies beside the other.": "beside",
    "Ranges can be had.": "be had",
    "The option is not to be used.": "is not to be",
    "The file is to be read.": "is to be",
    "It is valid for ever.": "for ever",
    "The value is impossible.": "impossible",
    "An option of which there is none.": "which there is",
    "A frame, or none that counts.": "none that",
    "A lock that nobody holds.": "that nobody",
    "It works by itself alone.": "by itself alone",
    "Three at the most.": "at the most",
    "Its name is of no importance.": "of no importance",
    "The core knows nothing of Flask.": "knows nothing of",
    "The weights are reckoned.": "reckoned",
    "It is built anew.": "anew",
    "The file is let through.": "is let",
    "Forbidden for the time of the run.": "for the time of",
    "A list thereof.": "thereof",
    "All but for the last.": "but for",
    "It redirects those who come late.": "those who",
    "It ends. What is left is sent.": "What is",
    "Who only reads needs none.": "Who only",
    "It ends: 1. Who has a file open keeps it.": "Who has",
}


@pytest.mark.parametrize("sentence", AVOIDED)
def test_finds_each_phrase(sentence):
    assert found(sentence) == [(1, AVOIDED[sentence])]


def test_each_pattern_has_a_sentence_here():
    unused = [
        pattern.regex.pattern
        for pattern in check_english.PATTERNS
        if not any(pattern.regex.search(sentence) for sentence in AVOIDED)
    ]
    assert unused == []


@pytest.mark.parametrize(
    "sentence",
    [
        "There is no cache.",
        "The file is no longer there.",
        "It takes twice as many bytes.",
        "It is impossible to read it.",
        "This recommends besides.",
        "Who sends the file? What is left?",
        "The person who sends the file decides what is left.",
        "The route `is no file` stays.",
        "Nobody else has to know.",
    ],
)
def test_passes_plain_english(sentence):
    assert found(sentence) == []


def test_reads_markdown_across_lines_and_passes_code():
    text = """\
A paragraph with a phrase that is
no good.

```python
x = "so many"
```

    so many
"""
    assert found(text) == [(1, "is no")]


def test_reads_docstrings_comments_and_messages_of_python():
    text = '''\
"""The first line.

Another is told here.
"""
for beside in whatever:  # mend this
    # It takes so
    # many bytes.
    raise ValueError(f"{beside!r} is no "
                     f"number")
'''
    assert found(text, name="module.py") == [
        (3, "told"),
        (5, "mend"),
        (6, "so many"),
        (8, "is no"),
    ]


def test_reads_comments_and_strings_of_rust():
    text = """\
//! Nothing here.

/// Takes so
/// many bits: '"' ends it.
fn told<'a>(mend: &'a str) -> char {
    // What is told.
    format!("{mend} is no \\" text");
    r#"a "quoted" beside"#;
    '"'
}
"""
    assert found(text, name="lib.rs") == [
        (3, "so many"),
        (6, "What is"),
        (6, "told"),
        (7, "is no"),
        (8, "beside"),
    ]


def test_reads_comments_of_other_files():
    assert found("all:\n\t# Build it\n\t# anew.\n", name="Makefile") == [(3, "anew")]
    assert found("key = 1 # so many\n", name="pyproject.toml") == [(1, "so many")]


def test_says_where_and_fails(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("Good.\n\nIt is no good.\n")
    assert check_english.main([str(page)]) == 1
    assert capsys.readouterr().out.startswith(f"{page}:3: 'is no': ")

    page.write_text("Good.\n")
    assert check_english.main([str(page)]) == 0


def test_looks_at_documents_code_and_templates():
    names = {str(path.relative_to(check_english.ROOT)) for path in check_english.files()}
    assert {
        "CHANGELOG.md",
        "Makefile",
        "README.md",
        "docs/settings.md",
        "examples/flask_gallery/gallery/templates/index.html",
        "python/xaccel/__init__.py",
        "python/xaccel/_core.pyi",
        "scripts/install-packages",
        "src/lib.rs",
    } <= names
