"""The template helpers: what they write, in Jinja and Django."""

import base64
import io
import logging
import os
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest
from django.contrib.admin.utils import display_for_value
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from PIL import Image
from xaccel import ConfigError, SpecError, jinja, placeholder
from xaccel.config import Config
from xaccel.exceptions import SourceError
from xaccel.thumbnails import backends, helpers as templates
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.thumbnail_endpoint import get

KEY = "a key of more than 16 bytes"


@pytest.fixture
def make(photos):
    def make(**settings):
        return TemplateHelpers(
            Config.from_mapping({"THUMBNAIL_SOURCE": photos, "SECRET_KEYS": [KEY], **settings})
        )

    return make


def test_an_element_looks_up_the_mount_once(photos):
    config = Config.from_mapping({"THUMBNAIL_SOURCE": photos, "SECRET_KEYS": [KEY]})
    asked = []
    helpers = TemplateHelpers(config, mount=lambda: asked.append(1) or "/shop")
    for write in (
        helpers.thumbnail_srcset,
        partial(helpers.thumbnail_img, alt=""),
        partial(helpers.thumbnail_picture, alt=""),
    ):
        asked.clear()
        assert write("cat.jpg", 30, densities="1, 2, 3").count("/shop/t/") >= 3
        assert len(asked) == 1
        assert "/other/t/" in write("cat.jpg", 30, mount="/other")
        assert len(asked) == 1


def spec_of(url):
    return url.split("/")[2]


class Tags(HTMLParser):
    """The tags of a piece of HTML, which has to be well-formed."""

    VOID = frozenset({"img", "source"})

    def __init__(self, html):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), "an attribute is there twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        raise AssertionError(f"text: {data!r}")


def tags(html):
    return Tags(html).tags


def srcset(text):
    return [tuple(candidate.split(" ")) for candidate in text.split(", ")]


