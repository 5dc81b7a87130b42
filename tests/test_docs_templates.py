"""The snippets of `docs/templates.md`, on the real engines, models, admin and serializers."""

# First, since REST framework reads the settings when it is imported.
from tests.support import django_site  # isort: skip # noqa: F401

import re
from types import SimpleNamespace

import jinja2
import pytest
from django.contrib import admin
from django.core.files.base import ContentFile
from django.db import models
from django.template import engines
from django.test import RequestFactory, override_settings
from django.test.utils import isolate_apps
from rest_framework import serializers
from xaccel import Config, draw_thumbhash, jinja, thumbhash
from xaccel.django.admin import ImageAdminMixin, thumbnail_column
from xaccel.rest_framework import ThumbnailField
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.doc_pages import execute, runs, snippets
from tests.support.thumbnail_images import photo_file

KEY = "the secret of the templates"
IMAGES = "docs/templates.md#Images in Django's models"


@pytest.fixture
def media(tmp_path):
    (tmp_path / "cat.jpg").write_bytes(photo_file("JPEG"))
    settings = {"MEDIA_ROOT": str(tmp_path), "XACCEL": {"SECRET_KEYS": [KEY]}}
    with override_settings(**settings, DEFAULT_AUTO_FIELD="django.db.models.AutoField"):
        yield tmp_path


@runs("docs/templates.md#Templates")
def test_jinja_and_django(found, media):
    (snippet,) = found
    one, *others = snippet.text.splitlines()
    photo = SimpleNamespace(file="cat.jpg", image="cat.jpg", title="A cat")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    config = Config.from_mapping({"SECRET_KEYS": [KEY], "THUMBNAIL_SOURCE": media})
    jinja.install(environment, TemplateHelpers(config))
    html = environment.from_string(one).render(photo=photo)
    django = engines["django"]
    img, picture = (
        django.from_string(f"{{% load xaccel %}}{each}").render({"photo": photo}) for each in others
    )
    for each in (html, img):
        assert re.match(r'<img src="/t/300x200,cover/cat\.jpg\?key=', each), each
        assert ' alt="A cat"' in each
        assert ' class="card"' in each
    assert picture.startswith("<picture><source ")
    assert ' sizes="(min-width: 60em) 50vw, 100vw"' in picture
    assert set(re.findall(r"\d+w\b", picture)) == {"320w", "640w", "1280w"}
    assert ' alt=""' in picture


@pytest.fixture
def names(media):
    """The names of the page's model, which exists only during the test."""
    model, _ = snippets(IMAGES)
    with isolate_apps("xaccel.django"):
        yield execute(model.text, model.page, models=models, __name__="xaccel.django.photos")


def photo_of(names):
    photo = names["Photo"](pk=1, focal_point="0.25x0.6")
    photo.image.save("cat.jpg", ContentFile(photo_file("JPEG")), save=False)
    return photo


@runs("docs/templates.md#Images in Django's models")
def test_a_model_and_its_admin(found, names):
    photo = photo_of(names)
    assert names["Photo"].check() == []
    assert (photo.width, photo.height) == (640, 400)
    assert photo.placeholder == thumbhash(photo_file("JPEG"))

    _, code = found
    check_admin(execute(code.text, code.page, admin=admin, **names), photo)


@runs("python/xaccel/django/admin.py#module")
def test_the_admin_of_a_model(found, names):
    (code,) = found
    given = {"ImageAdminMixin": ImageAdminMixin, "thumbnail_column": thumbnail_column}
    check_admin(execute(code.text, code.page, admin=admin, **given, **names), photo_of(names))


def check_admin(names, photo):
    registered = admin.site._registry[names["Photo"]]
    admin.site.unregister(names["Photo"])
    assert isinstance(registered, names["PhotoAdmin"])
    assert registered.check() == []
    _, column = registered.list_display
    assert re.search(r'<img src="/t/96x96[^"]*/photos/cat\.jpg\?key=', column(photo)), column(photo)
    form = registered.get_form(RequestFactory().get("/"), photo)(instance=photo)
    assert "/photos/cat.jpg" in str(form["image"])
    assert 'value="25"' in str(form["focal_point"])


@runs("docs/templates.md#Django REST framework", "python/xaccel/rest_framework.py#module")
def test_a_serializer(found, names):
    (code,) = found
    given = {"serializers": serializers, "ThumbnailField": ThumbnailField}
    base = execute(code.text, code.page, **given)["PhotoSerializer"]
    meta = type("Meta", (), {"model": names["Photo"], "fields": ["thumbnails"]})
    photo = photo_of(names)
    made = type("Serializer", (base,), {"Meta": meta})(photo).data["thumbnails"]
    assert made["small"].pop("url").startswith("/t/300x200,cover,g-0.25-0.6/photos/cat.jpg?key=")
    assert made.pop("small") == {"width": 300, "height": 200}
    with_placeholder = {"placeholder": draw_thumbhash(photo.placeholder)}
    assert made == (with_placeholder if "placeholder=True" in code.text else {})
