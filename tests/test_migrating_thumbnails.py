"""Every row of `docs/migrating.md` about thumbnail packages does what it says."""

import io
import re
import subprocess
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db.models import FileField
from django.template import Context, Engine
from django.test import Client, override_settings
from PIL import Image
from xaccel import probe
from xaccel._core import Cache
from xaccel.django.easy_thumbnails import fields as easy_fields
from xaccel.django.easy_thumbnails.files import ThumbnailSource, get_thumbnailer
from xaccel.django.easy_thumbnails.widgets import ImageClearableFileInput
from xaccel.django.sorl import ImageField, delete, get_thumbnail
from xaccel.django.sorl.admin import AdminImageMixin
from xaccel.django.sorl.management.commands.thumbnail import Command
from xaccel.exceptions import SourceError, SpecError

from tests.support import django_site  # noqa: F401
from tests.support.migration_page import PAGE, Checks
from tests.support.peer_sites import SITES, make_sources

SORL_TEXT, EASY_TEXT = PAGE.partition("## sorl-thumbnail")[2].split("## easy-thumbnails")
SORL, EASY = Checks(SORL_TEXT), Checks(EASY_TEXT)


@pytest.fixture
def site(tmp_path):
    media = make_sources(tmp_path / "media")
    overrides = {
        "XACCEL": {"THUMBNAIL_SOURCE": media, "THUMBNAIL_CACHE": tmp_path / "cache"},
        "MEDIA_ROOT": str(media),
        "MEDIA_URL": "/media/",
    }
    with override_settings(**overrides):
        yield media


def template(text, package="sorl", **context):
    library = f"xaccel.django.{package}.templatetags.thumbnail"
    engine = Engine(libraries={"thumbnail": library}, autoescape=True)
    return engine.from_string("{% load thumbnail %}" + text).render(Context(context))


def fetched(url):
    return Image.open(io.BytesIO(Client().get(url.replace("&amp;", "&")).getvalue()))


def spec(url):
    return re.match(r"/t/(.*?)/", url)[1]


def sorl(geometry="100x80", *, name="wide.jpg", **options):
    return spec(get_thumbnail(name, geometry, **options).url)


def easy(size=(100, 80), *, name="wide.jpg", **options):
    return spec(get_thumbnailer(name).get_thumbnail({"size": size, **options}).url)


def shown_size(url):
    return fetched(url).size


@contextmanager
def other_storage(site):
    """An image in a second storage, which the settings name."""
    directory = make_sources(site.with_name("others"))
    backend = "django.core.files.storage.FileSystemStorage"
    others = {"BACKEND": backend, "OPTIONS": {"location": str(directory)}}
    xaccel = {**settings.XACCEL, "THUMBNAIL_SOURCES": {"others": "others"}}
    with override_settings(STORAGES={**settings.STORAGES, "others": others}, XACCEL=xaccel):
        yield of_field(FileField(storage=storages["others"]), "wide.jpg")


def of_field(field, name):
    field.set_attributes_from_name("image")
    return field.attr_class(type("Row", (), {"image": name})(), field, name)


@SORL.row('`{% thumbnail img "100x100"')
def sorl_tags(site):
    text = (
        '{% thumbnail img geometry crop="center" quality=80 as im %}{{ im.url }}'
        "{% empty %}none{% endthumbnail %}"
    )
    for geometry, size in (("100x100", (100, 100)), ("100", (100, 75)), ("x100", (133, 100))):
        assert fetched(template(text, img="wide.jpg", geometry=geometry)).size == size
    assert template(text, img="", geometry="1x1") == "none"


@SORL.row('`crop="top"`')
def sorl_crops(site):
    assert (
        sorl("50x50", crop="top", name="tall.jpg")
        == "50x50,cover,upscale,g-n,q-95,progressive,jpeg"
    )
    for crop in ("50% 20%", "0px 7px"):
        assert "50x50,fill,crop-0-" in sorl("50x50", crop=crop, name="tall.jpg")
    assert sorl(crop="noop") == sorl()


