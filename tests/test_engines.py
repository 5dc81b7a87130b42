import base64
import subprocess
import sys
import urllib.parse
from typing import get_args

import pytest
from libthumbor.crypto import CryptoURL
from xaccel import Config, ConfigError, SpecError
from xaccel.config import EngineName
from xaccel.thumbnails import engines
from xaccel.thumbnails.helpers import TemplateHelpers

SITE = "https://thumbs.example.com"
IMGPROXY = {
    "THUMBNAIL_ENGINE": "imgproxy",
    "THUMBNAIL_ENGINE_URL": SITE,
    "THUMBNAIL_ENGINE_KEY": "736563726574",
    "THUMBNAIL_ENGINE_SALT": "68656C6C6F",
    "THUMBNAIL_SOURCE": "/srv/photos",
}
THUMBOR = {
    "THUMBNAIL_ENGINE": "thumbor",
    "THUMBNAIL_ENGINE_URL": SITE,
    "THUMBNAIL_ENGINE_KEY": "my-security-key",
    "THUMBNAIL_SOURCE": "/srv/photos",
}
IMAGE_FILTER = {
    "THUMBNAIL_ENGINE": "image-filter",
    "THUMBNAIL_SOURCE": "/srv/photos",
    "SIGNATURE": "secure-link-md5",
    "SECRET_KEYS": ["a key of 16 bytes or more"],
}


def url(settings, *args, **options):
    return TemplateHelpers(Config.from_mapping(settings)).thumbnail_url(*args, **options)


def test_thumbor_writes_what_libthumbor_writes():
    theirs = CryptoURL(key="my-security-key").generate(
        width=300, height=200, smart=True, image_url="a/cat.jpg"
    )
    ours = url(THUMBOR, "a/cat.jpg", 300, 200, fit="cover", upscale=True, gravity="smart")
    assert ours == SITE + theirs


def test_sources_of_other_servers():
    settings = {**THUMBOR, "THUMBNAIL_SOURCE": "https://media.example.com/photos"}
    assert url(settings, "cat.jpg", 300).endswith("/https://media.example.com/photos/cat.jpg")
    local = url(IMGPROXY, "cat.jpg", 300)
    remote = url({**IMGPROXY, "THUMBNAIL_SOURCE": "s3://bucket/"}, "cat.jpg", 300)
    assert local.startswith(SITE + "/")
    assert local != remote


@pytest.mark.parametrize("settings", [THUMBOR, IMGPROXY])
def test_named_sources_of_other_servers(settings):
    sources = {"logos": "https://logos.example.com/a", "bucket": "https://b.s3.example.com/"}
    settings = {**settings, "THUMBNAIL_SOURCES": sources}
    for name, location in sources.items():
        as_default = {**settings, "THUMBNAIL_SOURCE": location, "THUMBNAIL_SOURCES": {}}
        expected = url(as_default, "sub/cat.jpg", 300)
        assert url(settings, f"~{name}/sub/cat.jpg", 300) == expected
        assert url(settings, f"{location.rstrip('/')}/sub/cat.jpg", 300) == expected
    assert url(settings, "cat.jpg", 300) == url(
        {**settings, "THUMBNAIL_SOURCES": {}}, "cat.jpg", 300
    )
    for wrong in ("~logos/%2e%2e/a.jpg", "~nobody/cat.jpg", "~logos"):
        assert url(settings, wrong, 300) == ""


@pytest.mark.parametrize(
    "name",
    [
        "http://169.254.169.254/latest/meta-data",
        "//169.254.169.254/latest",
        "../secret.jpg",
        "a/../../secret.jpg",
        "a//b.jpg",
        "./a.jpg",
        "nul\0.jpg",
    ],
)
@pytest.mark.parametrize("source", ["/srv/photos", "https://media.example.com/photos"])
@pytest.mark.parametrize("settings", [THUMBOR, IMGPROXY, IMAGE_FILTER])
def test_no_engine_signs_a_name_that_leads_out_of_the_source(settings, source, name, caplog):
    assert url({**settings, "THUMBNAIL_SOURCE": source}, name, 300) == ""
    assert "can't have a thumbnail" in caplog.text