class TestSource:
    EMPTY = (None, "", SimpleNamespace(name=None), SimpleNamespace(name=""))
    WRONG = (
        "/",
        "//cat.jpg",
        "../secret.jpg",
        "a//b.jpg",
        "a/./b.jpg",
        "nul\0.jpg",
        "\udcff.jpg",
        "https://elsewhere.example/cat.jpg",
        Path("/elsewhere/cat.jpg"),
        5,
        b"cat.jpg",
        ["cat.jpg"],
        SimpleNamespace(name=5),
        SimpleNamespace(id=5),
        SimpleNamespace(name="cat.jpg", __mapper__=None),
    )

    @staticmethod
    def everything(helpers, source):
        """What each helper writes for a source."""
        return [
            helpers.thumbnail_url(source, "box"),
            helpers.thumbnail_srcset(source, "box"),
            helpers.thumbnail_img(source, "box", alt=""),
            helpers.thumbnail_picture(source, "box", alt=""),
        ]

    @pytest.mark.parametrize("source", EMPTY, ids=repr)
    @pytest.mark.parametrize("settings", [{}, {"THUMBNAIL_ONLY_PRESETS": True}])
    def test_that_is_empty_gives_nothing_and_a_debug_line(self, make, caplog, source, settings):
        caplog.set_level(logging.DEBUG)
        helpers = make(**settings, THUMBNAIL_PRESETS={"box": "300x200"})
        assert self.everything(helpers, source) == [""] * 4
        assert [(record.name, record.levelname) for record in caplog.records] == [
            ("xaccel.thumbnails", "DEBUG")
        ] * 4

    @pytest.mark.parametrize("settings", [{}, {"THUMBNAIL_ONLY_PRESETS": True}])
    def test_that_is_empty_gives_the_fallback(self, make, photos, settings):
        settings = {
            **settings,
            "THUMBNAIL_SOURCE": photos,
            "THUMBNAIL_FALLBACK": photos / "alpha.png",
            "THUMBNAIL_PRESETS": {"box": "30x20"},
        }
        helpers = make(**settings)
        url, srcset, img, picture = self.everything(helpers, None)
        assert url.startswith("/t/30x20/~fallback.png")
        assert all(url in html.replace("&amp;", "&") for html in (srcset, img, picture))
        config = Config.from_mapping({"SECRET_KEYS": [KEY], **settings})
        response = get(Thumbnails(config), url)
        assert response.status == 200
        image = Image.open(io.BytesIO(response.data))
        assert (image.format, image.size) == ("PNG", (20, 20))

    @pytest.mark.parametrize("source", WRONG, ids=repr)
    def test_that_is_wrong_raises_while_debugging(self, photos, source):
        config = Config.from_mapping({"THUMBNAIL_SOURCE": photos, "SECRET_KEYS": [KEY]})
        helpers = TemplateHelpers(config, is_debug=lambda: True)
        for helper in (helpers.thumbnail_url, helpers.thumbnail_srcset, helpers.placeholder):
            with pytest.raises(SourceError, match="can't have a thumbnail"):
                helper(source)

    def test_that_is_a_url_is_named_as_such(self, photos):
        config = Config.from_mapping({"THUMBNAIL_SOURCE": photos, "SECRET_KEYS": [KEY]})
        helpers = TemplateHelpers(config, is_debug=lambda: True)
        with pytest.raises(SourceError, match="its file field, not a URL"):
            helpers.thumbnail_url("https://elsewhere.example/cat.jpg", 300)

    @pytest.mark.parametrize("source", WRONG, ids=repr)
    @pytest.mark.parametrize("settings", [{}, {"THUMBNAIL_ONLY_PRESETS": True}])
    def test_that_is_wrong_gives_nothing_and_a_warning(self, make, caplog, source, settings):
        helpers = make(**settings, THUMBNAIL_PRESETS={"box": "300x200"})
        assert self.everything(helpers, source) == [""] * 4
        assert [(record.name, record.levelname) for record in caplog.records] == [
            ("xaccel.thumbnails", "WARNING")
        ] * 4

    def test_each_use_of_a_wrong_one_is_logged(self, make, caplog):
        helpers = make()
        for _ in range(2):
            helpers.thumbnail_url("../secret.jpg", 30)
        assert len(caplog.records) == 2

    def test_that_is_missing_makes_no_difference(self, make):
        assert make().thumbnail_url("absent.jpg", 300).startswith("/t/300x-/absent.jpg?key=")

    def test_may_be_given_in_several_ways(self, make, photos):
        helpers = make()
        expected = helpers.thumbnail_url("sub/föö bär.jpg", 300)
        for source in (
            "/sub/föö bär.jpg",
            photos / "sub" / "föö bär.jpg",
            str(photos / "sub" / "föö bär.jpg"),
            SimpleNamespace(name="sub/föö bär.jpg"),
            jinja2.utils.markupsafe.Markup("sub/föö bär.jpg"),
        ):
            assert helpers.thumbnail_url(source, 300) == expected

    def test_below_a_url(self, make):
        helpers = make(THUMBNAIL_SOURCE="https://media.example.org/photos")
        expected = helpers.thumbnail_url("a.jpg", 300)
        assert helpers.thumbnail_url("https://media.example.org/photos/a.jpg", 300) == expected


