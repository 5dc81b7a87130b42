"""`ImageField` and `FocalPointField`: in models, forms, migrations and tags."""

import ast
import base64
import builtins
import gettext
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
import xaccel
from django import forms
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter
from django.http import HttpResponse
from django.template import Context, Template
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext, isolate_apps
from django.urls import path
from django.utils import translation
from PIL import Image
from xaccel import SpecError, draw_blurhash, draw_thumbhash, placeholder, thumbhash
from xaccel.django import conf, images
from xaccel.django.fields import FocalPointField, ImageField
from xaccel.thumbnails.placeholders import TRANSPARENT

from tests.support.django_site import database


class Snapshot(models.Model):
    # Before the image, as Django calls `pre_save` in the order of the fields.
    width = models.PositiveIntegerField(null=True, editable=False)
    blur = models.CharField(max_length=40, blank=True, editable=False)
    focus = FocalPointField()
    image = ImageField(
        upload_to="photos",
        width_field="width",
        height_field="height",
        placeholder_field="blur",
        focal_point_field="focus",
        blank=True,
    )
    height = models.PositiveIntegerField(null=True, editable=False)

    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return self.image.name


class Bare(models.Model):
    image = ImageField()
    blur = models.CharField(max_length=20, blank=True)

    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return self.image.name


class Blurred(models.Model):
    blur = models.CharField(max_length=36, blank=True)
    image = ImageField(placeholder_field="blur")

    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return self.image.name


@pytest.fixture
def media(tmp_path):
    with (
        override_settings(
            MEDIA_ROOT=tmp_path / "media", XACCEL={"THUMBNAIL_CACHE": tmp_path / "cache"}
        ),
        database(Snapshot, Bare, Blurred),
    ):
        yield tmp_path / "media"


