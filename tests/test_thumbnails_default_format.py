"""`THUMBNAIL_FORMAT`: the format of thumbnails for which nothing else names one."""

import io
from html.parser import HTMLParser

import pytest
from PIL import Image
from xaccel import ConfigError, SpecError
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.thumbnails.private import PrivateThumbnails
from xaccel.thumbnails.tasks import ThumbnailTasks

from tests.support.thumbnail_endpoint import get, read, request

PRESETS = {"small": "30x20,cover", "logo": "30x-,png"}


@pytest.fixture
def config(photos, tmp_path):
    def config(image_format="webp", **settings):
        return Config.from_mapping(
            {
                "THUMBNAIL_SOURCE": photos,
                "THUMBNAIL_CACHE": tmp_path / "cache",
                "THUMBNAIL_PRESETS": PRESETS,
                "THUMBNAIL_FORMAT": image_format,
                "SECRET_KEYS": ["a key of more than 16 bytes"],
                **settings,
            }
        )

    return config


class Urls(HTMLParser):
    """The specs in the attributes `src` and `srcset`, by tag."""

    def __init__(self, html):
        super().__init__()
        self.specs = {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in {"src", "srcset"}:
                urls = [part.split()[0] for part in value.split(", ")]
                self.specs.setdefault(tag, set()).update(url.split("/")[2] for url in urls)


def spec_of(url):
    return url.split("/")[2]


@pytest.mark.parametrize(
    ("arguments", "options", "spec"),
    [
        ((30,), {}, "30x-,webp"),
        (("30x20",), {"fit": "cover"}, "30x20,cover,webp"),
        (("small",), {}, "30x20,cover,webp"),
        (("small",), {"quality": 5}, "30x20,cover,q-5,webp"),
        (("logo",), {}, "30x-,png"),
        (("logo",), {"format": "jpg"}, "30x-,jpeg"),
        ((30,), {"format": "auto"}, "30x-,auto"),
        ((30,), {"format": None}, "30x-"),
        (("logo",), {"format": None}, "30x-"),
    ],
)
def test_urls_contain_the_format(config, arguments, options, spec):
    helpers = TemplateHelpers(config())
    assert spec_of(helpers.thumbnail_url("cat.jpg", *arguments, **options)) == spec
    srcset = helpers.thumbnail_srcset("cat.jpg", *arguments, densities=[1], **options)
    assert spec_of(srcset) == spec
    html = helpers.thumbnail_img("cat.jpg", *arguments, alt="", densities=[1], **options)
    assert Urls(html).specs == {"img": {spec}}


def test_a_version_comes_after_the_format(config):
    url = TemplateHelpers(config("auto")).thumbnail_url("cat.jpg", 30, version=1)
    assert spec_of(url).startswith("30x-,auto,v-")


def test_older_urls_keep_their_meaning(config):
    before, after = config(None), config()
    old = TemplateHelpers(before).thumbnail_url("cat.jpg", 30)
    new = TemplateHelpers(after).thumbnail_url("cat.jpg", 30)
    for url, image_format in ((old, "JPEG"), (new, "WEBP")):
        for settings in (before, after):
            response = get(Thumbnails(settings), url)
            assert response.status == 200
            assert Image.open(io.BytesIO(response.data)).format == image_format


def test_browsers_without_modern_formats_see_the_img_of_a_picture(config):
    helpers = TemplateHelpers(config())
    for arguments, plain in (((30,), "30x-"), (("logo",), "30x-,png")):
        html = helpers.thumbnail_picture("cat.jpg", *arguments, alt="", densities=[1])
        assert Urls(html).specs == {"source": {"30x-,webp"}, "img": {plain}}
    html = helpers.thumbnail_picture("cat.jpg", 30, alt="", densities=[1], format="avif")
    assert Urls(html).specs == {"source": {"30x-,webp"}, "img": {"30x-,avif"}}


class TestOnlyPresets:
    @pytest.fixture
    def only(self, config):
        return config(THUMBNAIL_ONLY_PRESETS=True)

    def test_urls_contain_the_format(self, only):
        helpers = TemplateHelpers(only)
        assert helpers.thumbnail_url("cat.jpg", "small") == "/t/30x20,cover,webp/cat.jpg"
        assert helpers.thumbnail_url("cat.jpg", "logo") == "/t/30x-,png/cat.jpg"
        html = helpers.thumbnail_picture("cat.jpg", "small", alt="")
        assert Urls(html).specs == {"source": {"30x20,cover,webp"}, "img": {"30x20,cover"}}
        with pytest.raises(SpecError, match="THUMBNAIL_ONLY_PRESETS"):
            helpers.thumbnail_url("cat.jpg", "small", format="avif")

    def test_older_urls_are_served(self, only):
        for spec, status in (
            ("30x20,cover", 200),
            ("30x20,cover,webp", 200),
            ("30x-,png", 200),
            ("30x-", 404),
            ("30x20,cover,auto", 404),
            ("30x20,cover,png", 404),
        ):
            assert get(Thumbnails(only), f"/t/{spec}/cat.jpg").status == status, spec


@pytest.mark.parametrize(
    ("accept", "options", "image_format"),
    [
        ("image/webp", {}, "webp"),
        ("image/png", {}, "jpeg"),
        ("image/webp", {"format": None}, "jpeg"),
        ("", {"format": "png"}, "png"),
    ],
)
def test_private_thumbnails(config, photos, accept, options, image_format):
    settings = config("auto", ROOTS={str(photos): "/_photos/"})
    private = PrivateThumbnails(settings, Delivery(settings))
    response = read(private.answer("cat.jpg", 30, None, request(accept=accept), **options))
    assert (response.status, response.headers["Content-Type"]) == (200, f"image/{image_format}")
    assert ("Vary" in response.headers) == (not options)


def test_work_ahead_renders_what_templates_ask_for(config):
    tasks = ThumbnailTasks(config())
    helpers = TemplateHelpers(tasks.config)
    specs = tasks.specs(["small", "logo", "40x", "50x50,cover", "50x50,cover,png"])
    assert [str(spec) for spec in specs] == [
        "30x20,cover,webp",
        "30x-,png",
        "40x-,webp",
        "50x50,cover,webp",
        "50x50,cover,png",
    ]
    for spec, width in zip(specs, ("small", "logo", "40x"), strict=False):
        assert str(spec) == spec_of(helpers.thumbnail_url("cat.jpg", width))


@pytest.mark.parametrize(
    ("image_format", "message"),
    [
        ("jpg", "'THUMBNAIL_FORMAT'.+'auto'.+'jpg'.+did you mean 'jpeg'"),
        ("tiff", "'THUMBNAIL_FORMAT'.+'avif'.+'tiff'"),
        (["webp"], "'THUMBNAIL_FORMAT'"),
    ],
)
def test_what_is_not_a_format(config, image_format, message):
    with pytest.raises(ConfigError, match=message):
        config(image_format)


def test_an_engine_without_formats(config):
    with pytest.raises(ConfigError, match=r"'THUMBNAIL_FORMAT'\] 'webp'.+image-filter"):
        config(THUMBNAIL_ENGINE="image-filter", SIGNATURE="secure-link-md5")