class TestOptions:
    @pytest.mark.parametrize(
        ("arguments", "options", "hint"),
        [
            ((300,), {"fti": "cover"}, "did you mean 'fit'"),
            ((300,), {"fit": "covr"}, "fit"),
            ((300,), {"quality": 101}, "1 to 100"),
            ((-1,), {}, "width .*from 1.*not -1"),
            ((300, -1), {}, "height .*from 1.*not -1"),
            (("300", "-1"), {}, "height .*from 1.*not '-1'"),
            ((3.5,), {}, "float"),
            ((True,), {}, "bool"),
            (("avatr",), {}, "which contains 'avatar'"),
            (("300x200", 100), {}, "already has a height"),
            ((0,), {}, "from 1"),
            ((300,), {"quality": "best"}, "'quality' must be a number"),
            ((300,), {"background": "whit"}, "such as white"),
            ((300,), {"gravity": "top bottom"}, "such as 0.3-0.7"),
            ((300,), {"crop": "10 20 300"}, "four numbers"),
            ((300,), {"crop": "a b c d"}, "four numbers"),
            ((300,), {"crop": (10, 20, 300, 200)}, "pass source_size"),
            ((300,), {"crop": (10, 20, 300, 200), "source_size": (300, 300)}, "300x300"),
        ],
    )
    def test_that_are_wrong_raise(self, make, arguments, options, hint):
        helpers = make(THUMBNAIL_PRESETS={"avatar": "96x96,cover"})
        for _ in range(2):
            with pytest.raises(SpecError, match=hint):
                helpers.thumbnail_url("cat.jpg", *arguments, **options)

    @pytest.mark.parametrize(
        ("arguments", "options", "spec"),
        [
            (("300x200",), {}, "300x200"),
            (("300x",), {}, "300x-"),
            (("x200",), {}, "-x200"),
            (("-x200",), {}, "-x200"),
            (("300",), {}, "300x-"),
            ((300.0, "200"), {}, "300x200"),
            ((jinja2.utils.markupsafe.Markup("300"),), {"format": "png"}, "300x-,png"),
            ((SafeString("300x200"),), {"format": SafeString("jpg")}, "300x200,jpeg"),
            ((300,), {"format": "JPEG"}, "300x-,jpeg"),
            ((300,), {"format": "WebP", "quality": "50"}, "300x-,q-50,webp"),
            ((9, 9), {"fit": "Cover", "gravity": "top"}, "9x9,cover,g-n"),
            ((9, 9), {"fit": "cover", "gravity": "center"}, "9x9,cover"),
            ((9, 9), {"fit": "cover", "gravity": "left bottom"}, "9x9,cover,g-sw"),
            ((9, 9), {"fit": "cover", "gravity": "north-east"}, "9x9,cover,g-ne"),
            ((9, 9), {"fit": "cover", "gravity": "southwest"}, "9x9,cover,g-sw"),
            ((9, 9), {"fit": "pad", "background": "white"}, "9x9,pad,bg-ffffff"),
            ((9, 9), {"fit": "pad", "background": "#F80"}, "9x9,pad,bg-ff8800"),
            ((9, 9), {"fit": "pad", "background": "RebeccaPurple"}, "9x9,pad,bg-663399"),
            ((9,), {"flip": "horizontal", "rotate": "90"}, "9x-,rot-90,flip-h"),
            ((9,), {"blur": "1.5", "dpr": "2"}, "9x-,blur-1.5,dpr-2"),
            ((9,), {"crop": "0 0 0.5 0.25"}, "9x-,crop-0-0-0.5-0.25"),
            ((9,), {"crop": [0, 0, 1, 0.5]}, "9x-,crop-0-0-1-0.5"),
            (
                (9,),
                {"crop": "100, 50, 400, 300", "source_size": (800, 600)},
                "9x-,crop-0.125-0.0833-0.5-0.5",
            ),
        ],
    )
    def test_may_be_written_as_elsewhere(self, make, arguments, options, spec):
        helpers = make()
        assert spec_of(helpers.thumbnail_url("a.jpg", *arguments, **options)) == spec
        if "source_size" in options:
            html = helpers.thumbnail_img("a.jpg", *arguments, alt="", **options)
            assert spec in html

    def test_of_a_preset_can_be_replaced(self, make):
        helpers = make(THUMBNAIL_PRESETS={"avatar": "96x96,cover"})
        assert spec_of(helpers.thumbnail_url("a", "avatar")) == "96x96,cover"
        assert spec_of(helpers.thumbnail_url("a", "avatar", quality=50)) == "96x96,cover,q-50"
        assert spec_of(helpers.thumbnail_url("a", "avatar", 50)) == "96x50,cover"

    def test_gravity_as_a_list(self, make):
        url = make().thumbnail_url("a", 10, 10, fit="cover", gravity=[0.3, 0.7])
        assert spec_of(url) == "10x10,cover,g-0.3-0.7"

    def test_an_invalid_expiry_is_not_hidden(self, make):
        with pytest.raises(ValueError, match=r"lifetime|expires"):
            make().thumbnail_url("cat.jpg", 10, expires_in=-1)


