"""Files of django-storages' S3Storage, and of other storages that say where their files are."""

import functools
from urllib.parse import unquote

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.db.models import FileField
from django.db.models.fields.files import FieldFile
from django.test import RequestFactory, override_settings
from storages.backends.s3 import S3File, S3Storage
from xaccel import ConfigError
from xaccel.django import purge, purge_thumbnails, send_private_file, send_private_thumbnail
from xaccel.exceptions import StorageUnavailable
from xaccel.testing import assert_offloaded

from tests.support import django_site  # noqa: F401

S3 = {
    "endpoint": "https://s3.example.com",
    "region": "eu-central-1",
    "access_key": "AKIATEST",
    "secret_key": "the secret key",
}
REMOTES = {"s3://vault/media/": "/_remote/media/", "s3://open/": "/_remote/open/"}


@pytest.fixture
def configure(tmp_path):
    (tmp_path / "a.pdf").write_text("another file of the same name")
    overrides = []

    def configure(**changes):
        xaccel = {"SERVER": "nginx", "ROOTS": {tmp_path: "/_private/"}, "S3": S3, **changes}
        override = override_settings(XACCEL=xaccel)
        override.enable()
        overrides.append(override)

    yield configure
    for override in reversed(overrides):
        override.disable()


@functools.cache
def storage(bucket, location="", **options):
    return S3Storage(
        bucket_name=bucket, location=location, access_key="a", secret_key="b", **options
    )


def redirect(file):
    response = send_private_file(RequestFactory().get("/"), file)
    assert response.content == b""
    return response.headers["X-Accel-Redirect"]


def field(storage, name):
    return FieldFile(None, FileField(storage=storage), name)


@pytest.mark.parametrize(
    ("bucket", "location", "name", "prefix"),
    [
        ("vault", "media", "a.pdf", "/_remote/media/a.pdf?/vault/media/a.pdf?"),
        ("vault", "media/", "a b.pdf", "/_remote/media/a%20b.pdf?/vault/media/a%20b.pdf?"),
        ("vault", "media/x", "y/a+b.pdf", "/_remote/media/x/y/a+b.pdf?/vault/media/x/y/a%2Bb.pdf?"),
        ("open", "", "a.pdf", "/_remote/open/a.pdf?/open/a.pdf?"),
        ("vault", "", "media/a.pdf", "/_remote/media/a.pdf?/vault/media/a.pdf?"),
    ],
)
def test_the_file_of_a_field_by_its_bucket_and_location(configure, bucket, location, name, prefix):
    configure(REMOTES=REMOTES)
    file = field(storage(bucket, location), name)
    value = redirect(file)
    assert unquote(value).startswith(unquote(prefix))
    assert value.partition("?")[2].startswith(prefix.partition("?")[2])
    assert "X-Amz-Signature=" in value
    assert_offloaded(send_private_file(RequestFactory().head("/"), file), file)


def test_an_opened_file(configure):
    configure(REMOTES=REMOTES)
    opened = S3File("media/a.pdf", "wb", storage("vault", "media"))
    assert redirect(opened).startswith("/_remote/media/a.pdf?/vault/media/a.pdf?")


@pytest.mark.parametrize("remotes", [{}, REMOTES])
@pytest.mark.parametrize(
    ("bucket", "location"), [("other", "media"), ("vault", ""), ("vault", "media2"), ("Vault", "")]
)
def test_never_a_local_file_of_the_same_name(configure, remotes, bucket, location):
    configure(REMOTES=remotes)
    for file in (
        field(storage(bucket, location), "a.pdf"),
        S3File(f"{location}/a.pdf".lstrip("/"), "wb", storage(bucket, location)),
    ):
        with pytest.raises(ConfigError, match=r"a\.pdf.*REMOTES"):
            send_private_file(RequestFactory().get("/"), file)


def test_names_that_lead_out_of_the_prefix(configure):
    configure(REMOTES=REMOTES)
    for name in ("../secret.pdf", "x/../../secret.pdf", "./a.pdf"):
        with pytest.raises(ConfigError):
            send_private_file(RequestFactory().get("/"), field(storage("vault", "media"), name))


def test_a_url_of_the_storage_still_works(configure):
    configure(REMOTES={**REMOTES, "https://files.example.com/": "/_remote/files/"})
    file = field(storage("other", custom_domain="files.example.com"), "a.pdf")
    assert redirect(file) == "/_remote/files/a.pdf"


def test_a_storage_that_says_where_its_files_are(configure):
    class Elsewhere(Storage):
        def xaccel_url(self, name):
            return f"s3://vault/media/elsewhere/{name}"

    class Ours(storage("vault").__class__):
        def xaccel_url(self, name):
            return f"s3://open/{name}"

    configure(REMOTES=REMOTES)
    value = redirect(field(Elsewhere(), "a.pdf"))
    assert value.startswith("/_remote/media/elsewhere/a.pdf?/vault/media/elsewhere/a.pdf?")
    assert redirect(field(Ours(bucket_name="vault"), "a.pdf")).startswith("/_remote/open/a.pdf?")
    configure(REMOTES={"s3://open/": "/_remote/open/"})
    with pytest.raises(ConfigError, match=r"a\.pdf"):
        send_private_file(RequestFactory().get("/"), field(Elsewhere(), "a.pdf"))


def test_only_local_files_have_private_thumbnails(configure):
    configure(REMOTES=REMOTES)
    with pytest.raises(ConfigError, match="this machine"):
        send_private_thumbnail(RequestFactory().get("/"), field(storage("vault"), "a.png"), 5)


def test_an_unsaved_file_is_not_sent(configure):
    configure(REMOTES=REMOTES)
    with pytest.raises(ConfigError, match="not in a storage"):
        send_private_file(RequestFactory().get("/"), ContentFile(b"x", name="media/a.pdf"))


def test_a_store_that_is_down_does_not_break_a_saved_row(configure, tmp_path, caplog):
    configure(
        THUMBNAIL_SOURCE=str(tmp_path),
        THUMBNAIL_CACHE=str(tmp_path / "cache"),
        THUMBNAIL_STORE="s3://thumbs/",
        S3={**S3, "endpoint": "http://127.0.0.1:1"},
    )
    purge._purge("cat.jpg")
    assert "can't purge the thumbnails of 'cat.jpg'" in caplog.text
    with pytest.raises(StorageUnavailable):
        purge_thumbnails("cat.jpg")
