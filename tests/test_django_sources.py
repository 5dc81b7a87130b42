"""Images in several storages of Django: their URLs, pictures and purges, and what is refused."""

# First, since REST framework reads the settings when it is imported.
from tests.support.django_site import database  # isort: skip

import ast
import io
import urllib.parse
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import (
    FileSystemStorage,
    InMemoryStorage,
    Storage,
    default_storage,
    storages,
)
from django.db import models
from django.db.models.fields.files import FieldFile
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from PIL import Image
from rest_framework import serializers
from xaccel import ConfigError
from xaccel.django import (
    conf,
    purge_on_change,
    purge_thumbnails,
    thumbnail_img,
    thumbnail_srcset,
    thumbnail_url,
    wagtail_images,
)
from xaccel.django.admin import ImageWidget, thumbnail_column
from xaccel.django.easy_thumbnails.files import get_thumbnailer
from xaccel.django.fields import ImageField
from xaccel.django.sorl.shortcuts import get_thumbnail
from xaccel.exceptions import SourceError
from xaccel.rest_framework import ThumbnailField
from xaccel.testing import override_thumbnails

from tests.test_thumbnails_django import CHANGES, TAGS, made, picture, render, shown

FILES = "django.core.files.storage.FileSystemStorage"
SIZES = {"default": 20, "avatars": 30, "logos": 40, "memory": 50, "remote": 60}
"""The height of the image a.png in each storage."""


class Remote(Storage):
    """A store with a network between, without paths."""

    files: ClassVar[dict[str, bytes]] = {}

    def _open(self, name, mode="rb"):
        try:
            return ContentFile(self.files[name], name=name)
        except KeyError:
            raise FileNotFoundError(name) from None

    def _save(self, name, content):
        self.files[name] = content.read()
        return name

    def exists(self, name):
        return name in self.files

    def delete(self, name):
        self.files.pop(name, None)

    def url(self, name):
        return f"https://media.example/images/{name}"

    def get_modified_time(self, name):
        return datetime.fromtimestamp(len(self.files[name]), tz=UTC)


class Equal(Remote):
    """Equals the other objects of its class, as boto's storages do not."""

    def __eq__(self, other):
        return isinstance(other, Equal)

    __hash__ = Remote.__hash__


class Vault(InMemoryStorage):
    private = True


class Person(models.Model):
    image = models.ImageField(blank=True)
    document = models.FileField(blank=True)

    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return self.image.name


class PersonProxy(Person):
    class Meta:
        app_label = "xaccel"
        proxy = True


class Member(Person):
    class Meta:
        app_label = "xaccel"


class Portrait(models.Model):
    image = ImageField(
        upload_to="",
        width_field="width",
        height_field="height",
        placeholder_field="placeholder",
        focal_point_field="focus",
    )
    width = models.IntegerField(null=True)
    height = models.IntegerField(null=True)
    placeholder = models.CharField(max_length=36, blank=True)
    focus = models.CharField(max_length=20, blank=True)

    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return self.image.name