class TestVersion:
    def test_is_eight_characters_that_change_with_the_value(self, make):
        helpers = make()
        specs = [
            spec_of(helpers.thumbnail_url("cat.jpg", 10, version=version))
            for version in (1, 2, '"etag"', 1.5)
        ]
        assert len(set(specs)) == 4
        for spec in specs:
            box, version = spec.split(",v-")
            assert box == "10x-"
            assert len(version) == 8

    def test_of_the_file_itself(self, make, photos):
        helpers = make()
        before = helpers.thumbnail_url("cat.jpg", 10, version="mtime")
        assert helpers.thumbnail_url("cat.jpg", 10, version="mtime") == before
        os.utime(photos / "cat.jpg", (1, 1))
        assert helpers.thumbnail_url("cat.jpg", 10, version="mtime") != before

    def test_needs_a_source_that_knows_it(self, make, caplog):
        settings = {"THUMBNAIL_SOURCE": "https://media.example.org/"}
        url = make(**settings).thumbnail_url("cat.jpg", 10, version="mtime")
        assert url.startswith("/t/10x-/cat.jpg?key=")
        assert "version='mtime'" in caplog.text
        config = Config.from_mapping({"SECRET_KEYS": [KEY], **settings})
        with pytest.raises(SpecError, match=r"version='mtime'.*updated_at"):
            TemplateHelpers(config, is_debug=lambda: True).thumbnail_url(
                "cat.jpg", 10, version="mtime"
            )

    def test_of_a_missing_file(self, make, caplog):
        url = make().thumbnail_url("absent.jpg", 10, version="mtime")
        assert url.startswith("/t/10x-/absent.jpg?key=")
        assert "absent.jpg" in caplog.text


class TestSrcset:
    def test_of_densities(self, make):
        candidates = srcset(make().thumbnail_srcset("a.jpg", 300, 200, densities=[1, 1.5, 3]))
        assert [(spec_of(url), descriptor) for url, descriptor in candidates] == [
            ("300x200", "1x"),
            ("300x200,dpr-1.5", "1.5x"),
            ("300x200,dpr-3", "3x"),
        ]

    def test_of_widths(self, make):
        text = make().thumbnail_srcset("a.jpg", 300, 200, fit="cover", widths="600, 300")
        assert [(spec_of(url), descriptor) for url, descriptor in srcset(text)] == [
            ("300x200,cover", "300w"),
            ("600x400,cover", "600w"),
        ]

    def test_has_nothing_twice_when_the_source_is_small(self, make):
        helpers = make()
        size = {"source_size": (500, 400)}
        text = helpers.thumbnail_srcset("a.jpg", 300, densities=[1, 2, 3], **size)
        assert [descriptor for _, descriptor in srcset(text)] == ["1x", "2x"]
        text = helpers.thumbnail_srcset("a.jpg", widths=[300, 600, 900], **size)
        assert [descriptor for _, descriptor in srcset(text)] == ["300w", "500w"]

    @pytest.mark.parametrize("widths", [[], "", "a", [0], 5])
    def test_wants_numbers(self, make, widths):
        with pytest.raises(SpecError, match="widths"):
            make().thumbnail_srcset("a.jpg", 300, widths=widths)


