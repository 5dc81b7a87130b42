"""The snippets of `docs/s3.md`, against a real S3 server."""

import json
import os
import shlex
from types import SimpleNamespace
from urllib.request import urlopen

import boto3
import pytest
from django.db.models import FileField
from django.db.models.fields.files import FieldFile
from django.test import RequestFactory, override_settings
from storages.backends.s3 import S3Storage
from xaccel import Config, django, probe
from xaccel.thumbnails.places import digest
from xaccel.wsgi import XAccel

from tests.support import django_site  # noqa: F401
from tests.support.clients import call_wsgi
from tests.support.doc_pages import commands, execute, run, runs
from tests.support.thumbnail_images import photo_file
from tests.support.thumbnail_service import Service

FILM = b"film" * 1000


@pytest.fixture(scope="module")
def media(s3):
    """A server with the bucket of the page."""
    s3.create("media")
    s3.put("s3://media/photos/cat.jpg", photo_file("JPEG"))
    s3.put("s3://media/private/films/a.mp4", FILM)
    return s3


@pytest.fixture
def settings(media, tmp_path, monkeypatch):
    """A function that returns the settings of a snippet, with the address of the server."""
    monkeypatch.setenv("S3_ACCESS_KEY", media.access_key)
    monkeypatch.setenv("S3_SECRET_KEY", media.secret_key)

    def settings(text):
        code = text.replace("https://s3.example.com", media.endpoint)
        code = code.replace("/var/cache/shop", str(tmp_path / "cache"))
        code = code.replace("{…}", repr(media.settings))
        return execute(code, "docs/s3.md", os=os)["XACCEL"]

    return settings


def fetched(server, headers):
    """What nginx fetches from the server: the target is the query of the redirect."""
    place, _, target = headers["X-Accel-Redirect"].partition("?")
    assert place == "/_remote/media/films/a.mp4"
    with urlopen(f"{server.endpoint}{target}") as response:
        return response.read()


@runs("docs/s3.md#Files in a bucket")
def test_the_settings(found, settings, media, tmp_path):
    (code,) = found
    service = Service(settings(code.text))
    made = service.get(service.url("cat.jpg", 300, 200, fit="cover"))
    assert made.status == 200
    assert [*(tmp_path / "cache").rglob("cat.jpg")]
    kept = media.get(f"s3://media/thumbs/{digest('cat.jpg')}/300x200,cover.jpeg")
    assert probe(kept).width == 300
    file = XAccel(service.config).send_private_file("s3://media/private/films/a.mp4")
    assert fetched(media, call_wsgi(file)[1]) == FILM


@runs("docs/s3.md#A store for several machines")
def test_the_rules_of_the_bucket(found, settings, media, tmp_path):
    write, put = commands(*found)
    given = {"S3": media.settings, "THUMBNAIL_SOURCE": "s3://media/photos/"}
    given |= {"THUMBNAIL_CACHE": str(tmp_path), "THUMBNAIL_STORE": "s3://media/thumbs/"}
    (tmp_path / "shop.py").write_text(
        f"from xaccel import Config\napp = Config.from_mapping({given!r})\n"
    )
    run(write, tmp_path)
    # The command `aws` makes the same request of botocore.
    program, service, operation, *options = shlex.split(put)
    assert (program, operation) == ("aws", "put-bucket-lifecycle-configuration")
    named = dict(zip(options[::2], options[1::2], strict=True))
    file = tmp_path / named["--lifecycle-configuration"].removeprefix("file://")
    client = boto3.client(
        service.removesuffix("api"),
        endpoint_url=media.endpoint,
        region_name=media.region,
        aws_access_key_id=media.access_key,
        aws_secret_access_key=media.secret_key,
    )
    bucket = named["--bucket"]
    rules = json.loads(file.read_text())
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=rules)
    (rule,) = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert (rule["Filter"]["Prefix"], rule["Status"]) == ("thumbs/", "Enabled")


@runs("docs/s3.md#Private files")
def test_private_files(found, settings, media):
    (code,) = found
    setting, calls = code.text.split("\n\n")
    xaccel = settings(setting)
    wsgi, in_django = calls.splitlines()
    app = XAccel(Config.from_mapping(xaccel))
    file = eval(wsgi, {"send_private_file": app.send_private_file})
    assert fetched(media, call_wsgi(file)[1]) == FILM

    storage = S3Storage(bucket_name="media", location="private", access_key="a", secret_key="b")
    field = FieldFile(None, FileField(storage=storage), "films/a.mp4")
    names = {
        "send_private_file": django.send_private_file,
        "request": RequestFactory().get("/"),
        "document": SimpleNamespace(file=field),
    }
    with override_settings(XACCEL=xaccel):
        assert fetched(media, eval(in_django, names).headers) == FILM
