"""Thumbnails and uploads in Django REST framework."""

# First, since REST framework reads the settings when it is imported.
from tests.support.django_site import database  # isort: skip

import builtins
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.validation import validate_schema
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny
from rest_framework.test import APIClient
from xaccel import SpecError, draw_thumbhash, thumbhash
from xaccel.rest_framework import ImageField, ThumbnailField

from tests.test_django_fields import Bare, Snapshot, photo, uploaded
from tests.test_thumbnails_django import Photo

SIZES = {"small": "30x20,cover", "large": "300x300", "card": "card"}


class SnapshotSerializer(serializers.ModelSerializer):
    thumbnails = ThumbnailField(source="image", sizes=SIZES, placeholder=True)

    class Meta:
        model = Snapshot
        fields = ("image", "focus", "thumbnails")


class Snapshots(generics.ListCreateAPIView):
    queryset = Snapshot.objects.order_by("pk")
    serializer_class = SnapshotSerializer
    permission_classes = (AllowAny,)
    authentication_classes = ()
    schema = AutoSchema()


urlpatterns = [path("snapshots", Snapshots.as_view())]


@pytest.fixture
def media(tmp_path):
    with (
        override_settings(
            MEDIA_ROOT=tmp_path / "media",
            MEDIA_URL="/media/",
            ROOT_URLCONF=__name__,
            TEMPLATES=[
                {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
            ],
            XACCEL={
                "THUMBNAIL_CACHE": tmp_path / "cache",
                "THUMBNAIL_PRESETS": {"card": "40x40,cover,dpr-2"},
            },
        ),
        database(Snapshot, Bare, Photo),
    ):
        yield tmp_path / "media"


@pytest.fixture
def client(media):
    return APIClient()


def test_an_upload_and_its_thumbnails(client):
    response = client.post("/snapshots", {"image": uploaded(), "focus": "0.25x0.125"})
    assert response.status_code == 201, response.content
    made = client.get("/snapshots").json()[0]["thumbnails"]
    assert made["small"]["url"].startswith(
        "http://testserver/t/30x20,cover,g-0.25-0.125/photos/a.jpg?"
    )
    sizes = {name: (made[name]["width"], made[name]["height"]) for name in SIZES}
    assert sizes == {"small": (30, 20), "large": (40, 80), "card": (40, 40)}
    assert made["placeholder"] == draw_thumbhash(thumbhash(photo()))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"text", "Upload a valid image. The file you uploaded was either not an image or a "),
        (b"", "The submitted file is empty."),
    ],
)
def test_an_upload_that_is_not_an_image(client, content, error):
    response = client.post("/snapshots", {"image": uploaded(content)})
    assert response.status_code == 400
    assert response.json()["image"][0].startswith(error)
    with override_settings(XACCEL={"THUMBNAIL_MAX_PIXELS": 1000}):
        response = client.post("/snapshots", {"image": uploaded()})
    assert "0.001 megapixels" in response.json()["image"][0]
    response = client.post("/snapshots", {"image": uploaded(), "focus": "left"})
    assert response.json() == {"focus": ["Enter both numbers, from 0 to 100."]}
    assert not Snapshot.objects.exists()


def test_a_model_serializer_uses_the_field(media):
    assert isinstance(SnapshotSerializer().fields["image"], ImageField)


def test_without_an_image_the_field_is_null(client):
    Snapshot.objects.create()
    assert client.get("/snapshots").json() == [{"image": None, "focus": "", "thumbnails": None}]
    assert (
        SnapshotSerializer(Snapshot(image="a.jpg"))
        .data["thumbnails"]["small"]["url"]
        .startswith("/t/30x20,cover/")
    )


def test_sizes_that_are_not_certain_are_null(media):
    field = ThumbnailField(sizes=SIZES)
    made = field.to_representation(Photo(image="a.jpg", width=80, height=40).image)
    assert (made["large"]["width"], made["large"]["height"]) == (None, None)
    assert (made["small"]["width"], made["small"]["height"]) == (30, 20)


def test_sizes_that_depend_on_the_border_are_null(media):
    field = ThumbnailField(sizes={"small": "30x20,trim-10", "exact": "30x20,cover,trim-10"})
    made = field.to_representation(Snapshot(image="a.jpg", width=40, height=80).image)
    assert (made["small"]["width"], made["small"]["height"]) == (None, None)
    assert (made["exact"]["width"], made["exact"]["height"]) == (30, 20)


