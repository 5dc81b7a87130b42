"""`xaccel.django.easy_thumbnails`: a site written for the peer, and what the peer can't show."""

import io
import itertools
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.template import Context, Engine, TemplateSyntaxError
from django.test import Client, override_settings
from PIL import Image
from xaccel.django.dropins import facts
from xaccel.django.dropins.thumbnails import UnknownSize
from xaccel.django.easy_thumbnails.alias import Aliases
from xaccel.django.easy_thumbnails.fields import ThumbnailerField, ThumbnailerImageField
from xaccel.django.easy_thumbnails.files import get_thumbnailer
from xaccel.django.easy_thumbnails.widgets import ImageClearableFileInput
from xaccel.exceptions import SourceError, SpecError

from tests.support import django_site  # noqa: F401
from tests.support.peer_sites import make_sources, run

PAGE = (Path(__file__).parent.parent / "docs" / "migrating.md").read_text()

SOURCES = ("wide.jpg", "tall.jpg", "panorama.jpg", "small.png", "large.png", "alpha.png")
TABLE = list(
    itertools.product(
        (*SOURCES, "rotated.jpg"),
        ((100, 100), (120, 80), (77, 0), (0, 55), (500, 350)),
        (
            {},
            {"crop": True},
            {"crop": "0,-10"},
            {"crop": "scale"},
            {"upscale": True},
            {"crop": "smart", "upscale": True},
            {"background": "#fff"},
            {"crop": True, "target": "20,80"},
            {"crop": True, "zoom": 30},
            {"bw": True, "detail": True},
        ),
    )
)
TRIMMED = [
    ("framed.png", size, {"autocrop": True, **options})
    for size in ((100, 100), (77, 0), (0, 55), (60, 30))
    for options in ({}, {"crop": True}, {"crop": "0,0", "upscale": True}, {"bw": True})
]
HALF = "half a pixel is rounded up instead of to the nearest even number"
DIFFERENCES = {
    ("rotated.jpg", (500, 350), ""): HALF,
    ("rotated.jpg", (500, 350), "upscale"): HALF,
    ("rotated.jpg", (500, 350), "bw detail"): HALF,
    ("small.png", (0, 55), "upscale"): HALF,
    ("small.png", (0, 55), "crop=smart upscale"): HALF,
}
"""The rows of the table with another size than the peer's, and the reasons."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sites")
    table = [*TABLE, *TRIMMED]
    peer = run("easy_site", directory, table, package="easy_thumbnails")
    dropin = "xaccel.django.easy_thumbnails"
    return peer, run("easy_site", directory, table, package="easy_thumbnails", dropin=dropin)


def shown_options(given):
    return " ".join(key if value is True else f"{key}={value}" for key, value in given.items())


@pytest.mark.slow
def test_a_site_that_moves_needs_no_migration(reports):
    peer, ours = (report["migration"] for report in reports)
    assert "easy_thumbnails.fields" in peer
    assert peer.replace("easy_thumbnails", "xaccel.django.easy_thumbnails") == ours


@pytest.mark.slow
def test_at_least_95_percent_of_the_sizes_are_equal(reports):
    found = {}
    for (source, size, given), peer, ours in zip(
        TABLE, *(report["rows"][: len(TABLE)] for report in reports), strict=True
    ):
        assert ours["claimed"] == ours["picture"], (source, size, given)
        if ours["picture"] != peer["picture"]:
            found[source, size, shown_options(given)] = (peer["picture"], ours["picture"])
            pairs = zip(peer["picture"], ours["picture"], strict=True)
            assert sum(abs(theirs - own) for theirs, own in pairs) == 1
    assert set(found) == set(DIFFERENCES), found
    assert len(TABLE) >= 200
    assert len(found) <= 0.05 * len(TABLE)


@pytest.mark.slow
def test_pictures_without_their_border_have_the_same_size(reports):
    peer, ours = (report["rows"][len(TABLE) :] for report in reports)
    for row, theirs, own in zip(TRIMMED, peer, ours, strict=True):
        assert own["picture"] == theirs["picture"], row
        is_known = 0 not in row[1] and "upscale" in row[2]
        assert own["claimed"] == (own["picture"] if is_known else None), row


def test_the_migration_page_has_the_reason():
    assert HALF in PAGE.partition("## easy-thumbnails")[2].replace("\n", " ")


@pytest.mark.slow
def test_the_site_shows_the_same_pictures(reports):
    peer, ours = (report["pictures"] for report in reports)
    assert len(peer) >= 25
    assert peer.pop("variable")["size"] == [70, 52]
    assert ours.pop("variable")["size"] == [70, 53]  # HALF
    assert ours == peer


@pytest.mark.slow
def test_the_site_shows_the_same_page_apart_from_urls(reports):
    peer, ours = (re.sub(r"/(media|t)/[^\s\"<)]*", "URL", each["page"]) for each in reports)
    different = [
        pair for pair in zip(peer.splitlines(), ours.splitlines(), strict=True) if len({*pair}) > 1
    ]
    image = '<img id="variable" src="URL" width="70" height="{}">'
    tag = '<p id="tag"><img alt="" height="80" src="URL" width="80"{}></p>'
    assert different == [
        (image.format(52), image.format(53)),
        (tag.format(" /"), tag.format("")),
        # The peer does not know the type.
        ('<p id="data">data:application</p>', '<p id="data">data:image/jpeg;</p>'),
    ]


@pytest.fixture
def media(tmp_path):
    media = make_sources(tmp_path / "media")
    overrides = {
        "XACCEL": {"THUMBNAIL_SOURCE": media, "THUMBNAIL_CACHE": tmp_path / "cache"},
        "MEDIA_ROOT": str(media),
        "MEDIA_URL": "/media/",
        "THUMBNAIL_ALIASES": ALIASES,
    }
    with override_settings(**overrides):
        cache.clear()
        yield media


ALIASES = {
    "": {
        "small": {"size": (50, 50), "crop": True},
        "stored": {"size": (9, 9), "exif_orientation": False},
    },
    "shop": {"small": {"size": (60, 60)}, "app": {"size": (1, 1)}},
    "shop.Photo": {"small": {"size": (70, 70)}},
    "shop.Photo.image": {"small": {"size": (80, 80)}},
}


class Photo(SimpleNamespace):
    _meta = SimpleNamespace(app_label="shop")


def field_file(name, *, field_class=ThumbnailerImageField, width=None, height=None, **options):
    """The value of a field whose row has the size of the image."""
    field = field_class(storage=FileSystemStorage(), **options)
    field.set_attributes_from_name("image")
    field.width_field, field.height_field = "w", "h"
    row = Photo(image=name, w=width, h=height)
    return field.attr_class(row, field, name)


def render(template, **context):
    engine = Engine(
        libraries={"thumbnail": "xaccel.django.easy_thumbnails.templatetags.thumbnail"},
        autoescape=True,
    )
    return engine.from_string("{% load thumbnail %}" + template).render(Context(context))


@pytest.fixture
def opened(monkeypatch):
    """The names of the images whose header was read."""
    names = []
    read = facts._read_facts
    monkeypatch.setattr(facts, "_read_facts", lambda name: names.append(name) or read(name))
    facts._facts_in_state.cache_clear()
    return names


@pytest.mark.parametrize(
    "options",
    [
        {"crop": True},
        {"crop": ",0"},
        {"crop": "smart"},
        {"crop": True, "target": (20, None)},
        {"background": "white"},
    ],
)
def test_a_known_size_opens_no_file(media, opened, options):
    image = field_file("absent.jpg", width=640, height=480)
    thumbnail = image.get_thumbnail({"size": (100, 80), **options})
    assert thumbnail.url
    assert (thumbnail.width, thumbnail.height, thumbnail.exists()) == (100, 80, True)
    assert opened == []


def test_a_transparent_source_is_looked_at_even_if_its_size_is_known(media, opened):
    image = field_file("alpha.png", width=200, height=200)
    assert ",png/" in image.get_thumbnail({"size": (10, 10)}).url
    assert opened == ["alpha.png"]


@pytest.mark.parametrize(
    ("given", "spec"),
    [
        ({"bw": True}, "9x9,grayscale,q-85,jpeg"),
        ({"autocrop": True}, "9x9,trim-10,q-85,jpeg"),
        ({"autocrop": True, "crop": True}, "9x9,cover,trim-10,q-85,jpeg"),
        ({"autocrop": True, "crop": ",0"}, "9x9,cover,g-n,trim-10,q-85,jpeg"),
        ({"autocrop": True, "background": "red"}, "9x9,pad,trim-10,bg-ff0000,q-85,jpeg"),
        ({"detail": True, "sharpen": True}, "9x9,detail,sharpen-0.87,q-85,jpeg"),
        ({"subsampling": 0}, "9x9,q-85,ss-444,jpeg"),
        ({"subsampling": 2}, "9x9,q-85,jpeg"),
        ({"keep_icc_profile": True}, "9x9,q-85,jpeg"),
    ],
)
def test_options_of_the_engine(media, opened, given, spec):
    thumbnail = get_thumbnailer("wide.jpg").get_thumbnail({"size": (9, 9), **given})
    assert thumbnail.url.startswith(f"/t/{spec}/wide.jpg?")
    assert Client().get(thumbnail.url).status_code == 200
    assert opened == []


@pytest.mark.parametrize(
    ("size", "given", "known"),
    [
        ((80, 80), {}, False),
        ((80, 0), {"crop": True, "upscale": True}, False),
        ((80, 80), {"crop": True}, False),
        ((80, 80), {"crop": True, "upscale": True}, True),
        ((80, 80), {"background": "red"}, True),
    ],
)
def test_a_size_that_depends_on_the_border_is_left_out(media, size, given, known):
    image = field_file("wide.jpg", width=640, height=480)
    thumbnail = image.get_thumbnail({"size": size, "autocrop": True, **given})
    shown = render("[{{ im.width }}x{{ im.height }}]", im=thumbnail)
    assert shown == ("[80x80]" if known else "[x]")
    if known:
        assert Image.open(io.BytesIO(thumbnail.read())).size == (80, 80)
    else:
        with pytest.raises(UnknownSize, match="border"):
            thumbnail.size  # noqa: B018


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"autocrop": True, "zoom": 10}, "^autocrop.*size of the source"),
        ({"autocrop": True, "crop": "scale"}, "^autocrop.*size of the source"),
        ({"autocrop": True, "crop": "10,10"}, "^autocrop.*size of the source"),
        ({"exif_orientation": False}, "exif_orientation=False.*upright"),
        ({"corp": True}, "'corp'.*'crop'"),
        ({"quality": "high"}, "quality.*'high'"),
        ({"subsampling": 5}, "subsampling.*5"),
        ({"target": "left"}, "target.*'left'"),
        ({"size": "large"}, "size.*'large'"),
        ({"size": (0, 0)}, "only one side"),
        ({"size": (-1, 5)}, "only one side"),
        ({"size": None}, "size.*None"),
        ({"background": "whiet"}, 'not "whiet"'),
    ],
)
def test_an_option_that_can_not_be_expressed_is_named(media, given, named):
    with pytest.raises(SpecError, match=named):
        get_thumbnailer("wide.jpg").get_thumbnail({"size": (9, 9), **given}).url  # noqa: B018


def test_aliases_of_the_most_specific_target_win(media):
    image = field_file("wide.jpg")
    assert image["small"].width == 80
    assert get_thumbnailer("wide.jpg")["small"].width == 50
    added = Aliases()
    added.set("small", {"size": (90, 90)}, target=image)
    assert added.get("small", target=image) == {"size": (90, 90)}
    assert added.get("small", target="shop.Photo") == {"size": (70, 70)}
    assert added.get("small", target="shop") == {"size": (60, 60)}
    assert added.get("app") is None
    assert set(added.all("shop", include_global=False)) == {"small", "app"}
    with pytest.raises(KeyError):
        image["absent"]


def test_an_alias_that_can_not_be_expressed_shows_nothing_and_is_logged(media, caplog):
    image = field_file("wide.jpg")
    assert render("[{{ image.stored.url }}]", image=image) == "[]"
    assert "'stored': exif_orientation=False" in caplog.text
    with pytest.raises(SpecError, match=r"^exif_orientation=False"):
        image["stored"]


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("{% thumbnail image 9x9 exif_orientation=False %}", SpecError),
        ("{% thumbnail image 'absent' %}", SpecError),
        ("{% thumbnail image 9x9 quality='x' as im %}{{ im }}", SpecError),
        ("{{ image|thumbnail_url:'absent' }}", KeyError),
    ],
)
def test_errors_show_nothing_and_are_logged(media, caplog, template, error):
    image = field_file("wide.jpg")
    assert render(template, image=image) == ""
    assert "failed" in caplog.text
    with override_settings(THUMBNAIL_DEBUG=True), pytest.raises(error):
        render(template, image=image)


@pytest.mark.parametrize(
    "template", ["{% thumbnail image 9x9 %}", "{{ image|thumbnail_url:'small' }}"]
)
def test_an_empty_field_shows_nothing(media, caplog, template):
    for debug in (False, True):
        with override_settings(DEBUG=debug):
            assert render(template, image=field_file("")) == ""
    assert caplog.text == ""
    with override_settings(THUMBNAIL_DEBUG=True), pytest.raises(SourceError):
        render(template, image=field_file(""))


@pytest.mark.parametrize("template", ["{% thumbnail image %}", "{% thumbnail image 9x9 corp %}"])
def test_a_tag_that_is_written_wrong_is_a_syntax_error(template):
    with pytest.raises(TemplateSyntaxError):
        render(template)


def test_settings(media):
    def url(name="wide.jpg", **overrides):
        with override_settings(**overrides):
            return get_thumbnailer(name).get_thumbnail({"size": (9, 9)}).url

    assert url(THUMBNAIL_QUALITY=40).startswith("/t/9x9,q-40,jpeg/")
    assert ",webp/" in url(THUMBNAIL_EXTENSION="webp")
    assert ",webp/" in url("alpha.png", THUMBNAIL_TRANSPARENCY_EXTENSION="webp")
    assert ",png/" in url("small.png", THUMBNAIL_PRESERVE_EXTENSIONS=["png"])
    assert ",png/" in url("small.png", THUMBNAIL_PRESERVE_EXTENSIONS=True)
    assert ",jpeg/" in url("small.png")
    site_wide = {"XACCEL": {**settings.XACCEL, "THUMBNAIL_FORMAT": "avif"}}
    assert ",jpeg/" in url(**site_wide)
    assert ",png/" in url("small.png", THUMBNAIL_PRESERVE_EXTENSIONS=True, **site_wide)
    assert ",upscale," in url(THUMBNAIL_DEFAULT_OPTIONS={"upscale": True})


def test_thumbnailers(media):
    image = field_file("wide.jpg")
    assert get_thumbnailer(image) is image
    own = SimpleNamespace(easy_thumbnails_thumbnailer=image)
    assert get_thumbnailer(own) is image
    plain = field_file("wide.jpg", field_class=ThumbnailerField, thumbnail_storage="without effect")
    assert plain["small"].width == 80
    assert not get_thumbnailer("")
    with pytest.raises(ValueError, match="relative_name"):
        get_thumbnailer(FileSystemStorage())
    with pytest.raises(SourceError, match="save it"):
        get_thumbnailer(ContentFile(b""), relative_name="a.jpg")


def test_the_tag_of_a_thumbnail_is_escaped(media):
    thumbnail = get_thumbnailer("wide.jpg").get_thumbnail({"size": (8, 8)})
    assert 'alt="&lt;&quot;"' in thumbnail.tag(alt='<"')
    assert "width" not in thumbnail.tag(use_size=False)
    missing = get_thumbnailer("absent.jpg").get_thumbnail({"size": (8, 8)})
    assert "width" not in missing.tag()


def test_deleting_and_replacing_a_file_purges_its_thumbnails(media):
    image = field_file("wide.jpg")
    url = image.get_thumbnail({"size": (8, 8)}).url
    assert Client().get(url).getvalue()
    assert image.delete_thumbnails() == 1
    assert Client().get(url).getvalue()
    image.delete(save=False)
    assert Client().get(url).status_code == 404
    assert not (media / "wide.jpg").exists()


def test_a_store_that_is_down_does_not_keep_a_file(media, tmp_path, caplog):
    keys = {"access_key": "AKIATEST", "secret_key": "the secret key"}
    down = {
        "THUMBNAIL_CACHE": tmp_path / "cache",
        "THUMBNAIL_STORE": "s3://thumbs/",
        "S3": {"endpoint": "http://127.0.0.1:1", **keys},
    }
    with override_settings(XACCEL={**settings.XACCEL, **down}):
        image = field_file("")
        image.save("new.jpg", ContentFile((media / "wide.jpg").read_bytes()), save=False)
        assert (media / image.name).exists()
        image.delete(save=False)
        assert not (media / "new.jpg").exists()
    assert caplog.text.count("can't purge the thumbnails of 'new.jpg'") == 2


def test_the_size_of_a_source_is_known_within_the_limits_of_the_site(media):
    """The file has more bytes than the default allows."""
    os.truncate(media / "wide.jpg", 51 * 1024 * 1024)
    for limits, is_known in (({}, False), ({"THUMBNAIL_MAX_BYTES": "60M"}, True)):
        with override_settings(XACCEL={**settings.XACCEL, **limits}):
            thumbnail = get_thumbnailer("wide.jpg").get_thumbnail({"size": (8, 0)})
            assert ("width" in thumbnail.tag()) == is_known


def test_the_widget_shows_a_thumbnail(media, caplog):
    image = field_file("wide.jpg")
    widget = ImageClearableFileInput()
    html = widget.render("image", image)
    assert (
        '<a href="/media/wide.jpg" target="_blank"><img alt="" height="60" id="image_thumb_id"'
        in html
    )
    assert '<img alt="" height="8"' in ImageClearableFileInput(
        {"size": (8, 8), "crop": True}
    ).render("image", image)
    assert "<img" not in widget.render("image", field_file(""))
    assert "<img" not in ImageClearableFileInput({"corp": 1}).render("image", image)
    assert "'wide.jpg' has no preview" in caplog.text


def test_a_field_can_make_uploads_smaller(media):
    image = field_file("", resize_source={"size": (90, 90)})
    image.save("new.png", ContentFile((media / "wide.jpg").read_bytes()), save=False)
    assert image.name == "new.jpg"
    assert Image.open(io.BytesIO((media / "new.jpg").read_bytes())).size == (90, 68)


def test_a_field_knows_the_upright_size_without_pillow(media, monkeypatch):
    # Importing a module fails if it is None here.
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert ThumbnailerImageField()._check_image_library_installed() == []
    image = field_file("rotated.jpg")
    assert (image.width, image.height) == (300, 400)
    # easy-thumbnails has stored the size before the rotation.
    moved = field_file("rotated.jpg", width=400, height=300).get_thumbnail({"size": (60, 0)})
    assert (moved.width, moved.height) == (60, 80)