@SORL.row('`crop="smart"`')
def sorl_smart(site):
    assert "g-smart" in sorl(crop="smart")


@SORL.row("`upscale`")
def sorl_look(site):
    found = sorl(
        upscale=False, padding=True, padding_color="#00f", quality=7, format="PNG", blur="2"
    )
    assert found == "100x80,pad,blur-2,bg-0000ff,q-7,png"


@SORL.row("`cropbox=")
def sorl_cropbox(site):
    assert "crop-0-0-0.5-0.5" in sorl(cropbox="0,0,320,240")
    rotated = get_thumbnail("rotated.jpg", "10x10", cropbox="0,0,300,400", crop="center")
    assert "crop" not in get_thumbnail("rotated.jpg", "x40", cropbox="0,0,300,400").url
    assert rotated.size == (10, 10)


@SORL.row("`progressive`")
def sorl_progressive(site):
    assert ",progressive," in sorl()
    assert "progressive" not in sorl(progressive=False)


@SORL.row("`orientation=False`")
def sorl_orientation(site):
    with pytest.raises(SpecError, match="always upright"):
        sorl(orientation=False)


@SORL.row('`colorspace="GRAY"`')
def sorl_gray(site):
    gray = fetched(get_thumbnail("wide.jpg", "100x80", colorspace="GRAY").url)
    assert gray.mode == "L"
    options = {"colorspace": "GRAY", "padding": True, "padding_color": "#f00", "quality": 100}
    padded = fetched(get_thumbnail("wide.jpg", "100x100", **options).url)
    red, green, _ = padded.getpixel((50, 3))
    assert red > 240
    assert green < 20


@SORL.row("`remove_border=True`")
def sorl_border(site):
    assert fetched(
        get_thumbnail("framed.png", "400", remove_border=True, upscale=False).url
    ).size == (
        200,
        120,
    )
    exact = get_thumbnail("framed.png", "90x80", remove_border=True, crop="center")
    assert exact.size == fetched(exact.url).size == (90, 80)
    for option in ({"cropbox": "0,0,9,9"}, {"crop": "30% 20%"}, {"crop": "5px 5px"}):
        with pytest.raises(SpecError, match="remove_border"):
            sorl(remove_border=True, **option)


@SORL.row("`rounded=12`")
def sorl_rounded(site):
    for image_format, corner in (("PNG", 0), ("WEBP", 0), ("JPEG", 255)):
        thumbnail = get_thumbnail("wide.jpg", "100x80", rounded=12, format=image_format)
        picture = fetched(thumbnail.url).convert("RGBA")
        assert picture.getpixel((0, 0))[3] == corner
        assert picture.getpixel((50, 40))[3] == 255


@SORL.row("`flatten`")
def sorl_flatten(site):
    assert sorl(flatten=True) == sorl()
    corner = fetched(get_thumbnail("alpha.png", "200x150", quality=100).url)
    flat = Image.new("RGB", (200, 150), "white")
    source = Image.open(site / "alpha.png")
    flat.paste(source, mask=source)
    expected, found = flat.getpixel((0, 0)), corner.getpixel((0, 0))
    assert max(abs(a - b) for a, b in zip(expected, found, strict=True)) <= 8


@SORL.row("`im.url`", "`{{ im }}`")
def sorl_attributes(site):
    names = ("width", "height", "x", "y", "ratio", "is_portrait", "exists")
    text = " ".join(f"{{{{ im.{name} }}}}" for name in names)
    text = '{% thumbnail img "100x80" crop="center" as im %}' + text + "{% endthumbnail %}"
    assert template(text, img="wide.jpg") == "100 80 100 80 1.25 False True"
    text = '{% thumbnail img "9x9" as im %}{{ im }}{% endthumbnail %}'
    assert fetched(template(text, img="wide.jpg")).size == (9, 7)


