"""Thumbnails in Django: a page with many, models, storages and purges."""

import builtins
import io
import os

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import InMemoryStorage, default_storage
from django.db import connections, models
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from PIL import Image
from xaccel.django import conf, purge_on_change, send_private_thumbnail
from xaccel.django.views import thumbnail
from xaccel.thumbnails.sources.base import StreamedOriginal

from tests.support import django_site  # noqa: F401

SQLITE = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}


class Photo(models.Model):
    title = models.CharField(max_length=50)
    image = models.ImageField(upload_to="photos", width_field="width", height_field="height")
    width = models.IntegerField(null=True)
    height = models.IntegerField(null=True)

    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return self.title


@pytest.fixture
def media(tmp_path):
    """A site with a media directory, a database in memory and the table of photos."""
    databases = connections.databases
    kept = dict(databases)
    databases.update(connections.configure_settings(SQLITE))
    if hasattr(connections._connections, "default"):
        del connections["default"]
    with override_settings(
        MEDIA_ROOT=tmp_path / "media", XACCEL={"THUMBNAIL_CACHE": tmp_path / "cache"}
    ):
        connection = connections["default"]
        with connection.schema_editor() as editor:
            editor.create_model(Photo)
        yield tmp_path / "media"
        connection.close()
    del connections["default"]
    databases.clear()
    databases.update(kept)


def picture(size=(60, 40)):
    output = io.BytesIO()
    Image.new("RGB", size, "red").save(output, "JPEG")
    return ContentFile(output.getvalue(), name="a.jpg")


def render(template, **context):
    return Template("{% load xaccel %}" + template).render(Context(context))


def shown(url):
    path, _, query = url.replace("&amp;", "&").partition("?")
    request = RequestFactory().get(path, QUERY_STRING=query)
    response = thumbnail(request, path.removeprefix("/t/"))
    assert response.status_code == 200
    return Image.open(io.BytesIO(response.getvalue()))


def test_a_page_with_100_thumbnails_queries_no_database_and_opens_no_file(media, monkeypatch):
    for number in range(100):
        # The last ones have no file any more, or never had one.
        name = f"photos/{number}.jpg" if number < 98 else ""
        Photo.objects.create(title=f"Nr. {number}", image=name, width=600, height=400)
    media.mkdir(exist_ok=True)
    photos = list(Photo.objects.defer("title"))
    opened = []
    for module, name in ((builtins, "open"), (io, "open"), (os, "open"), (os, "stat")):
        real = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *a, real=real, **k: opened.append(a[0]) or real(*a, **k)
        )
    template = Template(
        "{% load xaccel %}{% for photo in photos %}"
        '{% thumbnail_img photo.image 300 200 alt="" widths="300, 600" sizes="50vw" %}'
        '{% thumbnail_picture photo.image 300 200 fit="cover" alt="" version=photo.pk %}'
        "{% endfor %}"
    )
    opened.clear()
    with CaptureQueriesContext(connections["default"]) as queries:
        html = template.render(Context({"photos": photos}))
    monkeypatch.undo()
    assert list(queries) == []
    assert opened == []
    assert html.count("<img ") == 200
    assert html.count('width="300" height="200"') == 200


def test_the_default_storage_is_the_source(media):
    photo = Photo.objects.create(image=picture())
    assert (photo.width, photo.height) == (60, 40)
    assert shown(render("{% thumbnail_url photo.image 30 %}", photo=photo)).size == (30, 20)


def test_a_storage_without_a_directory_is_a_source(media):
    storage = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={"default": storage, "staticfiles": static}):
        photo = Photo.objects.create(image=picture())
        assert conf.config().thumbnail_source == "storage://default"
        assert shown(render("{% thumbnail_url photo.image 30 %}", photo=photo)).size == (30, 20)
        url = render("{% thumbnail_url 'absent.jpg' 30 %}")
        path, _, query = url.partition("?")
        request = RequestFactory().get(path, QUERY_STRING=query)
        assert thumbnail(request, path.removeprefix("/t/")).status_code == 404