def test_a_name_is_a_name_and_not_a_part_of_a_url():
    """`%2e%2e` is `..` for a server that decodes it, and `?` begins a query."""
    decoded = "%2e%2e/secret.jpg"
    assert url(THUMBOR, decoded, 300) == ""
    assert url(IMGPROXY, decoded, 300) == ""
    https = {"THUMBNAIL_SOURCE": "https://media.example.com/"}
    source = url({**IMGPROXY, **https}, "100% a?b#c.jpg", 300).rpartition("/")[2]
    fetched = base64.urlsafe_b64decode(source + "=" * (-len(source) % 4)).decode()
    assert fetched == "https://media.example.com/100%25%20a%3Fb%23c.jpg"
    path = urllib.parse.unquote(url({**THUMBOR, **https}, "100% a?b#c.jpg", 300))
    assert path.endswith("/https://media.example.com/100%25%20a%3Fb%23c.jpg")


def test_engines_limit_the_size_of_the_file():
    assert "/filters:max_bytes(9000)/" in url(THUMBOR, "cat.jpg", 300, max_bytes=9000)
    assert "/mb:9000/" in url(IMGPROXY, "cat.jpg", 300, max_bytes=9000)


def test_presets_work_with_every_engine():
    for settings in (THUMBOR, IMGPROXY, IMAGE_FILTER):
        preset = {**settings, "THUMBNAIL_PRESETS": {"small": "160x120"}}
        assert url(preset, "cat.jpg", "small") == url(settings, "cat.jpg", 160, 120)


def test_image_filter_has_the_urls_of_the_embedded_engine():
    embedded = {**IMAGE_FILTER, "THUMBNAIL_ENGINE": "embedded"}
    assert url(IMAGE_FILTER, "cat.jpg", 300, 200) == url(embedded, "cat.jpg", 300, 200)
    assert url(IMAGE_FILTER, "cat.jpg", 300).startswith("/t/300x-/cat.jpg?key=")


@pytest.mark.parametrize("engine", ["embedded", "image-filter"])
def test_a_host_of_its_own_for_thumbnails(engine):
    settings = {**IMAGE_FILTER, "THUMBNAIL_ENGINE": engine}
    on_a_cdn = {**settings, "THUMBNAIL_HOST": "https://cdn.example.com"}
    assert url(on_a_cdn, "cat.jpg", 300) == "https://cdn.example.com" + url(
        settings, "cat.jpg", 300
    )
    absolute = url(on_a_cdn, "cat.jpg", 300, origin="https://www.example.com")
    assert absolute == url(on_a_cdn, "cat.jpg", 300)


def test_a_host_of_its_own_for_presets():
    settings = {
        "THUMBNAIL_SOURCE": "/srv/photos",
        "THUMBNAIL_PRESETS": {"small": "160x120"},
        "THUMBNAIL_ONLY_PRESETS": True,
        "THUMBNAIL_HOST": "http://[2001:db8::1]:8080",
    }
    assert url(settings, "cat.jpg", "small") == "http://[2001:db8::1]:8080/t/160x120/cat.jpg"


@pytest.mark.parametrize("engine", [THUMBOR, IMGPROXY, {"THUMBNAIL_ENGINE_URL": SITE}])
def test_the_host_of_thumbnails_is_set_in_one_place(engine):
    with pytest.raises(ConfigError, match=r"THUMBNAIL_HOST.+THUMBNAIL_ENGINE_URL"):
        Config.from_mapping({**engine, "THUMBNAIL_HOST": "https://cdn.example.com"})


def test_a_site_of_its_own_for_the_embedded_engine():
    settings = {**IMAGE_FILTER, "THUMBNAIL_ENGINE": "embedded", "THUMBNAIL_ENGINE_URL": SITE}
    assert url(settings, "cat.jpg", 300).startswith(SITE + "/t/300x-/cat.jpg?key=")