@SORL.row("`is_portrait`")
def sorl_filters(site):
    text = '{{ img|is_portrait }} {{ img|margin:"310x410" }} {{ img|background_margin:"310x410" }}'
    assert template(text, img="rotated.jpg") == "True 5px 5px 5px 5px 5.0px 5.0px"


@SORL.row("`{{ im.url\\|resolution:")
def sorl_resolutions(site):
    text = (
        '{% thumbnail img "50x40" crop="center" as im %}{{ im.url|resolution:R }}{% endthumbnail %}'
    )
    for resolution, size in (("2x", (100, 80)), ("1.5x", (75, 60))):
        url = template(text.replace("R", f'"{resolution}"'), img="wide.jpg")
        assert fetched(url).size == size


@SORL.row("`html_thumbnails`")
def sorl_texts(site):
    other = '<img src="https://other.example/a.jpg">'
    text = "{{ value|html_thumbnails|safe }}"
    assert template(text, value=other) == other
    html = template(text, value='<img class="a" src="/media/wide.jpg">')
    assert fetched(re.search(r'src="(.*?)"', html)[1]).size == (500, 375)
    markdown = template("{{ value|markdown_thumbnails|safe }}", value="![a](/media/wide.jpg)")
    assert fetched(re.search(r"\((.*)\)", markdown)[1]).size == (500, 375)


@SORL.row("`get_thumbnail(file")
def sorl_function(site):
    assert fetched(get_thumbnail("wide.jpg", "100x100", crop="center").url).size == (100, 100)


@SORL.row("an image at a URL")
def sorl_urls(site):
    with override_settings(DEBUG=True), pytest.raises(SourceError, match="not a URL"):
        get_thumbnail("https://other.example/a.jpg", "9x9").url  # noqa: B018
    assert get_thumbnail("https://other.example/a.jpg", "9x9").url == ""


@SORL.row("an image of a field with another storage")
def sorl_other_storages(site):
    with other_storage(site) as image:
        assert shown_size(get_thumbnail(image, "100x80").url) == (100, 75)


@SORL.row("`delete(file)`")
def sorl_delete(site):
    delete("wide.jpg", delete_file=False)
    assert (site / "wide.jpg").exists()
    delete("wide.jpg")
    assert not (site / "wide.jpg").exists()


@SORL.row("`ImageField`")
def sorl_field(site):
    assert ImageField().formfield().clean(ContentFile((site / "wide.jpg").read_bytes(), "a.jpg"))
    image = of_field(ImageField(), "rotated.jpg")
    assert (image.width, image.height) == (300, 400)


@SORL.row("`AdminImageMixin`")
def sorl_admin(site):
    assert "AdminImageWidget" in str(
        AdminImageMixin().formfield_for_dbfield(ImageField(), None).widget
    )


@SORL.row("`manage.py thumbnail cleanup`", "`manage.py thumbnail clear`")
@SORL.row("`manage.py thumbnail clear_delete_referenced`")
def sorl_commands(site):
    assert Client().get(get_thumbnail("wide.jpg", "9x9").url).getvalue()
    cache = Cache(settings.XACCEL["THUMBNAIL_CACHE"])
    for operation, left in (("cleanup", 1), ("clear", 1), ("clear_delete_referenced", 0)):
        call_command(Command(), operation, verbosity=0)
        assert cache.usage()[0] == left
    with override_settings(XACCEL={**settings.XACCEL, "THUMBNAIL_CACHE_INACTIVE": 0}):
        assert Client().get(get_thumbnail("wide.jpg", "9x9").url).getvalue()
        call_command(Command(), "cleanup", verbosity=0)
        call_command(Command(), "clear_delete_all", verbosity=0)
        assert cache.usage()[0] == 0


@SORL.row("`THUMBNAIL_QUALITY`")
def sorl_settings(site):
    from sorl.thumbnail.conf import defaults
    from xaccel.django.sorl import settings as ours

    for name, value in ours._DEFAULTS.items():
        assert getattr(defaults, f"THUMBNAIL_{name}") == value, name
    with override_settings(THUMBNAIL_QUALITY=7, THUMBNAIL_UPSCALE=False):
        assert sorl() == "100x80,q-7,progressive,jpeg"