class TestImg:
    def test_with_widths_says_how_wide_it_is_shown(self, make):
        for sizes, written in ((None, "100vw"), ("50vw", "50vw")):
            html = make().thumbnail_picture("a.jpg", 300, alt="", widths=[300, 600], sizes=sizes)
            (_, (_, of_source), (_, of_img)) = tags(html)
            assert of_source["sizes"] == of_img["sizes"] == written

    def test_has_what_a_page_needs(self, make):
        html = make().thumbnail_img("cat.jpg", 300, 200, fit="cover", alt="A cat", id="cat")
        ((tag, attributes),) = tags(html)
        assert tag == "img"
        assert list(attributes) == [
            *("src", "srcset", "width", "height", "alt", "loading", "decoding", "id"),
        ]
        assert attributes["alt"] == "A cat"
        assert attributes["loading"] == "lazy"
        assert (attributes["width"], attributes["height"]) == ("300", "200")
        assert srcset(attributes["srcset"])[0] == (attributes["src"], "1x")

    @pytest.mark.parametrize(
        ("box", "options", "size"),
        [
            ((300, 200), {"fit": "cover"}, ("300", "200")),
            ((300, 200), {}, (None, None)),
            ((300, None), {"fit": "cover"}, (None, None)),
            ((300, 200), {"source_size": (600, 600)}, ("200", "200")),
            ((300, None), {"source_size": (600, 400)}, ("300", "200")),
            ((300, None), {"source_size": (150, 100)}, ("150", "100")),
            ((300, None), {"source_size": (600, 400), "dpr": 2}, ("300", "200")),
            ((300, None), {"source_size": (400, 600), "rotate": 90}, ("300", "200")),
        ],
    )
    def test_says_its_size_when_it_is_certain(self, make, box, options, size):
        ((_, attributes),) = tags(make().thumbnail_img("cat.jpg", *box, alt="", **options))
        assert (attributes.get("width"), attributes.get("height")) == size

    def test_escapes(self, make):
        nasty = "\"><script>alert('&amp;')</script>"
        html = make().thumbnail_img(
            'a"><b>.jpg', 300, alt=nasty, title=jinja2.utils.markupsafe.Markup('&lt;"<')
        )
        ((_, attributes),) = tags(html)
        assert attributes["alt"] == nasty
        assert attributes["title"] == '<"<'

    def test_takes_attributes(self, make):
        html = make().thumbnail_img(
            "a.jpg", 300, alt=None, class_="card", data_id=7, loading="eager", hidden=True
        )
        ((_, attributes),) = tags(html)
        assert attributes["class"] == "card"
        assert attributes["data-id"] == "7"
        assert attributes["loading"] == "eager"
        assert attributes["hidden"] is None
        assert attributes["alt"] == ""

    @pytest.mark.parametrize(
        "wrong",
        [
            {"onload": "x"},
            {"clas": "x"},
            {"sizes": "100vw"},
            {"data-x><script>": "x"},
            {"data-x onload": "x"},
            {"data-x/": "x"},
            {"data-x\n": "x"},
            {"aria-x='": "x"},
            {"data-": "x"},
        ],
    )
    def test_refuses(self, make, wrong):
        with pytest.raises(SpecError):
            make().thumbnail_img("a.jpg", 300, alt="", **wrong)

    def test_wants_an_alt(self, make):
        with pytest.raises(TypeError, match="alt"):
            make().thumbnail_img("a.jpg", 300)

    def test_knows_the_size_of_a_django_image_without_looking(self, make):
        class ImageFieldFile:
            name = "cat.jpg"
            field = SimpleNamespace(width_field="w", height_field="h")

            def __init__(self, **row):
                self.instance = SimpleNamespace(**row)

            @property
            def width(self):
                raise AssertionError("opens the file")

        helpers = make()
        ((_, attributes),) = tags(helpers.thumbnail_img(ImageFieldFile(w=600, h=600), 300, alt=""))
        assert (attributes["width"], attributes["height"]) == ("300", "300")
        for row in ({}, {"w": None, "h": None}):
            ((_, attributes),) = tags(helpers.thumbnail_img(ImageFieldFile(**row), 300, alt=""))
            assert "width" not in attributes
        # EXIF may rotate the image: it is 300x200 or 300x450.
        field = ImageFieldFile(w=600, h=400)
        ((_, attributes),) = tags(helpers.thumbnail_img(field, 300, alt=""))
        assert "width" not in attributes
        assert "height" not in attributes
        ((_, attributes),) = tags(helpers.thumbnail_img(field, 300, 300, fit="cover", alt=""))
        assert (attributes["width"], attributes["height"]) == ("300", "300")
        # 600 pixels are there in either case; 900 are not.
        text = helpers.thumbnail_srcset(field, 300, densities=[1, 2, 3])
        assert [descriptor for _, descriptor in srcset(text)] == ["1x", "2x"]
        text = helpers.thumbnail_srcset(field, widths=[300, 500, 900, 1200])
        assert [descriptor for _, descriptor in srcset(text)] == ["300w", "500w", "900w"]

    @pytest.mark.parametrize("helper", ["thumbnail_img", "thumbnail_picture"])
    def test_is_never_the_whole_source_for_browsers_without_srcset(self, make, helper):
        html = getattr(make(), helper)("a.jpg", alt="", widths=[300, 900, 600])
        assert spec_of(tags(html)[-1][1]["src"]) == "900x-"

    def test_is_safe_in_every_kind_of_use(self, make):
        html = make().thumbnail_img("a.jpg", 300, alt="")
        assert str(html) is html
        assert format_html("<td>{}</td>", str(html)) == f"<td>{html}</td>"
        assert f"{jinja2.utils.markupsafe.escape(str(html))}" == html
        assert conditional_escape(display_for_value(html, "-")) == html
        assert conditional_escape(html.strip()) == html
        assert "&gt;" in conditional_escape(html.strip("<"))