def photo(orientation=6, size=(80, 40), image_format="JPEG"):
    """A photo of a phone: 80x40 as it is stored, 40x80 upright."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    output = io.BytesIO()
    image.save(output, image_format, exif=exif)
    return output.getvalue()


def uploaded(content=None, name="a.jpg"):
    return SimpleUploadedFile(name, photo() if content is None else content, "image/jpeg")


class SnapshotForm(forms.ModelForm):
    class Meta:
        model = Snapshot
        fields = ("image", "focus")


def upload(request):
    form = SnapshotForm(request.POST, request.FILES)
    if not form.is_valid():
        return HttpResponse(str(form.errors), status=400)
    return HttpResponse(str(form.save().pk))


urlpatterns = [path("upload", upload)]


@pytest.fixture
def post(media):
    with override_settings(ROOT_URLCONF=__name__):
        yield lambda **data: Client().post("/upload", data)


def render(template, **context):
    return Template("{% load xaccel %}" + template).render(Context(context))


@pytest.mark.parametrize("memory", [0, 10**6])
def test_an_upload_fills_every_field(post, memory):
    with override_settings(FILE_UPLOAD_MAX_MEMORY_SIZE=memory):
        response = post(image=uploaded(), focus_0="25", focus_1="12.5")
    assert response.status_code == 200, response.content
    row = Snapshot.objects.get()
    assert (row.width, row.height) == (40, 80)
    assert row.focus == "0.25x0.125"
    assert row.blur == thumbhash(photo())
    with default_storage.open(row.image.name) as file:
        assert file.read() == photo()


@pytest.mark.parametrize(
    ("content", "name", "error"),
    [
        (b"text", "a.jpg", "Upload a valid image."),
        (photo()[:40], "a.jpg", "Upload a valid image."),
        (photo(), "a.svg", "File extension “svg” is not allowed."),
        (b"", "a.jpg", "The submitted file is empty."),
    ],
)
def test_the_form_says_what_is_wrong(post, content, name, error):
    response = post(image=uploaded(content, name))
    assert response.status_code == 400
    assert error in response.content.decode()
    assert not Snapshot.objects.exists()


@pytest.mark.parametrize(
    ("limit", "error"),
    [
        (
            {"THUMBNAIL_MAX_BYTES": 100},
            "the file has 3.0\xa0KB, and at most 100\xa0bytes are allowed",
        ),
        ({"THUMBNAIL_MAX_PIXELS": 1000}, "at most 0.001 megapixels are allowed"),
    ],
)
def test_the_form_keeps_the_limits(post, limit, error):
    with override_settings(XACCEL=limit):
        response = post(image=uploaded(photo() + b"\0" * (3072 - len(photo()))))
    assert response.status_code == 400
    assert error in response.content.decode()


def test_errors_are_in_the_language_of_the_visitor(post):
    with translation.override("de"):
        form = SnapshotForm({}, {"image": uploaded(b"text")})
        assert "Lade ein gültiges Bild hoch." in str(form.errors)


@pytest.mark.parametrize(("x", "y"), [("25", ""), ("-1", "5"), ("5", "101"), ("a", "5")])
def test_a_focal_point_is_two_numbers(post, x, y):
    response = post(image=uploaded(), focus_0=x, focus_1=y)
    assert response.status_code == 400
    assert "focus" in response.content.decode()


def test_the_form_shows_the_focal_point_in_percent(media):
    html = str(SnapshotForm(instance=Snapshot(focus="0.25x0.125"))["focus"])
    assert 'value="25"' in html
    assert 'value="12.5"' in html
    assert html.count("aria-label=") == 2
    assert SnapshotForm({}, instance=Snapshot(focus="0.25x0.125")).has_changed()


def test_the_file_input_names_the_formats(media):
    assert 'accept="image/jpeg,' in str(SnapshotForm()["image"])
    assert "heic" not in str(SnapshotForm()["image"])


def test_the_cleaned_file_knows_what_it_is(media):
    form = SnapshotForm({}, {"image": uploaded(photo(image_format="PNG"), "a.jpg")})
    assert form.is_valid(), form.errors
    file = form.cleaned_data["image"]
    assert file.content_type == "image/png"
    assert (file.image.width, file.image.height) == (40, 80)


def test_assigning_and_saving_measure_the_image(media):
    row = Snapshot(image=uploaded())
    assert (row.width, row.height, row.blur) == (40, 80, thumbhash(photo()))
    row.image = uploaded(photo(1), "b.jpg")
    assert (row.width, row.height, row.blur) == (80, 40, thumbhash(photo(1)))
    row.image.save("c.jpg", ContentFile(photo(size=(20, 10))))
    assert (row.width, row.height) == (10, 20)
    row.image = ContentFile(b"text", "d.jpg")
    assert (row.width, row.height, row.blur) == (None, None, "")
    row.image = uploaded()
    row.image = ""
    assert (row.width, row.height, row.blur) == (None, None, "")
    row.image.save("c.jpg", ContentFile(photo()))
    row.image.delete()
    assert (row.width, row.height, row.blur) == (None, None, "")


def test_a_placeholder_without_a_size(media):
    Blurred.objects.create(image=uploaded())
    assert Blurred.objects.get().blur == thumbhash(photo())


def test_bulk_create_stores_everything(media):
    Snapshot.objects.bulk_create([Snapshot(image=uploaded())])
    row = Snapshot.objects.get()
    assert (row.width, row.height, row.blur) == (40, 80, thumbhash(photo()))


def test_the_file_knows_its_upright_size(media):
    Bare.objects.create(image=uploaded())
    image = Bare.objects.get().image
    assert (image.width, image.height) == (40, 80)


def test_full_clean_refuses_what_is_not_an_image(media):
    with pytest.raises(ValidationError, match="Upload a valid image"):
        Snapshot(image=ContentFile(b"text", "a.jpg")).full_clean()
    row = Snapshot(image=uploaded())
    row.full_clean()
    row.save()
    default_storage.delete(row.image.name)
    row.full_clean()  # a saved image is not opened again


@pytest.mark.parametrize("value", ["0.25x2", "a", "0.5", [1, 2, 3]])
def test_full_clean_refuses_what_is_not_a_focal_point(media, value):
    with pytest.raises(ValidationError, match="Enter both numbers"):
        Snapshot(image="a.jpg", focus=value).full_clean()


def test_a_pair_is_a_focal_point(media):
    Snapshot.objects.create(focus=(0.25, 1 / 3))
    assert Snapshot.objects.get().focus == "0.25x0.3333"


def test_the_tags_use_the_fields(media):
    Snapshot.objects.create(image=uploaded(), focus="0.25x0.125")
    row = Snapshot.objects.get()
    html = render("{% thumbnail_img row.image 30 alt='' %}", row=row)
    assert 'width="30" height="60"' in html
    # Above the upright size of 40x80, a candidate of 2x would be the same as one of 1.4x.
    assert "g-" not in html
    for tag in ("thumbnail_url", "thumbnail_srcset", "thumbnail_img", "thumbnail_picture"):
        alt = "alt='' " if tag in {"thumbnail_img", "thumbnail_picture"} else ""
        html = render(f"{{% {tag} row.image 30 20 fit='cover' {alt}%}}", row=row)
        assert "30x20,cover,g-0.25-0.125" in html
        html = render(f"{{% {tag} row.image 30 20 fit='cover' gravity='n' {alt}%}}", row=row)
        assert "30x20,cover,g-n" in html
        point = "focal_point='0.5x1'"
        html = render(f"{{% {tag} row.image 30 20 fit='cover' {point} {alt}%}}", row=row)
        assert "30x20,cover,g-0.5-1" in html
    assert render("{% placeholder row.image %}", row=row) == draw_thumbhash(row.blur)
    with pytest.raises(SpecError, match="focal_point"):
        render("{% thumbnail_url row.image 30 fit='cover' focal_point='left' %}", row=row)


class Painted(models.Model):
    image = ImageField(placeholder_field="blur", placeholder_kind="blurhash")
    blur = models.CharField(max_length=28, editable=False)

    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return ""


def test_a_field_may_hold_a_blurhash(media):
    assert Painted._meta.get_field("image").check() == []
    row = Painted(image=uploaded())
    assert row.blur == placeholder(photo(), kind="blurhash")
    row.image.save("a.jpg", uploaded(), save=False)
    assert render("{% placeholder row.image %}", row=row) == draw_blurhash(row.blur)
    _, _, args, kwargs = Painted._meta.get_field("image").deconstruct()
    assert kwargs["placeholder_kind"] == "blurhash"
    assert ImageField(*args, **kwargs).placeholder_kind == "blurhash"
    with pytest.raises(ValueError, match="'thumbhash', 'blurhash', 'color', 'palette', not 'blur'"):
        ImageField(placeholder_field="blur", placeholder_kind="blur")


class Colored(models.Model):
    image = ImageField(placeholder_field="color", placeholder_kind="color")
    color = models.CharField(max_length=7, editable=False)

    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return ""


class Palette(models.Model):
    image = ImageField(placeholder_field="colors", placeholder_kind="palette")
    colors = models.CharField(max_length=43, editable=False)

    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return ""


def test_a_field_may_hold_colours(media, monkeypatch):
    for model in (Colored, Palette):
        assert model._meta.get_field("image").check() == []
    monkeypatch.setattr(Palette._meta.get_field("colors"), "max_length", 42)
    (error,) = Palette._meta.get_field("image").check()
    assert "42 characters, too few for a palette" in error.msg
    palette = placeholder(photo(), kind="palette")
    colored, row = Colored(image=uploaded()), Palette(image=uploaded())
    assert colored.color == palette[0]
    assert row.colors == ", ".join(palette)
    for each in (colored, row):
        each.image.save("a.jpg", uploaded(), save=False)
        uri = render("{% placeholder row.image %}", row=each)
        content = base64.b64decode(uri.removeprefix("data:image/gif;base64,"))
        pixel = Image.open(io.BytesIO(content)).convert("RGB").getpixel((0, 0))
        assert bytes(pixel).hex() == palette[0][1:]
    with mock.patch("xaccel.thumbnails.rendering.Renderer.placeholder", side_effect=AssertionError):
        assert render("{% placeholder row.image kind='color' %}", row=colored) == colored.color
        assert render("{% placeholder row.image kind='palette' %}", row=row) == row.colors
    assert render("{% placeholder row.image kind='color' %}", row=row) == palette[0]
    colored.color = "red; x"
    assert render("{% placeholder row.image %}", row=colored) == TRANSPARENT


def test_a_broken_focal_point_or_placeholder_does_not_break_a_page(media):
    Snapshot.objects.create(image=uploaded())
    Snapshot.objects.update(focus="left", blur="text")
    row = Snapshot.objects.get(focus__contains="lef")
    html = render("{% thumbnail_url row.image 30 20 fit='cover' %}", row=row)
    assert "30x20,cover/" in html
    assert render("{% placeholder row.image %}", row=row).startswith("data:image/gif")


def test_only_presets_leave_the_focal_point_out(media):
    settings = {"THUMBNAIL_PRESETS": {"card": "30x20,cover"}, "THUMBNAIL_ONLY_PRESETS": True}
    with override_settings(XACCEL=settings):
        row = Snapshot(image="a.jpg", focus="0.25x0.125")
        assert "30x20,cover/a.jpg" in render("{% thumbnail_url row.image 'card' %}", row=row)


@pytest.mark.parametrize(
    ("options", "gravity"),
    [
        ("rotate=90", "0.75-0.25"),
        ("rotate=180", "0.75-0.75"),
        ("rotate=270", "0.25-0.75"),
        ("flip='h'", "0.75-0.25"),
        ("flip='v'", "0.25-0.75"),
        ("rotate=90 flip='h'", "0.25-0.25"),
    ],
)
def test_a_focal_point_turns_with_the_image(media, options, gravity):
    point = "0.25x0.25"
    row = Snapshot(image="a.jpg", focus=point)
    html = render("{% thumbnail_url row.image 30 20 fit='cover' " + options + " %}", row=row)
    assert f"g-{gravity}" in html


def test_a_list_of_100_thumbnails_queries_no_database_and_opens_no_file(media, monkeypatch):
    # Some have no size yet, and Django's own field would open them.
    Snapshot.objects.bulk_create(
        Snapshot(image=f"photos/{number}.jpg", focus="0.3x0.4", blur=thumbhash(photo()))
        for number in range(100)
    )
    Snapshot.objects.filter(pk__gt=50).update(width=40, height=80)
    opened = []
    for module, name in ((builtins, "open"), (io, "open"), (os, "open"), (os, "stat")):
        real = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *a, real=real, **k: opened.append(a[0]) or real(*a, **k)
        )
    template = Template(
        "{% load xaccel %}{% for row in rows %}"
        '{% thumbnail_img row.image 300 200 fit="cover" alt="" %}{% placeholder row.image %}'
        "{% endfor %}"
    )
    conf.template_helpers()
    opened.clear()
    with CaptureQueriesContext(connections["default"]) as queries:
        html = template.render(Context({"rows": Snapshot.objects.defer("width")}))
    monkeypatch.undo()
    assert len(queries) == 1
    assert opened == []
    assert html.count("<img ") == 100
    assert html.count(",g-0.3-0.4") == 300


def test_migrations_are_clean(media):
    def changes():
        states = ProjectState(), ProjectState()
        for state in states:
            state.add_model(ModelState.from_model(Snapshot))
        return MigrationAutodetector(*states).changes(MigrationGraph())

    written, imports = MigrationWriter.serialize(Snapshot._meta.get_field("image"))
    assert written.startswith("xaccel.django.fields.ImageField(")
    assert "placeholder_field='blur'" in written
    assert imports == {"import xaccel.django.fields"}
    assert changes() == {}
    field = Snapshot._meta.get_field("image")
    _, _, args, kwargs = field.deconstruct()
    assert ImageField(*args, **kwargs).deconstruct()[3] == kwargs
    _, path, args, kwargs = Snapshot._meta.get_field("focus").deconstruct()
    assert path == "xaccel.django.fields.FocalPointField"
    assert FocalPointField(*args, **kwargs).deconstruct()[3] == kwargs


@isolate_apps("xaccel.django")
def test_checks_find_wrong_names():
    class Wrong(models.Model):
        image = ImageField(width_field="wide", placeholder_field="blur")
        blur = models.CharField(max_length=20)

        class Meta:
            app_label = "xaccel"

        def __str__(self):
            return ""

    found = {error.id: str(error.msg) for error in Wrong._meta.get_field("image").check()}
    assert set(found) == {"xaccel.E005", "xaccel.E006"}
    assert "'wide'" in found["xaccel.E005"]
    assert "20 characters, too few for a ThumbHash" in found["xaccel.E006"]


WITHOUT_PILLOW = """
import sys
sys.modules["PIL"] = None
sys.path.insert(0, {root!r})
import tests.support.django_site
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django import forms
from xaccel.django.fields import ImageField

