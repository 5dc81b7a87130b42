"""Thumbnails in Django: a page with many, models, storages and purges."""

import builtins
import io
import itertools
import os
import urllib.parse
from pathlib import Path
from types import SimpleNamespace

import django
import pytest
from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import (
    FileSystemStorage,
    InMemoryStorage,
    Storage,
    default_storage,
)
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, models, transaction
from django.db.models.fields.files import FieldFile
from django.forms import modelform_factory
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils.html import format_html
from django.utils.safestring import SafeData
from PIL import Image
from xaccel import ConfigError, SpecError
from xaccel.django import (
    conf,
    purge_on_change,
    purge_thumbnails,
    send_private_thumbnail,
    thumbnail_img,
    thumbnail_url,
)
from xaccel.django.storage import PrivateStorage
from xaccel.django.views import thumbnail
from xaccel.exceptions import FileNotFound, SourceError, StorageUnavailable
from xaccel.thumbnails.sources.base import StreamedOriginal

from tests.support.django_site import database


class Photo(models.Model):
    title = models.CharField(max_length=50)
    image = models.ImageField(
        upload_to="photos", width_field="width", height_field="height", blank=True
    )
    width = models.IntegerField(null=True)
    height = models.IntegerField(null=True)

    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return self.title


class PhotoProxy(Photo):
    class Meta:
        app_label = "xaccel"
        proxy = True


class PhotoChild(Photo):
    class Meta:
        app_label = "xaccel"


class Abstract(models.Model):
    image = models.ImageField(blank=True)

    class Meta:
        app_label = "xaccel"
        abstract = True


class Concrete(Abstract):
    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return self.image.name


@pytest.fixture
def media(tmp_path):
    """A site with a media directory, a database in memory and the table of photos."""
    with (
        override_settings(
            MEDIA_ROOT=tmp_path / "media", XACCEL={"THUMBNAIL_CACHE": tmp_path / "cache"}
        ),
        database(Photo, PhotoChild, Concrete),
    ):
        yield tmp_path / "media"


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
    assert html.count("<img ") == 2 * 98
    # Only cover is certain of its size: EXIF may rotate the image.
    assert html.count('width="300" height="200"') == 98


def test_the_default_storage_is_the_source(media):
    photo = Photo.objects.create(image=picture())
    assert (photo.width, photo.height) == (60, 40)
    assert shown(render("{% thumbnail_url photo.image 30 %}", photo=photo)).size == (30, 20)


def test_the_format_of_the_settings(media):
    with override_settings(XACCEL={"THUMBNAIL_FORMAT": "gif"}):
        photo = Photo.objects.create(image=picture())
        for options, image_format in (
            ("", "GIF"),
            ("format=None", "JPEG"),
            ("format='png'", "PNG"),
        ):
            url = render(f"{{% thumbnail_url photo.image 30 {options} %}}", photo=photo)
            assert shown(url).format == image_format


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


def test_a_storage_knows_when_a_file_was_changed(media):
    storage = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    tag = "{% thumbnail_url name 30 version='mtime' %}"
    with override_settings(STORAGES={"default": storage, "staticfiles": static}):
        name = default_storage.save("a.jpg", picture())
        before = render(tag, name=name)
        assert ",v-" in before
        assert render(tag, name=name) == before
        default_storage.delete(name)
        default_storage.save("a.jpg", picture((60, 60)))
        after = render(tag, name=name)
        assert after != before
        assert shown(after).size == (30, 30)
        assert ",v-" not in render(tag, name="absent.jpg")


class Timeless(InMemoryStorage):
    """A storage that can't say when a file was changed, and one whose service is down."""

    def get_modified_time(self, name):
        if name == "down.jpg":
            raise RuntimeError("the service is down")
        if name == "absent.jpg":
            raise FileNotFoundError(name)
        return Storage.get_modified_time(self, name)