class TestTrim:
    """The size is only known after the thumbnail is rendered."""

    def shown(self, make, **options):
        html = make().thumbnail_img("a.jpg", alt="", source_size=(900, 600), **options)
        ((_, attributes),) = tags(html)
        return attributes.get("width"), attributes.get("height")

    def test_leaves_out_a_size_that_follows_from_the_source(self, make):
        assert self.shown(make, width=300) == ("300", "200")
        assert self.shown(make, width=300, trim=True) == (None, None)
        assert self.shown(make, width=300, height=300, trim=True) == (None, None)

    @pytest.mark.parametrize("fit", ["cover", "fill", "pad"])
    def test_keeps_the_size_of_the_box(self, make, fit):
        assert self.shown(make, width=300, height=300, fit=fit, trim="20") == ("300", "300")

    def test_offers_all_candidates(self, make):
        text = make().thumbnail_srcset("a.jpg", 900, trim=True, source_size=(900, 600))
        assert [spec_of(url) for url, _ in srcset(text)] == [
            "900x-,trim-10",
            "900x-,trim-10,dpr-2",
        ]

    def test_options_may_be_text(self, make):
        url = make().thumbnail_url("a.gif", 90, page="2", frame="3", at="2.50")
        assert spec_of(url) == "90x-,page-2,frame-3,at-2.5"
        url = make().thumbnail_url("a.jpg", 90, trim="5", radius="12", grayscale=True, detail=True)
        assert spec_of(url) == "90x-,trim-5,grayscale,detail,radius-12"
        url = make().thumbnail_url("a.jpg", 90, brightness="1.20", contrast="0", saturation="2")
        assert spec_of(url) == "90x-,brightness-1.2,contrast-0,saturation-2"
        assert spec_of(make().thumbnail_url("a.jpg", 90, pixelate="8")) == "90x-,pixelate-8"
        url = make().thumbnail_url("a.jpg", 90, quality="auto", max_bytes="9000")
        assert spec_of(url) == "90x-,q-auto,max-bytes-9000"


class TestPicture:
    def test_has_a_source_for_each_format(self, make):
        html = make().thumbnail_picture(
            "cat.jpg", 300, widths=[300, 600], sizes="50vw", alt="A cat", class_="card"
        )
        (picture, _), (source, of_source), (img, of_img) = tags(html)
        assert (picture, source, img) == ("picture", "source", "img")
        assert of_source["type"] == "image/webp"
        assert of_source["sizes"] == of_img["sizes"] == "50vw"
        assert [spec_of(url) for url, _ in srcset(of_source["srcset"])] == [
            "300x-,webp",
            "600x-,webp",
        ]
        assert spec_of(of_img["src"]) == "300x-"
        assert of_img["class"] == "card"
        assert "class" not in of_source

    def test_formats_may_be_written_as_elsewhere(self, make):
        html = make().thumbnail_picture("cat.png", 9, alt="", formats="AVIF, JPG")
        types = [attributes["type"] for tag, attributes in tags(html) if tag == "source"]
        assert types == ["image/avif", "image/jpeg"]

    def test_of_a_webp_fetches_no_source(self, make):
        assert [tag for tag, _ in tags(make().thumbnail_picture("cat.webp", 9, alt=""))] == [
            "picture",
            "img",
        ]