@pytest.mark.parametrize("width", [60, 900])
def test_a_progressive_image_in_a_storage_is_read_as_far_as_needed(media, monkeypatch, width):
    noise = Image.effect_noise((2000, 1200), 60)
    content = io.BytesIO()
    noise.save(content, "JPEG", quality=95, progressive=True)
    storage = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={"default": storage, "staticfiles": static}):
        name = default_storage.save("large.jpg", ContentFile(content.getvalue()))
        taken, take = [], StreamedOriginal._take
        monkeypatch.setattr(
            StreamedOriginal, "_take", lambda self, piece: taken.append(piece) or take(self, piece)
        )
        made = shown(render("{% thumbnail_url name width %}", name=name, width=width))
    assert made.size == (width, width * 3 // 5)
    assert (len(b"".join(taken)) < len(content.getvalue())) == (width == 60)


def test_no_source_without_a_media_directory():
    with override_settings(MEDIA_ROOT="", XACCEL={}):
        assert conf.config().thumbnail_source is None


def test_tags_escape(media):
    html = render("{% thumbnail_img name 30 alt=alt class='x' %}", name="a.jpg", alt='"<>')
    assert 'alt="&quot;&lt;&gt;"' in html
    assert 'class="x"' in html
    assert html.startswith("<img ")


def test_purge_on_change(media, tmp_path, django_commits):
    purge_on_change(Photo, "image")
    photo = Photo.objects.create(image=picture((60, 40)))
    url = render("{% thumbnail_url photo.image 30 30 %}", photo=photo)
    assert shown(url).size == (30, 20)

    # The same name, another picture.
    path = photo.image.path
    photo.image.storage.delete(photo.image.name)
    photo.image = ContentFile(picture((60, 60)).read(), name="a.jpg")
    photo.save()
    assert photo.image.path == path
    assert shown(url).size == (30, 30)

    with CaptureQueriesContext(connections["default"]) as queries:
        photo.title = "changed"
        photo.save()
    assert len(queries) == 1
    files = [path for path in (tmp_path / "cache" / "t").rglob("*") if path.is_file()]
    assert len(files) == 1

    photo.delete()
    assert not files[0].exists()


@pytest.fixture
def django_commits(media):
    """Outside of transactions, what waits for the commit runs at once."""
    assert not connections["default"].in_atomic_block


def test_private_thumbnail(media, tmp_path):
    media.mkdir()
    (media / "a.jpg").write_bytes(picture().read())
    request = RequestFactory().get("/")
    with override_settings(XACCEL={"ROOTS": {media: "/_private/"}}):
        response = send_private_thumbnail(request, "a.jpg", 30)
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert Image.open(io.BytesIO(response.getvalue())).size == (30, 20)
        assert send_private_thumbnail(request, "absent.jpg", 30).status_code == 404


class FailingStorage(InMemoryStorage):
    """Fails as the client of an object store does, on opening or on reading."""

    problem: Exception
    fails_on_read = False

    def open(self, name, mode="rb"):
        if not self.fails_on_read:
            raise self.problem
        problem = self.problem

        class Failing(io.BytesIO):
            def read(self, *_):
                raise problem

        return File(Failing(), name)


class ClientError(Exception):
    """As botocore's, which has no base but `Exception`."""


@pytest.mark.parametrize("fails_on_read", [True, False])
@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (TimeoutError("timed out"), 503),
        (OSError("connection reset"), 503),
        (ClientError("SlowDown"), 503),
        (FileNotFoundError("NoSuchKey"), 404),
        (PermissionError("denied"), 404),
        (SuspiciousFileOperation("outside"), 404),
    ],
)
def test_a_storage_that_fails(media, monkeypatch, caplog, problem, status, fails_on_read):
    storage = {"BACKEND": f"{__name__}.FailingStorage"}
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    Image.new("RGB", (9, 9)).save(media.parent / "fallback.png")
    for fallback in (None, media.parent / "fallback.png"):
        settings = {"THUMBNAIL_FALLBACK": fallback}
        with override_settings(
            STORAGES={"default": storage, "staticfiles": static}, XACCEL=settings
        ):
            name = default_storage.save("a.jpg", picture())
            monkeypatch.setattr(FailingStorage, "problem", problem, raising=False)
            monkeypatch.setattr(FailingStorage, "fails_on_read", fails_on_read)
            caplog.clear()
            url = render("{% thumbnail_url name 30 %}", name=name)
            path, _, query = url.replace("&amp;", "&").partition("?")
            request = RequestFactory().get(path, QUERY_STRING=query)
            response = thumbnail(request, path.removeprefix("/t/"))
        assert response.status_code == status
        assert response.headers.get("Retry-After") == ("5" if status == 503 else None)
        kind = "text/plain; charset=utf-8" if fallback is None else "image/jpeg"
        assert response.headers["Content-Type"] == kind
        (record,) = (record for record in caplog.records if record.levelname != "DEBUG")
        assert record.levelname == "WARNING"
        assert record.exc_info is None
        assert str(problem) in record.getMessage()