def test_a_storage_that_does_not_know_when_a_file_was_changed(media, caplog):
    storage = {"BACKEND": f"{__name__}.Timeless"}
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    tag = "{% thumbnail_url name 30 version='mtime' %}"
    with override_settings(STORAGES={"default": storage, "staticfiles": static}):
        assert ",v-" not in render(tag, name="down.jpg")
        assert "the service is down" in caplog.text
        assert ",v-" not in render(tag, name="a.jpg")
        assert "version='mtime'" in caplog.text
        with pytest.raises(StorageUnavailable):
            conf.thumbnail_source().version("down.jpg")
        with pytest.raises(FileNotFound):
            conf.thumbnail_source().version("absent.jpg")
        with override_settings(DEBUG=True), pytest.raises(SpecError, match="version='mtime'"):
            render(tag, name="a.jpg")


TAGS = (
    "{% thumbnail_url source 30 %}",
    "{% thumbnail_srcset source 30 %}",
    "{% thumbnail_img source 30 alt='' %}",
    "{% thumbnail_picture source 30 alt='' %}",
    "{{ source|thumbnail_url:30 }}",
)


@pytest.fixture
def elsewhere(media, tmp_path):
    """The same name in other storages; the default storage has it, too."""
    default_storage.save("a.jpg", picture())
    memory = InMemoryStorage()
    other = FileSystemStorage(tmp_path / "other")
    private = PrivateStorage(tmp_path / "private")
    storages = [memory, other, private]
    for storage in storages:
        storage.save("a.jpg", picture((60, 60)))
    return storages


def test_a_field_of_another_storage_never_shows_the_default_storage(elsewhere, caplog):
    # A `FieldFile` equals its name, also as a key of a cache.
    assert render("{% thumbnail_url 'a.jpg' 30 %}")
    for storage, what in zip(
        elsewhere, ("InMemoryStorage", "FileSystemStorage", "PrivateStorage"), strict=True
    ):
        field = FieldFile(None, models.FileField(storage=storage), "a.jpg")
        with storage.open("a.jpg") as opened:
            # Django 4.2 does not name a file in memory.
            opened.name = getattr(opened, "name", "a.jpg")
            for source, tag in itertools.product((field, opened), TAGS):
                caplog.clear()
                assert render(tag, source=source) == ""
                assert "a.jpg" in caplog.text
                with (
                    override_settings(DEBUG=True),
                    pytest.raises(SourceError, match=r"a\.jpg.*public thumbnail") as error,
                ):
                    render(tag, source=source)
                if source is field:
                    assert what in str(error.value)
                    assert "send_private_thumbnail()" in str(error.value)
                    assert isinstance(error.value, ConfigError) == (what != "PrivateStorage")
    assert thumbnail_url(field, 30) is None
    assert thumbnail_img(field, 30, alt="") is None


def test_a_field_of_a_storage_inside_the_source_has_its_own_name(media):
    avatars = FileSystemStorage(media / "avatars")
    avatars.save("a.jpg", picture((60, 60)))
    default_storage.save("a.jpg", picture((60, 40)))
    field = FieldFile(None, models.FileField(storage=avatars), "a.jpg")
    with avatars.open("a.jpg") as opened, default_storage.open("a.jpg") as default:
        assert shown(thumbnail_url(field, 30)).size == (30, 30)
        assert shown(thumbnail_url(opened, 30)).size == (30, 30)
        assert shown(thumbnail_url(default, 30)).size == (30, 20)


def test_wrong_sources_are_explained(media):
    photo = Photo(title="a", image=default_storage.save("a.jpg", picture()))
    with override_settings(MEDIA_URL="/media/", STATIC_URL="/static/", DEBUG=True):
        for source, hint in (
            (photo.image.url, r"MEDIA_URL.*photo\.image instead of photo\.image\.url"),
            ("/static/a.jpg", "STATIC_URL"),
            (photo, r"row.*photo\.image"),
            (ContentFile(b"", name="a.jpg"), "not in a storage.*save it first"),
            (SimpleUploadedFile("a.jpg", b""), "save it first"),
            (5, "int"),
        ):
            for tag in TAGS:
                with pytest.raises(SourceError, match=hint):
                    render(tag, source=source)
                with override_settings(DEBUG=False):
                    assert render(tag, source=source) == ""


def test_a_field_without_a_saved_file_has_no_thumbnail(media):
    for photo in (Photo(), Photo(image=picture())):
        with override_settings(DEBUG=True):
            for tag in TAGS:
                assert render(tag, source=photo.image) == ""
            assert thumbnail_url(photo.image, 30) is None


