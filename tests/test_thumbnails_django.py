"""Thumbnails in Django: a page with many, models, storages and purges."""

import builtins
import io
import itertools
import os
from types import SimpleNamespace

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import (
    FileSystemStorage,
    InMemoryStorage,
    Storage,
    default_storage,
)
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, models
from django.db.models.fields.files import FieldFile
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils.html import format_html
from django.utils.safestring import SafeData
from PIL import Image
from xaccel import SpecError
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
from xaccel.exceptions import SourceError
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
    assert html.count("<img ") == 2 * 98
    # Only cover is certain of its size: EXIF may rotate the image.
    assert html.count('width="300" height="200"') == 98


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
    beside = FileSystemStorage(tmp_path / "beside")
    private = PrivateStorage(tmp_path / "private")
    storages = [memory, beside, private]
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
