"""The template helpers and the galleries write valid HTML, according to the Nu Html Checker."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest
from django.template import Context, Template
from django.test import override_settings
from xaccel import jinja
from xaccel.config import Config
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support import django_site  # noqa: F401
from tests.support.example_gallery import Site
from tests.support.gallery import make, serving
from tests.support.html_checker import problems

KEY = "a key of more than 16 bytes"
NASTY = "\"><script>alert('&amp;')</script>"
SOURCES = [
    "cat.jpg",
    "sub/föö bär.jpg",
    "100% (1)?.jpg",
    "a, b 2x.png",
    "c,.webp",
    "d\n\t.gif",
    'a"><b>.jpg',
    "[x]^`{|}\\.jpg",
    "absent.jpg",
    "../odd.jpg",
    "",
]
IN_JINJA = """
{{ thumbnail_img(source, 300, 200, alt=nasty, title=nasty, class_="card", data_id=7) }}
{{ thumbnail_img(source, 300, 200, fit="cover", alt="", expires_in=60, fetchpriority="high") }}
{{ thumbnail_img(source, 300, alt="x", densities=[1, 1.5, 3], version=1, hidden=True) }}
{{ thumbnail_img(source, 300, 200, alt="x", widths=[100, 300.5, 900], loading="eager",
                 sizes="(max-width: 40em) 94vw, 9em", source_size=(600, 400)) }}
{{ thumbnail_img(source, "box", alt="x", style="width: 50%", lang="en") }}
{{ thumbnail_picture(source, 300, 200, alt="x", formats=["avif", "webp"], aria_label=nasty) }}
{{ thumbnail_picture(source, 300, alt="x", widths="300, 600", sizes="50vw",
                     source_size=(900, 600)) }}
{{ thumbnail_picture(source, 300, alt="x", widths=[300, 600]) }}
{% if source|thumbnail_url(300) %}
<p><img src="{{ source|thumbnail_url(300, format='auto', expires_in=60) }}" alt=""
        srcset="{{ thumbnail_srcset(source, 300, crop=(0.1, 0.2, 0.5, 0.5)) }}"></p>
{% endif %}
<p style="background-image: url('{{ placeholder(source) }}')">x</p>
<p><img src="{{ placeholder(source) }}" alt=""></p>
"""
IN_DJANGO = """{% load xaccel %}
{% thumbnail_img source 300 200 alt=nasty title=nasty class="card" data_id=7 %}
{% thumbnail_picture source 300 fit="cover" alt="x" widths="300, 600" sizes="50vw" %}
{% thumbnail_url source 300 200 as url %}{% if url %}
<p><img src="{% thumbnail_url source 300 200 expires_in=60 %}" alt=""
        srcset="{% thumbnail_srcset source 300 200 densities='1, 2' %}"></p>
{% endif %}
"""
DOCUMENT = "<!doctype html>\n<html lang='en'><head><title>x</title></head><body>{}</body></html>\n"


@pytest.fixture
def photos(tmp_path: Path, jpeg: bytes) -> Path:
    directory = tmp_path / "photos"
    directory.mkdir()
    (directory / "cat.jpg").write_bytes(jpeg)
    return directory


@pytest.mark.parametrize("site", ["direct"], indirect=True)
def test_valid_html(site: Site, tmp_path: Path, photos: Path) -> None:
    pages = {}
    helpers = TemplateHelpers(
        Config.from_mapping(
            {
                "THUMBNAIL_SOURCE": photos,
                "THUMBNAIL_PRESETS": {"box": "96x96,cover"},
                "SECRET_KEYS": [KEY],
            }
        )
    )
    environment = jinja2.Environment(autoescape=True)
    jinja.install(environment, helpers)
    in_jinja = environment.from_string(IN_JINJA)
    with override_settings(MEDIA_ROOT=photos, XACCEL={}):
        in_django = Template(IN_DJANGO)
        for source in SOURCES:
            context = {"source": source, "nasty": NASTY}
            text = in_jinja.render(context) + in_django.render(Context(context))
            pages[f"helpers: {source}"] = DOCUMENT.format(text)
    for path in ("/", "/photo/1", "/photo/2", "/photo/4", "/login", "/nowhere"):
        pages[path] = site.fetch(path).text
    pages["/members"] = site.fetch("/members", member=True).text
    with serving(make(tmp_path / "pictures")) as gallery:
        for path in ("/", "/folder/sub%20dir/", "/folder/empty/"):
            pages[f"xaccel serve: {path}"] = gallery.get(path).body.decode()
    directory = tmp_path / "pages"
    directory.mkdir()
    found = problems(directory, pages)
    assert not found, "\n".join(found)