def test_an_img_is_safe_in_the_admin(media):
    # These modules need the settings when they are imported.
    from django.contrib import admin
    from django.contrib.admin.helpers import AdminReadonlyField
    from django.contrib.admin.templatetags.admin_list import results

    photo = Photo.objects.create(image=picture())

    class PhotoAdmin(admin.ModelAdmin):
        list_display = ("shown",)
        readonly_fields = ("shown",)
        fields = ("shown",)

        def shown(self, obj):
            return thumbnail_img(obj.image, 30, alt="")

    html = thumbnail_img(photo.image, 30, alt="")
    assert isinstance(html, SafeData)
    site = admin.AdminSite()
    model_admin = PhotoAdmin(Photo, site)
    request = RequestFactory().get("/")
    request.user = SimpleNamespace(has_perm=lambda _: True)
    model_admin.has_view_permission = model_admin.has_change_permission = lambda *_: True
    changes = model_admin.get_changelist_instance(request)
    changes.formset = None
    (row,) = results(changes)
    assert html in "".join(row)
    form = model_admin.get_form(request, photo, fields=[])(instance=photo)
    field = AdminReadonlyField(form, "shown", is_first=True, model_admin=model_admin)
    assert html in field.contents()
    assert html in format_html("<p>{}</p>", html)


def test_purge_thumbnails(media, tmp_path):
    photo = Photo.objects.create(image=picture())
    shown(thumbnail_url(photo.image, 30))
    shown(thumbnail_url(photo.image, 20))
    assert purge_thumbnails(photo.image) == 2
    shown(thumbnail_url(photo.image, 30))
    assert purge_thumbnails(photo.image.name) == 1
    assert purge_thumbnails(Photo().image) == 0


def test_no_source_without_a_media_directory():
    with override_settings(MEDIA_ROOT="", XACCEL={}):
        assert conf.config().thumbnail_source is None


def test_tags_escape(media):
    html = render("{% thumbnail_img name 30 alt=alt class='x' %}", name="a.jpg", alt='"<>')
    assert 'alt="&quot;&lt;&gt;"' in html
    assert 'class="x"' in html
    assert html.startswith("<img ")


@pytest.fixture
def purging(media):
    """A photo with a thumbnail, and a count of those in the cache, with `purge_on_change`."""
    purge_on_change(Photo, "image")
    purge_on_change(Abstract, "image")
    # Outside of transactions, what waits for the commit runs at once.
    assert not connections["default"].in_atomic_block


def made(photo):
    """Make a thumbnail of a photo; return what says whether it is still in the cache."""
    url = thumbnail_url(photo.image, 30)
    shown(url)
    path, _, _ = url.partition("?")
    file = Path(settings.XACCEL["THUMBNAIL_CACHE"]) / urllib.parse.unquote(path).removeprefix("/")
    assert file.exists()
    return file.exists


def replace_by_assignment(photo):
    photo.image = picture((60, 60))
    photo.save()


def replace_by_save(photo):
    photo.image.save("b.jpg", picture((60, 60)))


def replace_by_save_later(photo):
    photo.image.save("b.jpg", picture((60, 60)), save=False)
    photo.save()


def replace_by_another_name(photo):
    photo.image = photo.image.storage.save("c.jpg", picture((60, 60)))
    photo.save()


def replace_some_fields(photo):
    photo.image = picture((60, 60))
    photo.save(update_fields=["image"])


def replace_without_loading(photo):
    type(photo)(pk=photo.pk, image=picture((60, 60))).save()


def replace_a_deferred_field(photo):
    deferred = type(photo).objects.defer("image").get(pk=photo.pk)
    deferred.image = picture((60, 60))
    deferred.save()


def delete_the_file(photo):
    photo.image.delete()


def delete_the_file_later(photo):
    photo.image.delete(save=False)
    photo.save()


def clear_in_the_admin(photo):
    form = modelform_factory(type(photo), fields=["image"])
    form({"image-clear": "on"}, instance=photo).save()


def delete_the_row(photo):
    photo.delete()


def delete_by_queryset(photo):
    type(photo).objects.filter(pk=photo.pk).delete()


def delete_a_deferred_row(photo):
    type(photo).objects.defer("image").get(pk=photo.pk).delete()


