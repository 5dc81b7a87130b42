"""`docs/django.md`, step by step: a site is made of its snippets, and its own tests pass."""

import pytest

from tests.support.doc_pages import follow, run, runs

pytestmark = pytest.mark.slow


@runs("docs/django.md")
def test_the_page_makes_a_site_whose_tests_pass(found, tmp_path):
    printed = follow(found, tmp_path)
    assert "no issues" in printed["python manage.py check"]
    assert "Ran 5 tests" in printed["python manage.py test"]
    assert "No changes detected" in run("python manage.py makemigrations --check", tmp_path)
    assert "x-accel" in "".join(file.read_text() for file in (tmp_path / "nginx").iterdir()).lower()