@pytest.mark.parametrize(
    ("settings", "options", "message"),
    [
        (IMAGE_FILTER, {"fit": "cover"}, "image_filter.*'cover'"),
        (IMAGE_FILTER, {"progressive": True}, "image_filter.*'progressive'"),
        (THUMBOR, {"expires_in": 60}, "thumbor.*expire"),
        (THUMBOR, {"progressive": True}, "thumbor.*'progressive'.*settings"),
        (THUMBOR, {"subsampling": "444"}, "thumbor.*'ss'"),
        (IMGPROXY, {"progressive": False}, "imgproxy.*'progressive'.*Pro"),
        (IMGPROXY, {"subsampling": "420"}, "imgproxy.*'ss'"),
        (THUMBOR, {"gravity": (0.3, 0.7), "fit": "cover"}, "thumbor"),
        (IMAGE_FILTER, {"page": 2}, "image_filter.*'page-2'"),
        (THUMBOR, {"page": 2}, "thumbor.*'page'.*first page"),
        (IMGPROXY, {"page": 2}, "imgproxy.*'page'.*Pro"),
        (IMAGE_FILTER, {"frame": 2}, "image_filter.*'frame-2'"),
        (THUMBOR, {"frame": 2}, "thumbor.*'frame'.*first frame"),
        (IMGPROXY, {"frame": 2}, "imgproxy.*'frame'.*Pro"),
        (IMAGE_FILTER, {"at": 2.5}, "image_filter.*'at-2.5'"),
        (THUMBOR, {"at": 2.5}, "thumbor.*'at'.*itself"),
        (IMGPROXY, {"at": 2.5}, "imgproxy.*'at'.*Pro"),
        (IMAGE_FILTER, {"trim": True}, "image_filter.*'trim-10'"),
        (IMAGE_FILTER, {"grayscale": True}, "image_filter.*'grayscale'"),
        (IMAGE_FILTER, {"detail": True}, "image_filter.*'detail'"),
        (IMAGE_FILTER, {"radius": 9}, "image_filter.*'radius-9'"),
        (THUMBOR, {"trim": True, "crop": "0-0-0.5-1"}, "thumbor.*'crop'.*trims"),
        (IMAGE_FILTER, {"pixelate": 9}, "image_filter.*'pixelate-9'"),
        (IMAGE_FILTER, {"watermark": "logo"}, "image_filter.*'wm-logo'"),
        (IMAGE_FILTER, {"quality": "auto"}, "image_filter.*'q-auto'"),
        (IMAGE_FILTER, {"max_bytes": 9000}, "image_filter.*'max-bytes-9000'"),
        (IMAGE_FILTER, {"keep_icc": True}, "image_filter.*'keep-icc'"),
        (IMAGE_FILTER, {"keep_copyright": True}, "image_filter.*'keep-copyright'"),
        (THUMBOR, {"keep_copyright": True}, "thumbor.*'keep-copyright'.*all EXIF"),
        (THUMBOR, {"quality": "auto"}, "thumbor.*'q-auto'.*fixed"),
        (IMGPROXY, {"quality": "auto"}, "imgproxy.*'q-auto'.*Pro"),
        (THUMBOR, {"watermark": "logo"}, "thumbor.*'wm'.*URL"),
        (IMGPROXY, {"watermark": "logo"}, "imgproxy.*'wm'.*on the server"),
        (THUMBOR, {"brightness": 1.2}, "thumbor.*'brightness'.*adds"),
        (THUMBOR, {"contrast": 1.2}, "thumbor.*'contrast'.*steps"),
        (THUMBOR, {"saturation": 1.2}, "thumbor.*'saturation'.*weighs"),
        (THUMBOR, {"pixelate": 9}, "thumbor.*'pixelate'.*blur"),
        (IMGPROXY, {"brightness": 1.2}, "imgproxy.*'brightness'.*Pro"),
        (IMGPROXY, {"contrast": 1.2}, "imgproxy.*'contrast'.*Pro"),
        (IMGPROXY, {"saturation": 1.2}, "imgproxy.*'saturation'.*Pro"),
        (IMGPROXY, {"grayscale": True}, "imgproxy.*'grayscale'.*Pro"),
        (IMGPROXY, {"detail": True}, "imgproxy.*'detail'.*sharpen"),
        (IMGPROXY, {"radius": 9}, "imgproxy.*'radius'.*border-radius"),
    ],
)
def test_an_option_without_an_equivalent_is_named_in_the_error(settings, options, message):
    with pytest.raises(SpecError, match=message):
        url(settings, "cat.jpg", 300, 200, **options)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({**THUMBOR, "THUMBNAIL_ENGINE_URL": ""}, "'THUMBNAIL_ENGINE_URL'"),
        ({**THUMBOR, "THUMBNAIL_ENGINE_URL": "thumbs/"}, "'THUMBNAIL_ENGINE_URL'"),
        ({**THUMBOR, "THUMBNAIL_ENGINE_KEY": []}, "one key in.*'THUMBNAIL_ENGINE_KEY'"),
        ({**THUMBOR, "THUMBNAIL_ENGINE_KEY": ["a", "b"]}, "one key in.*'THUMBNAIL_ENGINE_KEY'"),
        ({**THUMBOR, "THUMBNAIL_ENGINE_KEY": 5}, "'THUMBNAIL_ENGINE_KEY'"),
        ({**IMGPROXY, "THUMBNAIL_ENGINE_SALT": []}, "'THUMBNAIL_ENGINE_SALT'"),
        ({**IMGPROXY, "THUMBNAIL_ENGINE_KEY": "xyz"}, "'THUMBNAIL_ENGINE_KEY'.*hexadecimal"),
        ({**THUMBOR, "THUMBNAIL_SOURCE": None}, "'thumbor'.*'THUMBNAIL_SOURCE'"),
        ({**IMGPROXY, "THUMBNAIL_SOURCE": None}, "'imgproxy'.*'THUMBNAIL_SOURCE'"),
        ({**IMAGE_FILTER, "SIGNATURE": "hmac-sha256"}, "secure-link-md5"),
        ({**IMAGE_FILTER, "THUMBNAIL_SOURCE": None}, "'THUMBNAIL_SOURCE'"),
        ({"THUMBNAIL_ENGINE": "thumbr"}, "did you mean 'thumbor'"),
        *(
            (
                {**settings, "THUMBNAIL_SOURCES": {"logos": location}},
                r"'THUMBNAIL_SOURCES'\]\['logos'\].*'(thumbor|imgproxy)'.*the URL",
            )
            for settings in (THUMBOR, IMGPROXY)
            for location in ("/srv/logos", "storage://logos")
        ),
        ({**THUMBOR, "THUMBNAIL_SOURCE": "storage://default"}, "'THUMBNAIL_SOURCE'.*the URL"),
    ],
)
def test_says_what_is_missing(settings, message):
    with pytest.raises(ConfigError, match=message):
        url(settings, "cat.jpg", 300)


def test_every_engine_has_a_module():
    settings = {"image-filter": IMAGE_FILTER, "thumbor": THUMBOR, "imgproxy": IMGPROXY}
    settings["embedded"] = {**IMAGE_FILTER, "THUMBNAIL_ENGINE": "embedded"}
    assert settings.keys() == set(get_args(EngineName))
    for name, of_engine in settings.items():
        engine = engines.get(Config.from_mapping(of_engine))
        assert type(engine).__module__.endswith(f".engines.{name.replace('-', '_')}")


def test_only_the_engine_in_use_is_imported():
    code = f"""
import sys
from xaccel.config import Config
from xaccel.thumbnails.helpers import TemplateHelpers
TemplateHelpers(Config.from_mapping({THUMBOR!r})).thumbnail_url("cat.jpg", 300)
print(*sorted(name for name in sys.modules if ".engines." in name))
"""
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert printed.split() == [
        "xaccel.thumbnails.engines.base",
        "xaccel.thumbnails.engines.thumbor",
    ]


def test_keys_are_not_shown():
    shown = repr(Config.from_mapping(IMGPROXY))
    assert "736563726574" not in shown
    assert "68656C6C6F" not in shown