def delete_the_file_and_the_row(photo):
    photo.image.delete(save=False)
    photo.delete()


CHANGES = [
    replace_by_assignment,
    replace_by_save,
    replace_by_save_later,
    replace_by_another_name,
    replace_some_fields,
    replace_without_loading,
    replace_a_deferred_field,
    delete_the_file,
    delete_the_file_later,
    clear_in_the_admin,
    delete_the_row,
    delete_by_queryset,
    delete_a_deferred_row,
    delete_the_file_and_the_row,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("kind", ["model", "proxy", "child", "concrete"])
def test_purge_on_change(purging, change, kind):
    model = {"model": Photo, "proxy": PhotoProxy, "child": PhotoChild, "concrete": Concrete}[kind]
    exists = made(model.objects.create(image=picture()))
    change(model.objects.get())
    assert not exists()


def overwrite(photo):
    photo.image.save(photo.image.name, picture((60, 60)))


def overwrite_later(photo):
    photo.image.save(photo.image.name, picture((60, 60)), save=False)
    photo.save()


def overwrite_by_assignment(photo):
    photo.image = ContentFile(picture((60, 60)).read(), name=photo.image.name)
    photo.save()


@pytest.mark.skipif(django.VERSION < (5, 1), reason="needs allow_overwrite, new in Django 5.1")
@pytest.mark.parametrize(
    "change", [overwrite, overwrite_later, overwrite_by_assignment], ids=lambda each: each.__name__
)
def test_purge_when_the_name_stays_the_same(purging, change):
    default = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"allow_overwrite": True},
    }
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={"default": default, "staticfiles": static}):
        Concrete.objects.create(image=picture())
        photo = Concrete.objects.get()
        name, exists = photo.image.name, made(photo)
        change(photo)
        assert photo.image.name == name
        assert not exists()


def test_purge_of_a_new_row_that_was_saved_before(purging):
    photo = Photo(image=picture())
    photo.save()
    exists = made(photo)
    photo.image = picture((60, 60))
    photo.save()
    assert not exists()
    exists = made(photo)
    photo.image.delete()
    assert not exists()


def test_purge_only_what_changed_and_without_queries(purging):
    photo = Photo.objects.create(image=picture())
    exists = made(photo)
    with CaptureQueriesContext(connections["default"]) as queries:
        photo.title = "changed"
        photo.save()
        photo.save(update_fields=["title"])
        loaded = Photo.objects.defer("image").get()
        loaded.save()
        loaded = Photo.objects.get()
        assert loaded.image.url
        loaded.save()
    assert len(queries) == 6
    assert exists()
    photo.image = picture()
    photo.save(update_fields=["title"])
    assert exists()


def test_purge_on_commit_only(purging):
    photo = Photo.objects.create(image=picture())
    exists = made(photo)
    with transaction.atomic():
        photo.image.save("b.jpg", picture())
        transaction.set_rollback(True)
    assert exists()
    photo.save()
    assert not exists()
    exists = made(photo)
    photo = Photo.objects.get()
    with transaction.atomic():
        photo.image.save("b.jpg", picture())
        assert exists()
    assert not exists()


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


def test_absolute_urls_and_the_host_of_thumbnails(media):
    request = RequestFactory(SERVER_NAME="testserver").get("/", secure=True)
    assert thumbnail_url("cat.jpg", 30, request=request).startswith("https://testserver/t/30x-/")
    page = render(
        "{% thumbnail_url 'cat.jpg' 30 request=request %} "
        "{% thumbnail_srcset 'cat.jpg' 30 request=request %}"
        "{% thumbnail_img 'cat.jpg' 30 alt='' request=request %}"
        "{% thumbnail_picture 'cat.jpg' 30 alt='' request=request %}",
        request=request,
    )
    assert page.count("https://testserver/t/") == page.count("/t/") == 11
    with override_settings(XACCEL={"THUMBNAIL_HOST": "https://cdn.example.com"}):
        for absolute in (None, request):
            url = thumbnail_url("cat.jpg", 30, request=absolute)
            assert url.startswith("https://cdn.example.com/t/30x-/cat.jpg?key=")
        html = render("{% thumbnail_img 'cat.jpg' 30 alt='' %}")
        assert html.count("https://cdn.example.com/t/") == html.count("/t/") == 3