def test_a_list_of_100_queries_once_and_opens_no_file(client, monkeypatch):
    Snapshot.objects.bulk_create(
        Snapshot(image=f"photos/{number}.jpg", blur=thumbhash(photo()), width=40, height=80)
        for number in range(100)
    )
    client.get("/snapshots")
    opened = []
    for module, name in ((builtins, "open"), (io, "open"), (os, "open"), (os, "stat")):
        real = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *a, real=real, **k: opened.append(a[0]) or real(*a, **k)
        )
    with CaptureQueriesContext(connections["default"]) as queries:
        response = client.get("/snapshots")
    monkeypatch.undo()
    assert len(response.json()) == 100
    assert len(queries) == 1
    assert opened == []


def test_the_browsable_api(client):
    client.post("/snapshots", {"image": uploaded()})
    response = client.get("/snapshots", HTTP_ACCEPT="text/html")
    assert response.status_code == 200
    html = response.content.decode()
    assert 'name="image" type="file"' in " ".join(html.split())
    assert "/t/30x20,cover/photos/a.jpg" in html


def test_the_openapi_schema(media):
    schema = SchemaGenerator(patterns=urlpatterns).get_schema(request=None, public=True)
    validate_schema(schema)
    field = schema["components"]["schemas"]["Snapshot"]["properties"]["thumbnails"]
    assert field["readOnly"]
    assert field["nullable"]
    assert list(field["properties"]) == [*SIZES, "placeholder"]
    small = field["properties"]["small"]
    assert small["required"] == ["url", "width", "height"]
    assert small["properties"]["url"] == {"type": "string", "format": "uri"}
    assert small["properties"]["width"] == {"type": "integer", "minimum": 1, "nullable": True}


def test_the_schema_of_openapi_3_1(media, monkeypatch):
    from drf_spectacular.settings import spectacular_settings

    monkeypatch.setattr(spectacular_settings, "OAS_VERSION", "3.1.0")
    schema = SchemaGenerator(patterns=urlpatterns).get_schema(request=None, public=True)
    field = schema["components"]["schemas"]["Snapshot"]["properties"]["thumbnails"]
    assert field["type"] == ["object", "null"]
    width = field["properties"]["small"]["properties"]["width"]
    assert width == {"type": ["integer", "null"], "minimum": 1}


def test_wrong_sizes(media):
    with pytest.raises(ValueError, match="must contain a thumbnail"):
        ThumbnailField(sizes={})
    with pytest.raises(ValueError, match="choose another"):
        ThumbnailField(sizes={"placeholder": "30x20"}, placeholder=True)
    with pytest.raises(SpecError):
        ThumbnailField(sizes={"a": "30x20,covr"}).to_representation("a.jpg")


def test_the_format_of_the_settings(media):
    presets = {"card": "40x40,cover,png"}
    formats = {"THUMBNAIL_FORMAT": "auto", "THUMBNAIL_PRESETS": presets}
    with override_settings(XACCEL={**settings.XACCEL, **formats}):
        made = SnapshotSerializer(Snapshot(image="a.jpg")).data["thumbnails"]
    specs = {name: made[name]["url"].split("/")[2] for name in SIZES}
    assert specs == {"small": "30x20,cover,auto", "large": "300x300,auto", "card": presets["card"]}


WITHOUT_PILLOW = """
import sys
sys.modules["PIL"] = None
sys.path.insert(0, {root!r})
import tests.support.django_site
from django.core.files.uploadedfile import SimpleUploadedFile
from xaccel.rest_framework import ImageField
file = ImageField().run_validation(SimpleUploadedFile("a.jpg", sys.stdin.buffer.read()))
print(file.image.width, file.image.height)
"""


def test_pillow_is_not_needed():
    script = WITHOUT_PILLOW.format(root=str(Path(__file__).parent.parent))
    made = subprocess.run(
        [sys.executable, "-c", script], input=photo(), capture_output=True, check=False
    )
    assert (made.stderr, made.stdout.split()) == (b"", [b"40", b"80"])


def test_urls_are_relative_without_a_request(media):
    serializer = SnapshotSerializer(Snapshot(image="a.jpg"))
    assert serializer.data["thumbnails"]["card"]["url"].startswith("/t/")
    request = RequestFactory().get("/", secure=True)
    serializer = SnapshotSerializer(Snapshot(image="a.jpg"), context={"request": request})
    assert serializer.data["thumbnails"]["card"]["url"].startswith("https://testserver/t/")