@SORL.row("`THUMBNAIL_DUMMY`")
def sorl_dummies(site):
    with override_settings(
        THUMBNAIL_DUMMY=True,
        THUMBNAIL_DUMMY_SOURCE="/%(width)s/%(height)s",
        THUMBNAIL_DUMMY_RATIO=2,
    ):
        assert get_thumbnail("absent.jpg", "90").url == "/90/45"


WRONG = {
    "sorl": '{% thumbnail img "9x9" colour=1 as im %}{% empty %}none{% endthumbnail %}',
    "easy_thumbnails": '{% thumbnail img "absent" %}none',
}


@SORL.row("`THUMBNAIL_DEBUG`")
def sorl_debug(site):
    debug(site, "sorl")


@EASY.row("`THUMBNAIL_DEBUG`")
def easy_debug(site):
    debug(site, "easy_thumbnails")


def debug(site, package):
    assert template(WRONG[package], package, img="wide.jpg") == "none"
    for setting in ("DEBUG", "THUMBNAIL_DEBUG"):
        with override_settings(**{setting: True}), pytest.raises(SpecError):
            template(WRONG[package], package, img="wide.jpg")


@SORL.row("`THUMBNAIL_ENGINE`")
def sorl_unused_settings(site):
    plain = sorl()
    names = ("ENGINE", "BACKEND", "KVSTORE", "STORAGE")
    with override_settings(**{f"THUMBNAIL_{name}": "absent.Class" for name in names}):
        assert sorl() == plain


@EASY.row("`{% thumbnail photo 300x200")
def easy_tags(site):
    for size, found in (("100x100", (100, 100)), ("100x0", (100, 75)), ("0x100", (133, 100))):
        text = f"{{% thumbnail photo {size} crop as im %}}{{{{ im.url }}}}"
        assert fetched(template(text, "easy_thumbnails", photo="wide.jpg")).size == found


@EASY.row('`crop="0,0"`')
def easy_crops(site):
    assert "cover,g-nw," in easy((50, 50), crop="0,0", name="tall.jpg")
    assert "cover,g-n," in easy((50, 50), crop=",0", name="tall.jpg")
    assert "50x50,fill,crop-0-" in easy((50, 50), crop="-10,-5", name="tall.jpg")
    assert easy((50, 50), crop="scale") == "67x50,fill,q-85,jpeg"


@EASY.row('`crop="smart"`')
def easy_smart(site):
    assert "g-smart" in easy(crop="smart")
    assert "smart" not in easy(crop="smart", zoom=20)
    assert "smart" not in easy((500, 500), crop="smart", background="white", name="tall.jpg")


@EASY.row("`upscale`")
def easy_look(site):
    assert easy(upscale=True, quality=7) == "100x80,upscale,q-7,jpeg"
    assert easy(background="red") == "100x80,pad,bg-ff0000,q-85,jpeg"
    assert easy(replace_alpha="#00f", name="alpha.png") == "100x80,bg-0000ff,q-85,jpeg"
    assert easy((64, 48), zoom=100) == "64x48,fill,crop-0.25-0.25-0.5-0.5,q-85,jpeg"


@EASY.row('`target="20,80"`')
def easy_targets(site):
    assert "g-0.2-0.8" in easy(crop=True, target="20,80")
    assert easy(crop=True, focal_point=(20, 80)) == easy(crop=True, target="20,80")


@EASY.row("`sharpen`")
def easy_sharpen(site):
    assert "sharpen-0.87" in easy(sharpen=True)


@EASY.row("`subsampling`")
def easy_encoder(site):
    assert easy(subsampling=0) == "100x80,q-85,ss-444,jpeg"


@EASY.row("`keep_icc_profile`")
def easy_profile(site):
    assert easy(keep_icc_profile=True) == easy()


