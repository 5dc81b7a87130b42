"""`xaccel.django.sorl`: a site written for sorl-thumbnail, and what the peer can't show."""

import io
import itertools
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django import forms
from django.conf import settings
from django.core.cache import cache
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db.models.fields.files import FieldFile
from django.template import Context, Engine, TemplateSyntaxError
from django.test import Client, override_settings
from PIL import Image
from xaccel._core import Cache
from xaccel.django.dropins import facts
from xaccel.django.dropins.thumbnails import UnknownSize
from xaccel.django.sorl import ImageField, delete, get_thumbnail
from xaccel.django.sorl.admin import AdminImageMixin, AdminImageWidget
from xaccel.django.sorl.fields import ImageFormField
from xaccel.django.sorl.management.commands.thumbnail import Command
from xaccel.exceptions import SourceError, SpecError

from tests.support import django_site
from tests.support.peer_sites import make_sources, run

PAGE = (Path(__file__).parent.parent / "docs" / "migrating.md").read_text()

SOURCES = ("wide.jpg", "tall.jpg", "panorama.jpg", "small.png", "large.png", "alpha.png")
TABLE = [
    (source, geometry, dict(options))
    for source, geometry, options in itertools.product(
        (*SOURCES, "rotated.jpg"),
        ("100x100", "120x80", "77", "x55", "500x350"),
        (
            {},
            {"crop": "center"},
            {"crop": "top", "upscale": False},
            {"crop": "30% 20%"},
            {"upscale": False},
            {"padding": True},
            {"crop": "smart"},
            {"crop": "center", "upscale": False, "padding": True},
            {"colorspace": "GRAY", "rounded": 8},
        ),
    )
]
TRIMMED = [
    ("framed.png", geometry, {"remove_border": True, **options})
    for geometry in ("100x100", "77", "x55", "60x30")
    for options in ({}, {"crop": "center"}, {"crop": "top", "upscale": False}, {"padding": True})
]
FREE_SIDES = {"77": [77, 46], "x55": [92, 55]}
"""The sizes of the 200x120 pixels within the border. The peer's come from the image around them."""
HALF = "half a pixel is rounded up instead of to the nearest even number"
TWICE = "the free side is not rounded before the other side is computed"
DIFFERENCES = {
    ("rotated.jpg", "500x350", ""): HALF,
    ("rotated.jpg", "500x350", "upscale"): HALF,
    ("rotated.jpg", "500x350", "colorspace=GRAY rounded=8"): HALF,
    ("small.png", "77", ""): TWICE,
    ("small.png", "77", "colorspace=GRAY rounded=8"): TWICE,
    ("small.png", "x55", "colorspace=GRAY rounded=8"): HALF,
    ("small.png", "x55", ""): HALF,
    ("small.png", "x55", "crop=30% 20%"): HALF,
    ("small.png", "x55", "crop=center"): HALF,
    ("small.png", "x55", "crop=smart"): HALF,
    ("small.png", "x55", "padding"): HALF,
}
"""The rows of the table with another size than the peer's, and the reasons."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sites")
    table = [*TABLE, *TRIMMED]
    peer = run("sorl_site", directory, table, package="sorl.thumbnail")
    dropin = "xaccel.django.sorl"
    return peer, run("sorl_site", directory, table, package="sorl.thumbnail", dropin=dropin)


def shown_options(given):
    """Options as text: those that are on, or have a value; `upscale` is on by default."""
    words = [key if isinstance(value, bool) else f"{key}={value}" for key, value in given.items()]
    return " ".join(words)


@pytest.mark.slow
def test_a_site_that_moves_needs_no_migration(reports):
    peer, ours = (report["migration"] for report in reports)
    assert "sorl.thumbnail.fields" in peer
    assert peer.replace("sorl.thumbnail", "xaccel.django.sorl") == ours


@pytest.mark.slow
def test_at_least_95_percent_of_the_sizes_are_equal(reports):
    found = {}
    for (source, geometry, given), peer, ours in zip(
        TABLE, *(report["rows"][: len(TABLE)] for report in reports), strict=True
    ):
        assert ours["claimed"] == ours["picture"], (source, geometry, given)
        if ours["picture"] != peer["picture"]:
            found[source, geometry, shown_options(given)] = (peer["picture"], ours["picture"])
            # One pixel at most, and on one side.
            pairs = zip(peer["picture"], ours["picture"], strict=True)
            assert sum(abs(theirs - own) for theirs, own in pairs) == 1
    assert set(found) == set(DIFFERENCES), found
    assert len(TABLE) >= 200
    assert len(found) <= 0.05 * len(TABLE)


@pytest.mark.slow
def test_pictures_without_their_border_have_the_same_size(reports):
    peer, ours = (report["rows"][len(TABLE) :] for report in reports)
    for row, theirs, own in zip(TRIMMED, peer, ours, strict=True):
        expected = FREE_SIDES.get(row[1], theirs["picture"])
        assert own["picture"] == expected, (row, theirs)


def test_the_migration_page_says_what_a_free_side_follows_from():
    assert "the length of a free side is computed from the image within the border" in PAGE


@pytest.mark.parametrize("reason", sorted(set(DIFFERENCES.values())))
def test_the_migration_page_has_the_reason(reason):
    assert reason in PAGE.replace("\n", " ")


@pytest.mark.slow
def test_the_site_shows_the_same_pictures(reports):
    peer, ours = (report["pictures"] for report in reports)
    assert len(peer) >= 18
    assert ours == peer


@pytest.mark.slow
def test_the_site_shows_the_same_page_apart_from_urls(reports):
    peer, ours = (re.sub(r"/(media|t)/[^\s\"<)]*", "URL", each["page"]) for each in reports)
    ours = ours.replace("https://other.example/x", "OTHER")
    different = [
        pair for pair in zip(peer.splitlines(), ours.splitlines(), strict=True) if len({*pair}) > 1
    ]
    assert different == [
        # The peer forgets the rotation; and it would fetch images of other sites.
        (
            '<p id="portrait">True False False False</p>',
            '<p id="portrait">True False True False</p>',
        ),
        (
            '<div id="html"><p><img alt="A cat" src="URL"> <img src="URL"></p></div>',
            '<div id="html"><p><img alt="A cat" src="URL"> <img src="OTHER"></p></div>',
        ),
    ]


@pytest.fixture
def media(tmp_path):
    media = make_sources(tmp_path / "media")
    overrides = {
        "XACCEL": {"THUMBNAIL_SOURCE": media, "THUMBNAIL_CACHE": tmp_path / "cache"},
        "MEDIA_ROOT": str(media),
        "MEDIA_URL": "/media/",
    }
    with override_settings(**overrides):
        cache.clear()
        yield media


def render(template, **context):
    engine = Engine(
        libraries={"thumbnail": "xaccel.django.sorl.templatetags.thumbnail"}, autoescape=True
    )
    return engine.from_string("{% load thumbnail %}" + template).render(Context(context))


def field_file(name, *, width=None, height=None):
    """The value of a field whose row has the size of the image."""
    field = ImageField(width_field="w", height_field="h", storage=FileSystemStorage())
    field.set_attributes_from_name("image")
    return FieldFile(SimpleNamespace(image=name, w=width, h=height), field, name)


@pytest.fixture
def opened(monkeypatch):
    """The names of the images whose header was read."""
    names = []
    read = facts._read_facts
    monkeypatch.setattr(facts, "_read_facts", lambda name: names.append(name) or read(name))
    facts._facts_in_state.cache_clear()
    return names


@pytest.mark.parametrize(
    ("geometry", "options"),
    [
        ("100x80", {"crop": "center"}),
        ("100x80", {"crop": "top", "upscale": False}),
        ("100x80", {"crop": "smart"}),
        ("100x80", {"padding": True}),
    ],
)
def test_a_known_size_opens_no_file(media, opened, geometry, options):
    image = field_file("absent.jpg", width=640, height=480)
    thumbnail = get_thumbnail(image, geometry, **options)
    assert thumbnail.url
    assert (thumbnail.width, thumbnail.height, thumbnail.exists()) == (100, 80, True)
    assert opened == []


def test_an_exact_box_opens_no_file(media, opened):
    thumbnail = get_thumbnail("absent.jpg", "100x80", crop="center")
    assert (thumbnail.url.partition("?")[0], thumbnail.size) == (
        "/t/100x80,cover,upscale,q-95,progressive,jpeg/absent.jpg",
        (100, 80),
    )
    assert opened == []


def test_a_header_is_read_once(media, opened):
    for _ in range(2):
        thumbnail = get_thumbnail("wide.jpg", "100x100")
        assert (thumbnail.x, thumbnail.y) == (100, 75)
        assert get_thumbnail("wide.jpg", "50x50").size == (50, 38)
    assert opened == ["wide.jpg"]


def test_a_file_of_a_storage_without_states_is_remembered_in_the_cache(media, opened, tmp_path):
    remote = {"default": {"BACKEND": "tests.test_django_sorl.RemoteStorage"}}
    with override_settings(STORAGES={**django_site.STORAGES, **remote}, XACCEL={}):
        for _ in range(2):
            assert get_thumbnail("wide.jpg", "100x100").size == (100, 75)
        assert opened == ["wide.jpg"]
        (media / "wide.jpg").write_bytes((media / "tall.jpg").read_bytes())
        delete("wide.jpg", delete_file=False)
        assert get_thumbnail("wide.jpg", "100x100").size == (67, 100)


class RemoteStorage(Storage):
    """A storage without paths, as those of buckets."""

    def _open(self, name, mode="rb"):
        return File((Path(settings.MEDIA_ROOT) / name).open(mode))

    def url(self, name):
        return f"https://cdn.example/{name}"


def test_a_missing_image_has_a_url_but_no_size(media, caplog):
    for options in ({}, {"crop": "20% 20%"}):
        thumbnail = get_thumbnail("absent.jpg", "100x100", **options)
        assert Client().get(thumbnail.url).status_code == 404
    thumbnail = get_thumbnail("absent.jpg", "100x100")
    assert not thumbnail.exists()
    with pytest.raises(UnknownSize):
        thumbnail.size  # noqa: B018
    template = '{% thumbnail "absent.jpg" "100x100" as im %}[{{ im.width }}]{% endthumbnail %}'
    assert render(template) == "[]"


def test_the_endpoint_renders_what_the_url_says(media):
    thumbnail = get_thumbnail("tall.jpg", "100x100", crop="50% 20%", quality=50)
    response = Client().get(thumbnail.url)
    assert Image.open(io.BytesIO(response.getvalue())).size == thumbnail.size
    assert thumbnail.read()[:2] == b"\xff\xd8"


@pytest.mark.parametrize(
    ("option", "spec"),
    [
        ({"rounded": "12"}, "90x90,upscale,radius-12,q-95,progressive,jpeg"),
        ({"rounded": 12, "format": "PNG"}, "90x90,upscale,radius-12,q-95,png"),
        ({"colorspace": "GRAY"}, "90x90,upscale,grayscale,q-95,progressive,jpeg"),
        ({"remove_border": True}, "90x90,upscale,trim-10,q-95,progressive,jpeg"),
        (
            {"remove_border": True, "crop": "top", "upscale": False},
            "90x90,cover,g-n,trim-10,q-95,progressive,jpeg",
        ),
        (
            {"remove_border": True, "padding": True, "rounded": 9},
            "90x90,pad,upscale,trim-10,radius-9,bg-ffffff,q-95,progressive,jpeg",
        ),
        ({"progressive": False}, "90x90,upscale,q-95,jpeg"),
    ],
)
def test_options_of_the_engine(media, opened, option, spec):
    thumbnail = get_thumbnail("wide.jpg", "90x90", **option)
    assert thumbnail.url.startswith(f"/t/{spec}/wide.jpg?")
    assert Client().get(thumbnail.url).status_code == 200
    assert opened == []


def test_a_size_that_depends_on_the_border_is_left_out(media):
    text = (
        '{% thumbnail "wide.jpg" "80x80" remove_border=1 as im %}[{{ im.width }}]{% endthumbnail %}'
    )
    assert render(text) == "[]"
    assert render(text.replace(" as ", ' crop="center" as ')) == "[80]"
    with pytest.raises(UnknownSize, match="border"):
        get_thumbnail("wide.jpg", "80", remove_border=True).size  # noqa: B018


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ({"remove_border": True, "cropbox": "0,0,9,9"}, "remove_border.*size of the source"),
        ({"remove_border": True, "crop": "30% 20%"}, "remove_border.*size of the source"),
        ({"rounded": "round"}, "rounded.*'round'"),
        ({"orientation": False}, "orientation=False.*upright"),
        ({"qualtiy": 80}, "'qualtiy'.*'quality'"),
        ({"crop": "middle"}, "crop.*'middle'"),
        ({"cropbox": "1,2,3"}, "cropbox.*'1,2,3'"),
        ({"cropbox": "5,5,5,9"}, "cropbox.*is empty"),
        ({"quality": "high"}, "quality.*'high'"),
        ({"format": "BMP"}, "format.*'BMP'"),
    ],
)
def test_an_option_that_can_not_be_expressed_is_named(media, option, named):
    with pytest.raises(SpecError, match=named):
        get_thumbnail("wide.jpg", "100x100", **option).url  # noqa: B018


@pytest.mark.parametrize("geometry", ["", "x", "100x100x", "-1x2", None])
def test_a_wrong_geometry_is_named(media, geometry):
    with pytest.raises(SpecError, match="geometry"):
        get_thumbnail("wide.jpg", geometry)


TEMPLATE = '{% thumbnail image "100x100" colour=1 as im %}full{% empty %}empty{% endthumbnail %}'


def test_an_error_in_a_tag_shows_the_empty_part_and_is_logged(media, caplog):
    assert render(TEMPLATE, image="wide.jpg") == "empty"
    assert "'colour'" in caplog.text


@pytest.mark.parametrize("setting", ["THUMBNAIL_DEBUG", "DEBUG"])
def test_an_error_in_a_tag_is_raised_while_debugging(media, setting):
    with override_settings(**{setting: True}), pytest.raises(SpecError, match="'colour'"):
        render(TEMPLATE, image="wide.jpg")


def test_an_error_in_a_filter_gives_what_the_peer_gives(media, caplog):
    text = '{{ "absent.jpg"|is_portrait }} {{ "absent.jpg"|margin:"1x1" }}'
    assert render(text) == "False auto"
    with override_settings(THUMBNAIL_DEBUG=True), pytest.raises(SourceError):
        render(text)


@pytest.mark.parametrize(
    "template",
    ["{% thumbnail image %}", "{% thumbnail image as im %}", '{% thumbnail image "1x1" crop %}'],
)
def test_a_tag_that_is_written_wrong_is_a_syntax_error(template):
    with pytest.raises(TemplateSyntaxError, match="thumbnail source geometry"):
        render(template)


def test_dummy_images(media):
    template = (
        '{% thumbnail image "100x" as im %}{{ im.url }} {{ im.url|resolution:"2x" }} {{ im.x }} '
        '{{ im|margin:"1x1" }}{% endthumbnail %}'
    ).replace("100x", "90")
    with override_settings(THUMBNAIL_DUMMY=True):
        for image in (None, "absent.jpg"):
            assert render(template, image=image) == (
                "https://dummyimage.com/90x60 https://dummyimage.com/180x120 90 auto"
            )
        assert render("{{ ''|is_portrait }} {{ 'x'|resolution:'2x' }}") == "False x"
        assert "/t/90x-" in render(template, image="wide.jpg")
    assert render(template, image=None) == ""


def test_settings(media):
    overrides = {
        "THUMBNAIL_QUALITY": 40,
        "THUMBNAIL_FORMAT": "WEBP",
        "THUMBNAIL_UPSCALE": False,
        "THUMBNAIL_PADDING": True,
        "THUMBNAIL_PADDING_COLOR": "#f00",
        "THUMBNAIL_BLUR": 3,
    }
    with override_settings(**overrides):
        url = get_thumbnail("wide.jpg", "100x100").url
        assert url.startswith("/t/100x100,pad,blur-3,bg-ff0000,q-40,webp/wide.jpg")
    with override_settings(THUMBNAIL_PRESERVE_FORMAT=True):
        assert ",png/" in get_thumbnail("small.png", "10x10").url
    with override_settings(XACCEL={**settings.XACCEL, "THUMBNAIL_FORMAT": "avif"}):
        assert ",jpeg/" in get_thumbnail("small.png", "10x10").url
        assert ",webp/" in get_thumbnail("small.png", "10x10", format="WEBP").url
        assert ",jpeg/" in get_thumbnail("photo", "10x10").url


def test_delete(media):
    thumbnail = get_thumbnail("wide.jpg", "100x100")
    assert Client().get(thumbnail.url).status_code == 200
    delete("wide.jpg", delete_file=False)
    assert (media / "wide.jpg").exists()
    delete(field_file("wide.jpg"))
    assert not (media / "wide.jpg").exists()
    assert Client().get(thumbnail.url).status_code == 404
    delete("")


def test_get_thumbnail_needs_a_file(media):
    with pytest.raises(ValueError, match="needs a file"):
        get_thumbnail("", "100x100")


def test_the_form_field_checks_uploads(media):
    field = ImageField().formfield()
    assert isinstance(field, ImageFormField)
    content = (media / "wide.jpg").read_bytes()
    upload = SimpleUploadedFile("a.jpg", content)
    assert field.clean(upload).read() == content
    with pytest.raises(forms.ValidationError, match="not an image"):
        field.clean(SimpleUploadedFile("a.jpg", b"text"))
    assert field.widget.attrs == {"accept": "image/*"}


def test_the_field_checks_the_content_not_the_name(media):
    content = (media / "wide.jpg").read_bytes()
    assert (
        ImageField().formfield().clean(SimpleUploadedFile("a.upload", content)).image.width == 640
    )
    with (
        override_settings(XACCEL={"THUMBNAIL_MAX_BYTES": "1K"}),
        pytest.raises(forms.ValidationError, match="too large"),
    ):
        ImageField().formfield().clean(SimpleUploadedFile("a.jpg", content))


def test_the_field_knows_the_upright_size_without_pillow(media, monkeypatch):
    # Importing a module fails if it is None here.
    monkeypatch.setitem(sys.modules, "PIL", None)
    field = ImageField(storage=FileSystemStorage())
    field.set_attributes_from_name("image")
    assert field._check_image_library_installed() == []
    image = field.attr_class(SimpleNamespace(image="rotated.jpg"), field, "rotated.jpg")
    assert (image.width, image.height) == (300, 400)
    # sorl-thumbnail has stored the size before the rotation.
    moved = get_thumbnail(field_file("rotated.jpg", width=400, height=300), "60")
    assert (moved.width, moved.height) == (60, 80)


def test_the_admin_shows_a_thumbnail(media, caplog):
    class Admin(AdminImageMixin):
        pass

    form_field = Admin().formfield_for_dbfield(ImageField(), None)
    assert isinstance(form_field.widget, AdminImageWidget)
    field = field_file("wide.jpg", width=640, height=480)
    preview = AdminImageWidget()
    preview.template_name = "django/forms/widgets/file.html"
    html = preview.render("image", field)
    assert "width:107px" in html
    assert '<img src="/t/-x80,q-95,progressive,jpeg/wide.jpg?key=' in html
    assert "<img" not in preview.render("image", None)
    assert "<img" not in preview.render("image", field_file("absent.jpg"))
    assert "'absent.jpg' has no preview" in caplog.text


def files(tmp_path):
    return Cache(tmp_path / "cache").usage()[0]


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (["cleanup"], 1),
        (["clear"], 1),
        (["clear_delete_referenced"], 0),
        (["clear_delete_all"], 0),
        (["clear_delete_referenced", "--timeout", "3600"], 1),
        (["clear_delete_referenced", "--timeout", "1 00:00:00"], 1),
    ],
)
def test_the_command(media, tmp_path, arguments, left):
    assert Client().get(get_thumbnail("wide.jpg", "100x100").url).getvalue()
    assert files(tmp_path) == 1
    out = io.StringIO()
    call_command(Command(), *arguments, stdout=out)
    assert out.getvalue() == f"removed {1 - left} thumbnail{'s' if left else ''}\n"
    assert files(tmp_path) == left


def test_the_command_names_what_is_wrong(media):
    with pytest.raises(CommandError, match="'soon'"):
        call_command(Command(), "clear_delete_referenced", timeout="soon")
    with override_settings(XACCEL={}), pytest.raises(CommandError, match="THUMBNAIL_CACHE"):
        call_command(Command(), "cleanup")