def png(name, color="red"):
    output = io.BytesIO()
    Image.new("RGB", (60, SIZES[name]), color).save(output, "PNG")
    return ContentFile(output.getvalue(), name="a.png")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site with an image of the same name in each of its storages."""
    monkeypatch.setattr(Remote, "files", {})
    places = {
        "default": {"BACKEND": FILES},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        "avatars": {"BACKEND": FILES, "OPTIONS": {"location": tmp_path / "media/avatars"}},
        "logos": {"BACKEND": FILES, "OPTIONS": {"location": tmp_path / "logos"}},
        "memory": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "remote": {"BACKEND": f"{__name__}.Remote"},
        "equal": {"BACKEND": f"{__name__}.Equal"},
        "vault": {"BACKEND": f"{__name__}.Vault"},
        "private": {
            "BACKEND": "xaccel.django.storage.PrivateStorage",
            "OPTIONS": {"location": tmp_path / "private"},
        },
    }
    sources = {"avatars": "avatars", "Logos-1": "logos", "memory": "memory", "remote": "remote"}
    with (
        override_settings(
            MEDIA_ROOT=tmp_path / "media",
            MEDIA_URL="/media/",
            STATIC_URL="/static/",
            DEBUG=True,
            STORAGES=places,
            TEMPLATES=[
                {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
            ],
            XACCEL={
                "THUMBNAIL_CACHE": tmp_path / "cache",
                "THUMBNAIL_SOURCES": sources,
                "ROOTS": {tmp_path / "private": "/_private/"},
            },
        ),
        database(Person, Member, Portrait),
    ):
        for alias in SIZES:
            storages[alias].save("a.png", png(alias))
        yield tmp_path
    for model in (Person, Portrait):
        use(model, default_storage)


def use(model, storage):
    """Put the images of a model in a storage, as in the definition of its field."""
    model._meta.get_field("image").storage = storage


def field(storage, name="a.png"):
    return FieldFile(None, models.FileField(storage=storage), name)


NAMES = {
    "default": "a.png",
    "avatars": "~avatars/a.png",
    "logos": "~Logos-1/a.png",
    "memory": "~memory/a.png",
    "remote": "~remote/a.png",
}


@pytest.mark.parametrize("alias", SIZES)
def test_an_image_has_the_url_and_the_picture_of_its_storage(site, alias):
    storage = storages[alias]
    url = thumbnail_url(field(storage), 60)
    assert url.startswith(f"/t/60x-/{NAMES[alias]}?key=")
    for _ in range(2):
        assert shown(url).size == (60, SIZES[alias])
    assert (site / "cache/t/60x-" / NAMES[alias]).exists()
    assert thumbnail_url(NAMES[alias], 60) == url
    with storage.open("a.png") as opened:
        if alias not in {"memory", "remote"}:
            assert thumbnail_url(opened, 60) == url
    assert ",v-" in thumbnail_url(field(storage), 60, version="mtime")
    assert shown(thumbnail_url(field(storage), 60, version="mtime")).size == (60, SIZES[alias])


@pytest.mark.parametrize("alias", SIZES)
def test_every_tag_and_function_knows_the_storage(site, alias):
    image, name = field(storages[alias]), NAMES[alias]
    for tag in TAGS:
        assert f"/{name}?key=" in render(tag, source=image)
    request = RequestFactory().get("/")
    assert f"http://testserver/t/60x-/{name}" in thumbnail_url(image, 60, request=request)
    assert f"/{name}?" in thumbnail_srcset(image, 60)
    assert f"/{name}?" in thumbnail_img(image, 60, alt="")
    assert render("{% placeholder source %}", source=image).startswith("data:image/webp")


@pytest.mark.parametrize("alias", SIZES)
def test_the_integrations_know_the_storage(site, alias):
    use(Portrait, storages[alias])
    row = Portrait(image="a.png", focus="0.25x0.5")
    address = f"{NAMES[alias]}?key="
    assert address in ImageWidget().render("image", row.image).replace("&amp;", "&")
    assert address in thumbnail_column("image", 30)(row)
    page_image = SimpleNamespace(file=row.image, get_focal_point=lambda: None, width=60, height=40)
    assert address in wagtail_images.thumbnail_url(page_image, 60)

    class PortraitSerializer(serializers.Serializer):
        image = ThumbnailField(sizes={"small": "60x-"}, placeholder=True)

    context = {"request": RequestFactory().get("/")}
    data = PortraitSerializer(row, context=context).data["image"]
    assert data["small"]["url"].startswith(f"http://testserver/t/60x-/{address}")
    assert data["placeholder"].startswith("data:image/")
    assert shown(data["small"]["url"].removeprefix("http://testserver")).size == (60, SIZES[alias])


@pytest.mark.parametrize("alias", SIZES)
def test_the_drop_ins_know_the_storage(site, alias):
    image, height = field(storages[alias]), SIZES[alias]
    for thumbnail in (
        get_thumbnail(image, "30"),
        get_thumbnailer(storages[alias], "a.png").get_thumbnail({"size": (30, 0)}),
    ):
        assert f"/{NAMES[alias]}?key=" in thumbnail.url
        assert (thumbnail.width, thumbnail.height) == (30, height // 2)
        assert shown(thumbnail.url).size == (30, height // 2)
        assert Image.open(io.BytesIO(thumbnail.read())).size == (30, height // 2)


@pytest.mark.parametrize("alias", SIZES)
def test_our_field_works_with_every_storage(site, alias):
    use(Portrait, storages[alias])
    row = Portrait(focus="0x0")
    row.image.save("b.png", png(alias))
    assert (row.width, row.height) == (60, SIZES[alias])
    assert row.placeholder
    html = thumbnail_img(row.image, 10, 10, fit="cover", alt="")
    assert f",g-0-0/{NAMES[alias].replace('a.png', row.image.name)}" in html


def test_an_equal_storage_is_the_same_storage(site):
    with override_settings(XACCEL={**settings.XACCEL, "THUMBNAIL_SOURCES": {"other": "equal"}}):
        assert storages["equal"] is not Equal()
        assert thumbnail_url(field(Equal()), 60).startswith("/t/60x-/~other/a.png")


def test_a_directory_or_a_url_may_stand_for_a_storage(site):
    sources = {
        "avatars": site / "media/avatars",
        "elsewhere": site / "logos",
        "remote": "https://media.example/images/",
    }
    with override_settings(XACCEL={**settings.XACCEL, "THUMBNAIL_SOURCES": sources}):
        for storage, name in (
            (storages["avatars"], "~avatars/a.png"),
            (storages["logos"], "~elsewhere/a.png"),
            (FileSystemStorage(site / "logos"), "~elsewhere/a.png"),
            (storages["remote"], "~remote/a.png"),
        ):
            assert thumbnail_url(field(storage), 60).startswith(f"/t/60x-/{name}?")
        keys = {"THUMBNAIL_ENGINE_URL": "https://thumbs.example", "THUMBNAIL_ENGINE_KEY": "key"}
        others = {"THUMBNAIL_ENGINE": "thumbor", "THUMBNAIL_SOURCE": "https://media.example/"}
        remote = {"THUMBNAIL_SOURCES": {"remote": sources["remote"]}}
        with override_settings(XACCEL={**keys, **others, **remote}):
            url = thumbnail_url(field(storages["remote"]), 60)
            assert url.endswith("/https://media.example/images/a.png")


def test_a_storage_inside_a_source_needs_no_entry(site):
    for alias, location, name in (
        ("default", "media/x", "x/a.png"),
        ("avatars", "media/avatars/x", "~avatars/x/a.png"),
        ("logos", "logos/x/y", "~Logos-1/x/y/a.png"),
    ):
        inner = FileSystemStorage(site / location)
        inner.save("a.png", png(alias))
        url = thumbnail_url(field(inner), 60)
        assert url.startswith(f"/t/60x-/{name}?")
        assert shown(url).size == (60, SIZES[alias])


@pytest.mark.parametrize("debug", [True, False])
def test_another_storage_is_an_error_with_the_line_to_add(site, caplog, debug):
    sources = {"THUMBNAIL_SOURCES": {}}
    others = FileSystemStorage(site / "my pictures")
    with override_settings(DEBUG=debug, XACCEL={**settings.XACCEL, **sources}):
        for storage, line in (
            (storages["logos"], '"THUMBNAIL_SOURCES": {"logos": "logos"}'),
            (storages["memory"], '"THUMBNAIL_SOURCES": {"memory": "memory"}'),
            (storages["remote"], '"THUMBNAIL_SOURCES": {"remote": "remote"}'),
            (others, f'"THUMBNAIL_SOURCES": {{"my-pictures": "{site}/my pictures"}}'),
            (Remote(), '"THUMBNAIL_SOURCES": {"name": "alias"}'),
        ):
            image = field(storage)
            for tag in TAGS:
                caplog.clear()
                if debug:
                    with pytest.raises(ConfigError) as error:
                        render(tag, source=image)
                    assert line in str(error.value)
                else:
                    assert render(tag, source=image) == ""
                    assert line in caplog.text
            if not debug:
                assert thumbnail_url(image, 60) is None
            with pytest.raises(ConfigError):
                purge_thumbnails(image)


def test_the_line_to_add_works(site):
    image = field(storages["logos"])
    without = {key: settings.XACCEL[key] for key in ("THUMBNAIL_CACHE",)}
    with override_settings(XACCEL=without):
        with pytest.raises(ConfigError) as error:
            thumbnail_url(image, 60)
        line = str(error.value).partition("XACCEL: ")[2].partition(";")[0]
    with override_settings(XACCEL={**without, **ast.literal_eval(f"{{{line}}}")}):
        assert shown(thumbnail_url(field(storages["logos"]), 60)).size == (60, SIZES["logos"])


@pytest.mark.parametrize("alias", ["vault", "private"])
def test_a_private_storage_has_no_public_thumbnails(site, caplog, alias):
    image = field(storages[alias])
    for tag in TAGS:
        with pytest.raises(SourceError, match=r"private.*send_private_thumbnail\(\)"):
            render(tag, source=image)
        with override_settings(DEBUG=False):
            assert render(tag, source=image) == ""
            assert "send_private_thumbnail()" in caplog.text
        caplog.clear()
    # Also if its directory is in a public one.
    hidden = type(storages[alias])()
    hidden.__dict__["location"] = str(site / "media")
    with pytest.raises(SourceError, match="private"):
        thumbnail_url(field(hidden), 60)
    sources = {"THUMBNAIL_SOURCES": {"docs": alias}}
    with (
        override_settings(XACCEL={**settings.XACCEL, **sources}),
        pytest.raises(ConfigError, match=rf"\['docs'\].*{alias}.*private"),
    ):
        conf.config()


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"a": "avatar"}, r"\['a'\] must be an alias of STORAGES.*did you mean 'avatars'"),
        ({"a": "x/y"}, r"\['a'\] must be the absolute path"),
        ({"~a": "avatars"}, "not '~a'"),
        (["avatars"], "must be a dict"),
        ({"a": "nowhere"}, r"\['a'\]: the storage 'nowhere' needs"),
    ],
)
def test_settings_that_are_wrong(site, sources, message):
    with (
        override_settings(
            MEDIA_ROOT="",
            STORAGES={**settings.STORAGES, "nowhere": {"BACKEND": FILES}},
            XACCEL={"THUMBNAIL_SOURCES": sources},
        ),
        pytest.raises(ConfigError, match=message),
    ):
        conf.config()


def test_a_name_in_the_default_storage_is_never_a_name_in_another(site):
    image = field(default_storage, "~avatars/a.png")
    with pytest.raises(SourceError, match="can't begin with '~'"):
        thumbnail_url(image, 60)
    with override_settings(DEBUG=False):
        assert thumbnail_url(image, 60) is None
    # In another storage, it is a name like any other.
    storages["logos"].save("~avatars/a.png", png("remote"))
    url = thumbnail_url(field(storages["logos"], "~avatars/a.png"), 60)
    assert url.startswith("/t/60x-/~Logos-1/~avatars/a.png")
    assert shown(url).size == (60, SIZES["remote"])


def test_a_site_without_a_public_default_storage(site):
    private = {"BACKEND": f"{__name__}.Vault"}
    with override_settings(STORAGES={**settings.STORAGES, "default": private}):
        assert conf.config().thumbnail_source is None
        assert shown(thumbnail_url(field(storages["avatars"]), 60)).size == (60, SIZES["avatars"])
        with pytest.raises(SourceError, match="THUMBNAIL_SOURCE'] is not set"):
            thumbnail_url("a.png", 60)


def test_requested_thumbnails_have_the_full_name(site):
    with override_thumbnails() as requested:
        shown(thumbnail_url(field(storages["avatars"]), 60))
    assert requested[0][0] == "~avatars/a.png"


KINDS = {"model": Person, "proxy": PersonProxy, "child": Member}


@pytest.mark.parametrize("alias", ["avatars", "memory", "remote"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_purge_on_change(site, change, alias):
    use(Person, storages[alias])
    purge_on_change(Person, "image")
    for model in KINDS.values():
        row = model.objects.create(image=picture())
        exists = made(row)
        default = made(SimpleNamespace(image="a.png"))
        change(model.objects.get(pk=row.pk))
        assert not exists()
        assert default()


def test_purging_leaves_the_other_storages(site):
    exists = {alias: made(SimpleNamespace(image=field(storages[alias]))) for alias in SIZES}
    for alias in SIZES:
        assert exists[alias]()
        assert purge_thumbnails(field(storages[alias])) == 1
        assert not exists[alias]()
    assert not any(each() for each in exists.values())


def test_purging_finds_every_name_of_an_image(site):
    """Of nested sources: a page may name an image by the outer one."""
    names = ("avatars/a.png", "~avatars/a.png")
    for source in (*names, field(storages["avatars"])):
        exists = [made(SimpleNamespace(image=name)) for name in names]
        assert purge_thumbnails(source) == 2
        assert not any(each() for each in exists)


def change_by_update(rows):
    Person.objects.update(image="b.png")


def change_by_bulk_update(rows):
    for row in rows:
        row.image = "b.png"
    Person.objects.bulk_update(rows, ["image"])


@pytest.mark.parametrize("change", [change_by_update, change_by_bulk_update])
def test_purging_rows_after_changes_without_signals(site, change):
    use(Person, storages["avatars"])
    purge_on_change(Person, "image")
    vault = storages["vault"]
    Person._meta.get_field("document").storage = vault
    for _ in range(3):
        Person.objects.create(image=picture(), document=vault.save("a.pdf", ContentFile(b"%PDF")))
    exists = [made(row) for row in Person.objects.all()]
    rows = [*Person.objects.all()]
    change(rows)
    assert all(each() for each in exists)
    assert purge_thumbnails(*rows) == 3
    assert not any(each() for each in exists)
    assert purge_thumbnails(*Person.objects.defer("image"), Person()) == 0


def test_purging_several_images(site):
    exists = [made(SimpleNamespace(image=field(storages[alias]))) for alias in SIZES]
    images = [field(storages["avatars"]), NAMES["logos"], field(storages["memory"], "")]
    assert purge_thumbnails(*images, "a.png") == 3
    assert sum(each() for each in exists) == 2
    assert purge_thumbnails() == 0


def test_a_row_with_a_broken_name_still_purges_the_others(site):
    use(Person, storages["logos"])
    rows = [Person(image=name) for name in ("../a.png", "a//b.png", "a.png")]
    exists = made(rows[2])
    assert purge_thumbnails(*rows) == 1
    assert not exists()


def test_a_template_may_name_a_source(site):
    url = render("{% thumbnail_url '~avatars/a.png' 60 %}")
    assert shown(url).size == (60, SIZES["avatars"])
    with pytest.raises(SourceError, match="did you mean 'avatars'"):
        render("{% thumbnail_url '~avatar/a.png' 60 %}")
    path = str(site / "media/avatars/a.png")
    assert Template("{% load xaccel %}{{ path|thumbnail_url:60 }}").render(
        Context({"path": path})
    ) == thumbnail_url("~avatars/a.png", 60).replace("&", "&amp;")
    assert urllib.parse.urlsplit(url).path == "/t/60x-/~avatars/a.png"
    assert Path(path).exists()