@EASY.row("`exif_orientation=False`")
def easy_orientation(site):
    with pytest.raises(SpecError, match="always upright"):
        easy(exif_orientation=False)


@EASY.row("`bw`")
def easy_bw(site):
    gray = get_thumbnailer("wide.jpg").get_thumbnail({"size": (100, 80), "bw": True})
    assert fetched(gray.url).mode == "L"
    assert easy(bw=True, background="red") == "100x80,pad,grayscale,bg-ff0000,q-85,jpeg"


@EASY.row("`autocrop`")
def easy_autocrop(site):
    trimmed = get_thumbnailer("framed.png").get_thumbnail({"size": (400, 400), "autocrop": True})
    assert fetched(trimmed.url).size == (200, 120)
    exact = {"size": (90, 80), "autocrop": True, "crop": True, "upscale": True}
    assert get_thumbnailer("framed.png").get_thumbnail(exact).width == 90
    for option in ({"zoom": 9}, {"crop": "scale"}, {"crop": "10,10"}):
        with pytest.raises(SpecError, match="autocrop"):
            easy(autocrop=True, **option)


@EASY.row("`detail`")
def easy_detail(site):
    assert easy(detail=True) == "100x80,detail,q-85,jpeg"


ALIASES = {"": {"small": {"size": (50, 50), "crop": True}}}


def field_file(name, **options):
    return of_field(easy_fields.ThumbnailerImageField(**options), name)


@EASY.row("`{{ photo\\|thumbnail_url:", "`{{ photo\\|thumbnailer_passive }}`")
@EASY.row('`get_thumbnailer(photo)["small"]`')
def easy_aliases(site):
    photo = field_file("wide.jpg")
    with override_settings(THUMBNAIL_ALIASES=ALIASES):
        urls = {
            get_thumbnailer(photo)["small"].url,
            get_thumbnailer(photo).get_thumbnail({"size": (50, 50), "crop": True}).url,
            *(
                template(text, "easy_thumbnails", photo=photo)
                for text in (
                    '{{ photo|thumbnail_url:"small" }}',
                    "{{ photo.small.url }}",
                    "{% with p=photo|thumbnailer %}{{ p.small.url }}{% endwith %}",
                    "{% with p=photo|thumbnailer_passive %}{{ p.small.url }}{% endwith %}",
                )
            ),
        }
    assert len(urls) == 1
    assert fetched(urls.pop()).size == (50, 50)


@EASY.row("`{{ im.tag }}`")
def easy_attributes(site):
    thumbnail = get_thumbnailer("wide.jpg").get_thumbnail({"size": (50, 50)})
    assert (thumbnail.width, thumbnail.height) == (50, 38)
    assert thumbnail.tag().startswith(f'<img alt="" height="38" src="{thumbnail.url}')


@EASY.row("`{{ im\\|data_uri }}`")
def easy_data(site):
    text = "{% thumbnail photo 9x9 as im %}{{ im|data_uri }}"
    assert template(text, "easy_thumbnails", photo="wide.jpg").startswith("data:image/jpeg;base64,")


@EASY.row("`get_thumbnailer(open_file")
def easy_open_files(site):
    with pytest.raises(SourceError, match="save it to a storage"):
        get_thumbnailer(ContentFile(b""), relative_name="a.jpg")


@EASY.row('`get_thumbnailer(storage, relative_name="…")`, a field with another storage')
def easy_other_storages(site):
    with other_storage(site) as image:
        for thumbnailer in (
            get_thumbnailer(image),
            get_thumbnailer(image.storage, relative_name=image.name),
        ):
            assert shown_size(thumbnailer.get_thumbnail({"size": (100, 80)}).url) == (100, 75)


@EASY.row("`ThumbnailerField`")
def easy_field(site):
    photo = field_file("", resize_source={"size": (90, 90)}, thumbnail_storage="absent")
    photo.save("a.jpg", ContentFile((site / "wide.jpg").read_bytes()), save=False)
    info = probe(site / "a.jpg")
    assert (info.width, info.height) == (90, 68)
    image = field_file("rotated.jpg")
    assert (image.width, image.height) == (300, 400)


