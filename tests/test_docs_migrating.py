"""The snippets of `docs/migrating.md`; other tests check its tables."""

# First, since the models need the settings.
from tests.support import django_site  # isort: skip

from types import ModuleType, SimpleNamespace

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import models
from django.db.migrations.writer import MigrationWriter
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.test import Client, RequestFactory, override_settings
from django.test.utils import isolate_apps
from django.urls import include, path
from xaccel import Config
from xaccel.django import PrivateFileView, thumbnail_url
from xaccel.testing import assert_offloaded

from tests.support.django_site import database
from tests.support.doc_pages import execute, run, runs
from tests.support.thumbnail_images import photo_file


@pytest.fixture
def videos(tmp_path):
    directory = tmp_path / "srv" / "videos"
    directory.mkdir(parents=True)
    (directory / "a.mp4").write_bytes(b"film")
    return directory


@pytest.fixture
def site(videos):
    """A site with one root, as at the top of the page."""
    roots = {str(videos): "/_private/videos/"}
    keys = ["a key of more than 16 bytes"]
    xaccel = {"SERVER": "nginx", "ROOTS": roots, "SECRET_KEYS": keys, "PRIVATE_URL": "/p/"}
    with override_settings(XACCEL=xaccel):
        yield


@runs("docs/migrating.md#Migrating from another package")
def test_roots(found, videos):
    (code,) = found
    text = code.text.replace("/srv/", f"{videos.parent}/")
    config = Config.from_mapping(execute(text, code.page)["XACCEL"])
    assert config.server == "nginx"
    assert config.roots == {str(videos): "/_private/videos/"}


class Receipt(models.Model):
    """The model `Document` of the page."""

    owner = models.CharField(max_length=20)
    slug = models.SlugField()
    file = models.FileField()

    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return self.slug


@pytest.fixture
def names(site, videos):
    """The names that the page's views take from their project, and a document in the database."""
    with database(Receipt), override_settings(MEDIA_ROOT=str(videos)):
        Receipt.objects.create(pk=7, owner="ann", slug="film", file="a.mp4")
        yield {
            "Document": Receipt,
            "PermissionDenied": PermissionDenied,
            "PrivateFileView": PrivateFileView,
            "get_object_or_404": get_object_or_404,
        }


@runs("docs/migrating.md#django-sendfile2")
def test_sendfile2(found, names, videos):
    drop_in, own = found
    film = videos / "a.mp4"
    request = RequestFactory().get("/")
    settings = {
        "SENDFILE_BACKEND": "django_sendfile.backends.nginx",
        "SENDFILE_ROOT": str(videos),
        "SENDFILE_URL": "/private",
    }
    with override_settings(**settings, XACCEL={}):
        response = execute(drop_in.text, drop_in.page)["sendfile"](request, film)
        assert response.headers["X-Accel-Redirect"] == "/private/a.mp4"

    download = execute(own.text, own.page, **names)["download"]
    request.user = "ann"
    response = download(request, 7)
    assert_offloaded(response, film)
    assert response.headers["Content-Disposition"].startswith("attachment")
    with pytest.raises(Http404):
        download(request, 8)
    request.user = "tom"
    with pytest.raises(PermissionDenied):
        download(request, 7)


@runs("docs/migrating.md#django-downloadview")
def test_downloadview(found, names, videos):
    (code,) = found
    view = execute(code.text, code.page, **names)["Download"].as_view()
    request = RequestFactory().get("/")
    request.user = SimpleNamespace(is_authenticated=True)
    response = view(request, slug="film")
    assert_offloaded(response, videos / "a.mp4")
    assert response.headers["Content-Disposition"].startswith("attachment")
    with pytest.raises(Http404):
        view(request, slug="other")
    request.user = SimpleNamespace(is_authenticated=False)
    with pytest.raises(PermissionDenied):
        view(request, slug="film")


@runs("docs/migrating.md#django-private-storage")
def test_private_storage(found, site, videos):
    (code,) = found
    text = code.text.replace("/srv/", f"{videos.parent}/")
    setting, rest = text.split("\n\n", 1)
    private = execute(setting, code.page)["STORAGES"]
    with (
        isolate_apps("xaccel.django"),
        override_settings(
            STORAGES={**django_site.STORAGES, **private}, ROOT_URLCONF="xaccel.django.urls"
        ),
    ):
        names = {"models": models, "storages": storages, "__name__": "xaccel.django.videos"}
        model = execute(rest, code.page, **names)["Video"]
        # Migrations name the function.
        written, _ = MigrationWriter.serialize(model._meta.get_field("file"))
        assert "storage=xaccel.django.videos.private_storage" in written
        video = model()
        video.file.save("b.mp4", ContentFile(b"film"), save=False)
        assert video.file.path.startswith(f"{videos}/20")
        assert_offloaded(Client().get(video.file.url), video.file.path)


@runs(
    "docs/migrating.md#sorl-thumbnail",
    "docs/migrating.md#easy-thumbnails",
)
def test_drop_ins(found, tmp_path):
    code, command = found
    names = execute(code.text, code.page, path=path, include=include)
    xaccel, drop_in = names["INSTALLED_APPS"]
    urls = ModuleType("urls")
    urls.urlpatterns = names["urlpatterns"]
    (tmp_path / "cat.jpg").write_bytes(photo_file("JPEG"))
    installed = {each.name for each in apps.get_app_configs()}
    media = {"MEDIA_ROOT": str(tmp_path), "XACCEL": {"SECRET_KEYS": ["a key of sixteen bytes"]}}
    with override_settings(
        INSTALLED_APPS=[*sorted(installed - {xaccel}), xaccel, drop_in],
        ROOT_URLCONF=urls,
        **media,
    ):
        assert apps.is_installed(drop_in)
        assert Client().get(thumbnail_url("cat.jpg", 50)).status_code == 200

    old = drop_in.replace("xaccel.django.sorl", "sorl.thumbnail").removeprefix("xaccel.django.")
    project = tmp_path / "shop" / "migrations"
    project.mkdir(parents=True)
    text = f"import {old}.fields\nfrom {old} import models\nfield = {old}.fields.X()\n"
    (project / "0001.py").write_text(text)
    (project / "other.txt").write_text(text)
    run(command.text, tmp_path)
    assert (project / "0001.py").read_text() == text.replace(old, drop_in)
    assert (project / "other.txt").read_text() == text