class TestPlaceholder:
    def test_is_made_once_for_each_picture(self, make, photos, monkeypatch):
        helpers = make(THUMBNAIL_SANDBOX=False)
        uri = helpers.placeholder("cat.jpg")
        assert uri.startswith("data:image/")
        assert len(uri) < 5000
        monkeypatch.setattr(backends, "placeholder", lambda *_, **__: "another")
        assert helpers.placeholder(photos / "cat.jpg") == uri
        os.utime(photos / "cat.jpg", (1, 1))
        assert helpers.placeholder("cat.jpg") == "another"

    @pytest.mark.parametrize(
        "source", ["absent.jpg", "../a.jpg", "text.jpg", "link.jpg", "\udcff.jpg", "\0"]
    )
    def test_of_a_broken_image_is_transparent(self, make, caplog, source):
        data = make().placeholder(source).removeprefix("data:image/gif;base64,")
        image = Image.open(io.BytesIO(base64.b64decode(data)))
        assert image.convert("RGBA").getextrema()[3] == (0, 0)
        assert len(caplog.records) == 1

    @pytest.mark.parametrize("kind", ["color", "palette", "thumbhash", "blurhash"])
    def test_of_another_kind(self, make, photos, monkeypatch, tmp_path, kind):
        helpers = make(THUMBNAIL_CACHE=tmp_path / "cache")
        uri = helpers.placeholder("cat.jpg")
        expected = placeholder(photos / "cat.jpg", kind=kind)
        text = expected if isinstance(expected, str) else ", ".join(expected)
        assert helpers.placeholder("cat.jpg", kind=kind) == text
        monkeypatch.setattr(backends, "placeholder", lambda *_, **__: "another")
        for again in (helpers, make(THUMBNAIL_CACHE=tmp_path / "cache")):
            assert again.placeholder("cat.jpg", kind=kind) == text
            assert again.placeholder("cat.jpg") == uri

    def test_of_no_image(self, make):
        helpers = make()
        for source in (None, "absent.jpg", "text.jpg"):
            assert helpers.placeholder(source, kind="color") == "transparent"
            assert helpers.placeholder(source, kind="palette") == "transparent, transparent"
            assert helpers.placeholder(source, kind="blurhash") == ""
        with pytest.raises(SpecError, match=r"'color'.*'colour'"):
            helpers.placeholder("cat.jpg", kind="colour")