@EASY.row("`ImageClearableFileInput`")
def easy_widget(site):
    with override_settings(THUMBNAIL_WIDGET_OPTIONS={"size": (8, 8)}):
        widget = ImageClearableFileInput()
    html = widget.render("image", field_file("wide.jpg"))
    assert fetched(re.search(r'src="(.*?)"', html)[1]).size == (8, 6)


@EASY.row("`photo.delete_thumbnails()`")
def easy_deletion(site):
    photo = field_file("wide.jpg")
    url = photo.get_thumbnail({"size": (9, 9)}).url
    assert Client().get(url).getvalue()
    assert photo.delete_thumbnails() == 1
    assert Client().get(url).getvalue()
    photo.delete(save=False)
    assert Cache(settings.XACCEL["THUMBNAIL_CACHE"]).usage()[0] == 0


@EASY.row("`photo.get_thumbnails()`")
def easy_lists(site):
    assert not hasattr(ThumbnailSource, "get_thumbnails")


@EASY.row("`manage.py thumbnail_cleanup`")
def easy_commands(site):
    from xaccel.cli.main import main

    with pytest.raises(SystemExit) as done:
        main(["cache", "sweep", "--help"])
    assert done.value.code == 0


@EASY.row("`THUMBNAIL_ALIASES`")
def easy_settings(site):
    from easy_thumbnails.conf import Settings
    from xaccel.django.easy_thumbnails import settings as ours

    for name, value in ours._DEFAULTS.items():
        assert getattr(Settings, f"THUMBNAIL_{name}") == value, name
    with override_settings(THUMBNAIL_QUALITY=7, THUMBNAIL_DEFAULT_OPTIONS={"upscale": True}):
        assert easy() == "100x80,upscale,q-7,jpeg"


@EASY.row("`THUMBNAIL_PROCESSORS`")
def easy_unused_settings(site):
    plain = easy()
    names = ("PROCESSORS", "SOURCE_GENERATORS", "NAMER", "BASEDIR", "SUBDIR", "CACHE_DIMENSIONS")
    with override_settings(**{f"THUMBNAIL_{name}": "absent" for name in names}):
        assert easy() == plain


@pytest.mark.parametrize("cells", list(SORL.rows()), ids=lambda cells: cells[0])
def test_the_row_about_sorl(site, cells):
    SORL.of(cells[0])(site)
    assert SORL.unused(cells) == []


@pytest.mark.parametrize("cells", list(EASY.rows()), ids=lambda cells: cells[0])
def test_the_row_about_easy_thumbnails(site, cells):
    EASY.of(cells[0])(site)
    assert EASY.unused(cells) == []


def test_no_check_is_left_over():
    assert SORL.left_over() == EASY.left_over() == []


@pytest.mark.parametrize(
    ("text", "directory", "old", "new"),
    [
        (SORL_TEXT, "sorl_site", "sorl.thumbnail", "xaccel.django.sorl"),
        (EASY_TEXT, "easy_site", "easy_thumbnails", "xaccel.django.easy_thumbnails"),
    ],
)
def test_the_command_replaces_the_name_in_python_files(tmp_path, text, directory, old, new):
    import shutil

    shutil.copytree(SITES / directory, tmp_path / "site")
    command = re.search(r"```sh\n(.*?)```", text, re.DOTALL)[1]
    subprocess.run(["bash", "-c", command], cwd=tmp_path / "site", check=True)
    models, original = (
        (path / "gallery" / "models.py").read_text()
        for path in (tmp_path / "site", SITES / directory)
    )
    assert models == original.replace(f"from {old}", f"from {new}")
    assert f'"{new}"' in (tmp_path / "site" / "settings.py").read_text()
    assert f'"{old}"' not in (tmp_path / "site" / "settings.py").read_text()