class Row(models.Model):
    id = models.AutoField(primary_key=True)
    image = ImageField(width_field="width", height_field="height", placeholder_field="blur")
    width = models.IntegerField(null=True, editable=False)
    height = models.IntegerField(null=True, editable=False)
    blur = models.CharField(max_length=40, editable=False)
    class Meta:
        app_label = "xaccel"

assert Row.check() == [], Row.check()
Form = forms.modelform_factory(Row, fields=["image"])
content = sys.stdin.buffer.read()
form = Form({{}}, {{"image": SimpleUploadedFile("a.jpg", content)}})
assert form.is_valid(), form.errors
row = form.save(commit=False)
assert row.blur
print(row.width, row.height, len([name for name in sys.modules if name.startswith("PIL.")]))
"""


def test_pillow_is_not_needed():
    script = WITHOUT_PILLOW.format(root=str(Path(__file__).parent.parent))
    made = subprocess.run(
        [sys.executable, "-c", script], input=photo(), capture_output=True, check=False
    )
    assert made.stderr == b""
    assert made.stdout.split() == [b"40", b"80", b"0"]


def test_a_private_thumbnail_keeps_the_focal_point(tmp_path):
    from django.test import RequestFactory
    from xaccel.django import send_private_thumbnail
    from xaccel.django.storage import PrivateStorage

    settings = {"ROOTS": {str(tmp_path): "/_private/"}, "THUMBNAIL_CACHE": tmp_path / "cache"}
    with override_settings(XACCEL=settings):
        row = Snapshot(focus="1x0.5")
        row.image.storage = PrivateStorage(tmp_path)
        row.image.name = row.image.storage.save("a.jpg", ContentFile(photo(1)))
        colors = []
        for row.focus in ("0x0.5", "1x0.5"):
            request = RequestFactory().get("/")
            response = send_private_thumbnail(request, row.image, 10, 20, fit="cover")
            with Image.open(io.BytesIO(response.getvalue())) as made:
                red, _, blue = made.convert("RGB").getpixel((5, 10))
            colors.append("red" if red > blue else "blue")
    assert colors == ["blue", "red"]


def test_functions_write_absolute_urls(media):
    from django.test import RequestFactory
    from xaccel.django import thumbnail_img, thumbnail_srcset, thumbnail_url

    request = RequestFactory().get("/", secure=True)
    assert thumbnail_url("a.jpg", 30, request=request).startswith("https://testserver/t/30x-/a.jpg")
    assert thumbnail_url("a.jpg", 30).startswith("/t/30x-/a.jpg")
    srcset = thumbnail_srcset("a.jpg", widths=[30, 60], request=request)
    assert srcset.count("https://testserver/t/") == 2
    assert thumbnail_img("a.jpg", 30, alt="", request=request).count("https://testserver/t/") == 3
    assert thumbnail_srcset("", 30, request=request) is None


LOCALES = Path(xaccel.__file__).parent / "django" / "locale"


@pytest.mark.parametrize("language", sorted(path.name for path in LOCALES.iterdir()))
def test_translations_are_complete_and_compiled(language):
    directory = LOCALES / language / "LC_MESSAGES"
    text = (directory / "django.po").read_text()
    written = dict(re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', text, re.MULTILINE))
    with (directory / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    assert {text: compiled.gettext(text) for text in written} == written
    used = set()
    for source in LOCALES.parent.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            match node:
                case ast.Call(func=ast.Name(id="_" | "gettext"), args=[ast.Constant(value=text)]):
                    used.add(text)
    # Django itself has the one for files that are not images.
    assert used - set(written) == {str(images.MESSAGES["invalid_image"])}
    assert set(written) <= used


def test_errors_of_ours_are_translated(media):
    with translation.override("de"), override_settings(XACCEL={"THUMBNAIL_MAX_PIXELS": 1000}):
        form = SnapshotForm({}, {"image": uploaded()})
        assert "Dieses Bild ist zu groß: Erlaubt sind höchstens 0,001 Megapixel." in str(
            form.errors
        )