class TestOnlyPresets:
    @pytest.fixture
    def settings(self, tmp_path):
        return {
            "SECRET_KEYS": [],
            "THUMBNAIL_CACHE": tmp_path / "cache",
            "THUMBNAIL_ONLY_PRESETS": True,
            "THUMBNAIL_PRESETS": {"avatar": "96x96,cover", "large": "300x-,auto"},
        }

    def test_urls_are_not_signed(self, make, settings):
        helpers = make(**settings)
        url = helpers.thumbnail_url("sub/föö bär.jpg", "avatar")
        assert url == "/t/96x96,cover/sub/f%C3%B6%C3%B6%20b%C3%A4r.jpg"
        assert helpers.thumbnail_url("cat.jpg", 300, format="auto") == "/t/300x-,auto/cat.jpg"
        ((_, attributes),) = tags(helpers.thumbnail_img("cat.jpg", "avatar", alt=""))
        assert "srcset" not in attributes
        html = helpers.thumbnail_picture("cat.jpg", "avatar", alt="")
        assert [tag for tag, _ in tags(html)] == ["picture", "img"]
        assert "srcset" not in html

    @pytest.mark.parametrize(
        "asked", [{"widths": [97, 98]}, {"densities": [1, 2]}, {"formats": ["webp"]}]
    )
    def test_what_they_do_not_allow_is_an_error(self, make, settings, asked):
        helpers = make(**settings)
        for helper in (helpers.thumbnail_picture, helpers.thumbnail_img):
            if "formats" not in asked or helper == helpers.thumbnail_picture:
                with pytest.raises(SpecError, match="THUMBNAIL_ONLY_PRESETS"):
                    helper("cat.jpg", "avatar", alt="", **asked)
        if "formats" not in asked:
            with pytest.raises(SpecError, match="THUMBNAIL_ONLY_PRESETS"):
                helpers.thumbnail_srcset("cat.jpg", "avatar", **asked)

    def test_allowed_formats_and_densities(self, make, settings):
        presets = {"a": "96x96", "b": "96x96,webp", "c": "96x96,dpr-2"}
        helpers = make(**{**settings, "THUMBNAIL_PRESETS": presets})
        html = helpers.thumbnail_picture("cat.jpg", "a", alt="", formats=["webp"])
        assert [tag for tag, _ in tags(html)] == ["picture", "source", "img"]
        html = helpers.thumbnail_img("cat.jpg", "a", alt="", densities="1, 2")
        assert "96x96,dpr-2" in html

    @pytest.mark.parametrize(
        "options", [{"width": 97}, {"version": 1}, {"expires_in": 60}, {"quality": 5}]
    )
    def test_allow_nothing_else(self, make, settings, options):
        with pytest.raises(SpecError, match="THUMBNAIL_ONLY_PRESETS"):
            make(**settings).thumbnail_url("cat.jpg", **{"width": "avatar", **options})

    def test_the_endpoint_serves_only_presets(self, photos, settings, tmp_path):
        config = Config.from_mapping({"THUMBNAIL_SOURCE": photos, **settings})
        thumbnails = Thumbnails(config)
        response = get(thumbnails, "/t/96x96,cover/cat.jpg")
        assert response.status == 200
        assert Image.open(io.BytesIO(response.data)).size == (96, 96)
        for url in (
            "/t/97x97,cover/cat.jpg",
            "/t/96x96/cat.jpg",
            "/t/96x96,cover,v-AAAAAAAA/cat.jpg",
            "/t/96x96,cover//cat.jpg",
            "/t/96x96,cover/sub/../cat.jpg",
            "/t/96x96,cover/sub//cat.jpg",
            "/t/96x96,cover/cat.jpg?x",
            "/t/96x96,cover/",
            "/u/96x96,cover/cat.jpg",
        ):
            assert get(thumbnails, url).status == 404, url
        files = [path for path in (tmp_path / "cache" / "t").rglob("*") if path.is_file()]
        assert [path.name for path in files] == ["cat.jpg"]

    def test_need_presets(self, make):
        with pytest.raises(ConfigError, match="THUMBNAIL_PRESETS"):
            make(THUMBNAIL_ONLY_PRESETS=True)
        with pytest.raises(ConfigError, match="version"):
            make(THUMBNAIL_ONLY_PRESETS=True, THUMBNAIL_PRESETS={"a": "1x1,v-AAAAAAAA"})


class TestJinja:
    @pytest.fixture
    def render(self, make):
        environment = jinja2.Environment(autoescape=True)
        jinja.install(environment, make())
        return lambda text: environment.from_string(text).render(name="cat.jpg", alt='"<')

    def test_markup_is_not_escaped_twice(self, render):
        html = render("{{ thumbnail_img(name, 300, 200, alt=alt, class='card', expires_in=60) }}")
        ((_, attributes),) = tags(html)
        assert attributes["alt"] == '"<'
        assert attributes["class"] == "card"
        assert "&expires=" in attributes["src"]

    def test_text_is_escaped(self, render):
        assert "&amp;expires=" in render("{{ name|thumbnail_url(300, expires_in=60) }}")
        assert "&lt;b" in render("{{ thumbnail_img(name, 300, alt='') + '<b>' }}")

    def test_the_other_helpers(self, render):
        html = render('<img srcset="{{ thumbnail_srcset(name, 300) }}" alt="">')
        assert len(srcset(tags(html)[0][1]["srcset"])) == 2
        assert tags(render("{{ thumbnail_picture(name, 300, alt='') }}"))[0][0] == "picture"


def test_all_helpers_are_documented():
    for name in dir(templates.TemplateHelpers):
        if not name.startswith("_"):
            assert getattr(templates.TemplateHelpers, name).__doc__, name
