"""The admin's widget and column, on the server's side; tests/e2e has them in a browser."""

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import connections
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from xaccel.django.admin import ImageAdminMixin, ImageWidget, thumbnail_column
from xaccel.django.forms import FocalPointInput
from xaccel.django.storage import PrivateStorage

from tests.support.django_site import database
from tests.test_django_fields import Bare, Snapshot, uploaded
from tests.test_thumbnails_django import Photo


@pytest.fixture
def media(tmp_path):
    with (
        override_settings(
            MEDIA_ROOT=tmp_path / "media",
            XACCEL={
                "THUMBNAIL_CACHE": tmp_path / "cache",
                "ROOTS": {tmp_path / "p": "/_p/"},
                "PRIVATE_URL": "/p/",
            },
        ),
        database(Snapshot, Bare, Photo),
    ):
        yield tmp_path / "media"


def form(model, *bases):
    kind = type("SomeAdmin", (*bases, admin.ModelAdmin), {})
    return kind(model, admin.AdminSite()).get_form(RequestFactory().get("/"))


def test_the_mixin_adds_the_widget_to_every_image(media):
    widget = form(Snapshot, ImageAdminMixin).base_fields["image"].widget
    assert isinstance(widget, ImageWidget)
    assert widget.focal_point_field == "focus"
    assert "xaccel/image_widget.js" in str(form(Snapshot, ImageAdminMixin)().media)
    widget = form(Photo, ImageAdminMixin).base_fields["image"].widget
    assert isinstance(widget, ImageWidget)
    assert widget.focal_point_field is None


def test_a_plain_admin_has_two_numbers(media):
    bound = form(Snapshot)({"focus_0": "25", "focus_1": "12.5"}, {"image": uploaded()})
    assert isinstance(bound.fields["focus"].widget, FocalPointInput)
    assert bound.is_valid(), bound.errors
    assert bound.cleaned_data["focus"] == "0.25x0.125"


def test_a_preview_of_a_private_image_says_why_there_is_none(media, tmp_path, caplog):
    row = Bare(image="a.jpg")
    row.image.storage = PrivateStorage(tmp_path / "p")
    for debug, shown in ((True, "is private"), (False, "The log says why.")):
        with override_settings(DEBUG=debug):
            html = ImageWidget().render("image", row.image)
        assert shown in html
        assert "<img hidden" in html
    assert "is private" in caplog.text
    assert str(tmp_path) not in html


def test_the_preview_is_the_image_where_only_presets_are_allowed(media, caplog):
    xaccel = {"THUMBNAIL_ONLY_PRESETS": True, "THUMBNAIL_PRESETS": {"small": "9x9"}}
    with override_settings(XACCEL={**settings.XACCEL, **xaccel}):
        html = ImageWidget().render("image", Bare(image="a.jpg").image)
    assert '<img src="/a.jpg"' in html
    assert caplog.text == ""


def test_names_are_escaped(media):
    row = Bare(image='"><script>.jpg')
    assert "<script>" not in ImageWidget().render("image", row.image)
    assert "<script>" not in thumbnail_column("image", 96)(row)


def test_the_column(media, tmp_path, caplog):
    column = thumbnail_column("image", 96)
    assert column.short_description == "Image"
    html = column(Snapshot(image="a.jpg", focus="0.25x0.125"))
    assert "/t/96x96,cover,g-0.25-0.125/a.jpg" in html
    assert 'alt="a.jpg"' in html
    assert column(Snapshot()) is None
    assert "/t/96x48/" in thumbnail_column("image", 96, 48, fit="contain")(Snapshot(image="a.jpg"))
    row = Bare(image="a.jpg")
    row.image.storage = PrivateStorage(tmp_path / "p")
    for debug, shown in ((True, "is private"), (False, "The log says why.")):
        with override_settings(DEBUG=debug):
            assert shown in column(row)
    with pytest.raises(AttributeError):
        thumbnail_column("photo", 96)(row)


def test_a_list_queries_once(media):
    Snapshot.objects.bulk_create(Snapshot(image=f"{number}.jpg") for number in range(100))
    column = thumbnail_column("image", 96)
    with CaptureQueriesContext(connections["default"]) as queries:
        html = [column(row) for row in Snapshot.objects.all()]
    assert len(queries) == 1
    assert all("<img " in cell for cell in html)
