from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from xaccel import BadSignature, Config, ConfigError, SignatureExpired

SECRET = "0123456789abcdef"


SIZES = ("THUMBNAIL_CACHE_MAX_SIZE", "THUMBNAIL_MAX_BYTES")
TIMES = ("THUMBNAIL_CACHE_INACTIVE", "THUMBNAIL_SOURCE_TIMEOUT")


def test_defaults_are_those_of_an_empty_mapping():
    assert Config.from_mapping({}) == Config()


def test_reads_settings():
    config = Config.from_mapping(
        {
            "SERVER": "nginx",
            "ROOTS": {Path("/srv/videos"): "/_private/videos/"},
            "SECRET_KEYS": [SECRET],
            "THUMBNAIL_QUALITY": {"jpeg": 70},
        }
    )
    assert config.server == "nginx"
    assert config.roots == {"/srv/videos": "/_private/videos/"}
    assert config.thumbnail_quality == {"jpeg": 70, "webp": 80, "avif": 80}
    assert config.path_map().find("/srv/videos/a b.mp4") == "/_private/videos/a%20b.mp4"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"SEVER": "nginx"}, "not have the setting 'SEVER'; did you mean 'SERVER'?"),
        ({"server": "nginx"}, "not have the setting 'server'; did you mean 'SERVER'?"),
        ({"SERVER": "ngnix"}, "'caddy', not 'ngnix'; did you mean 'nginx'?"),
        ({"SERVER": "ngnix"}, "'SERVER'.*'nginx'.*not 'ngnix'"),
        ({"SERVER": None}, "'SERVER'"),
        ({"ROOTS": ["/srv"]}, "'ROOTS'.*dict"),
        ({"ROOTS": {"/srv": "_private/"}}, "'ROOTS'.*_private/.*start and end"),
        ({"ROOTS": {"/srv": "/_private"}}, "'ROOTS'.*/_private.*start and end"),
        ({"ROOTS": {"/srv": "@private/"}}, "'ROOTS'.*@private"),
        ({"ROOTS": {"/srv": "//private/"}}, "'ROOTS'.*//private"),
        ({"ROOTS": {"srv": "/_private/"}}, "'ROOTS'.*srv.*absolute"),
        ({"ROOTS": {"/a": "/p/", "/b": "/p/"}}, "'ROOTS'.*two directories.*/p/"),
        ({"FOLLOW_SYMLINKS": 1}, "'FOLLOW_SYMLINKS'.*True or False"),
        ({"THUMBNAIL_SOURCE": "photos"}, "'THUMBNAIL_SOURCE'.*absolute"),
        ({"THUMBNAIL_URL": "/t"}, "'THUMBNAIL_URL'.*'/t/'"),
        ({"THUMBNAIL_QUALITY": {"jpg": 80}}, "'jpg' is not a format.*jpeg"),
        ({"THUMBNAIL_QUALITY": {"jpeg": 101}}, r"\['jpeg'\].*1 to 100, not 101"),
        ({"THUMBNAIL_QUALITY": {"jpeg": True}}, "1 to 100"),
        ({"THUMBNAIL_QUALITY_TARGET": 0}, "1 to 100, not 0"),
        ({"THUMBNAIL_QUALITY_TARGET": 101}, "1 to 100, not 101"),
        ({"THUMBNAIL_QUALITY_TARGET": "70"}, "1 to 100"),
        ({"THUMBNAIL_QUALITY_TARGET": True}, "1 to 100"),
        ({"THUMBNAIL_PROGRESSIVE": 1}, "'THUMBNAIL_PROGRESSIVE'.*True or False"),
        ({"THUMBNAIL_SUBSAMPLING": "411"}, "'THUMBNAIL_SUBSAMPLING'.*'420', '422'.*'444'"),
        ({"THUMBNAIL_AVIF_SPEED": 8}, "'THUMBNAIL_AVIF_SPEED'.*0 to 7, or 9, not 8"),
        ({"THUMBNAIL_AVIF_SPEED": 10}, "'THUMBNAIL_AVIF_SPEED'.*0 to 7, or 9"),
        ({"THUMBNAIL_AVIF_SPEED": -1}, "'THUMBNAIL_AVIF_SPEED'.*0 to 7, or 9"),
        ({"THUMBNAIL_AVIF_SPEED": True}, "'THUMBNAIL_AVIF_SPEED'.*0 to 7, or 9"),
        ({"THUMBNAIL_PRESETS": {"avatar": "96x96,covr"}}, "'avatar'"),
        ({"THUMBNAIL_FORMATS": ["jpg"]}, "'THUMBNAIL_FORMATS'"),
        ({"THUMBNAIL_MAX_PIXELS": 0}, "'THUMBNAIL_MAX_PIXELS'"),
        ({"THUMBNAIL_MAX_PIXELS": True}, "'THUMBNAIL_MAX_PIXELS'"),
        ({"SIGNATURE": "md5"}, "'SIGNATURE'"),
        ({"MOUNT": "shop"}, "'MOUNT'.*'/shop'"),
        ({"MOUNT": "//shop"}, "'MOUNT'.*'/shop'"),
        ({"MOUNT": "/a/../b"}, "'MOUNT'.*'/shop'"),
        ({"MOUNT": None}, "'MOUNT'.*'/shop'"),
        ({"THUMBNAIL_HOST": "cdn.example.com"}, "'THUMBNAIL_HOST'.*scheme"),
        ({"THUMBNAIL_HOST": "//cdn.example.com"}, "'THUMBNAIL_HOST'.*scheme"),
        ({"THUMBNAIL_HOST": "ftp://cdn.example.com"}, "'THUMBNAIL_HOST'.*scheme"),
        ({"THUMBNAIL_HOST": "https://cdn.example.com/"}, "'THUMBNAIL_HOST'.*without.*path"),
        ({"THUMBNAIL_HOST": "https://cdn.example.com?a"}, "'THUMBNAIL_HOST'.*query"),
        ({"THUMBNAIL_HOST": "https://cdn.example.com:http"}, "'THUMBNAIL_HOST'"),
        ({"THUMBNAIL_HOST": "https://cdn example.com"}, "'THUMBNAIL_HOST'"),
        ({"THUMBNAIL_HOST": "https://:80"}, "'THUMBNAIL_HOST'"),
        ({"THUMBNAIL_HOST": "https://me:pw@cdn.example.com"}, r"user.*'https://…@cdn"),
        ({"THUMBNAIL_HOST": ""}, "'THUMBNAIL_HOST'"),
        ({"SECRET_KEYS": SECRET}, "'SECRET_KEYS'.*list"),
        ({"SECRET_KEYS": ["swordfish"]}, "'SECRET_KEYS'.*16"),
        ({"SECRET_KEYS": [""]}, "'SECRET_KEYS'"),
    ],
)
def test_says_what_is_wrong(settings, message):
    with pytest.raises(ConfigError, match=message):
        Config.from_mapping(settings)
    if "not have the setting" not in message:
        with pytest.raises(ConfigError, match=message):
            Config(**{key.lower(): value for key, value in settings.items()})


def test_settings_that_do_not_fit_together_are_refused_however_they_are_built():
    with pytest.raises(ConfigError, match="overlap"):
        Config(private_url="/t/private/")
    with pytest.raises(ConfigError, match="overlap"):
        replace(Config(), private_url="/t/private/")
    with pytest.raises(ConfigError, match=r"'REMOTES'.*'caddy'"):
        Config(server="caddy", remotes={"https://a.example/": "/_a/"})


def test_built_directly_takes_what_a_mapping_takes():
    config = Config(
        secret_keys=[SECRET],
        thumbnail_cache=Path("/srv/cache"),
        thumbnail_engine_url=None,
        thumbnail_quality={"jpeg": 70},
        thumbnail_cache_max_size="1k",
    )
    assert config == Config.from_mapping(
        {
            "SECRET_KEYS": (SECRET,),
            "THUMBNAIL_CACHE": "/srv/cache",
            "THUMBNAIL_ENGINE_URL": "",
            "THUMBNAIL_QUALITY": {"jpeg": 70},
            "THUMBNAIL_CACHE_MAX_SIZE": 1024,
        }
    )
    assert config.thumbnail_engine_url == ""
    assert replace(config) == config


def test_no_two_objects_share_a_default():
    assert Config().thumbnail_quality is not Config().thumbnail_quality


@pytest.mark.parametrize("key", SIZES)
class TestSizes:
    @pytest.mark.parametrize(
        ("value", "size"),
        [
            ("1", 1),
            ("8k", 8192),
            ("200M", 200 * 2**20),
            ("200m", 200 * 2**20),
            ("2G", 2**31),
            (8192, 8192),
            (1, 1),
        ],
    )
    def test_are_text_or_bytes(self, key, value, size):
        assert getattr(Config.from_mapping({key: value}), key.lower()) == size

    @pytest.mark.parametrize(
        "value", ["", "M", "0", "1T", "1.5M", "-1M", "1 M", 0, -5, 1.5, True, None, [5]]
    )
    def test_that_are_wrong(self, key, value):
        with pytest.raises(ConfigError, match=rf"'{key}'.*size such as '200M'.*bytes"):
            Config.from_mapping({key: value})


@pytest.mark.parametrize("key", TIMES)
class TestTimes:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("60d", 5_184_000),
            ("90", 90),
            ("1h30m", 5400),
            ("1d 12h", 129_600),
            ("1M", 2_592_000),
            (90, 90),
            (timedelta(minutes=2), 120),
        ],
    )
    def test_are_text_or_seconds_or_a_timedelta(self, key, value, seconds):
        assert getattr(Config.from_mapping({key: value}), key.lower()) == seconds

    @pytest.mark.parametrize(
        "value",
        [
            *("", "d", "1x", "1m1h", "1d1d", "1.5d", "-1d"),
            *(-5, 2.5, 2.0, True, None),
            *(timedelta(seconds=-1), timedelta(seconds=1.5), timedelta(microseconds=1)),
        ],
    )
    def test_that_are_wrong(self, key, value):
        with pytest.raises(ConfigError, match=rf"'{key}'.*time such as '60d'.*seconds.*timedelta"):
            Config.from_mapping({key: value})


def test_a_fetch_needs_time_but_a_cache_may_keep_nothing():
    assert Config(thumbnail_cache_inactive="0").thumbnail_cache_inactive == 0
    for none in ("0", 0, timedelta(0)):
        with pytest.raises(ConfigError, match="from 1"):
            Config(thumbnail_source_timeout=none)


def test_never_shows_a_secret():
    for keys in (SECRET, [SECRET, 5], ["swordfish"]):
        with pytest.raises(ConfigError) as caught:
            Config.from_mapping({"SECRET_KEYS": keys})
        assert SECRET not in str(caught.value)
        assert "swordfish" not in str(caught.value)
    assert SECRET not in repr(Config.from_mapping({"SECRET_KEYS": [SECRET]}))


FRAMEWORK = "the secret of a framework"


def test_framework_keys_are_a_fallback_and_never_used_as_they_are():
    own = Config.from_mapping({"SECRET_KEYS": [SECRET]}, framework_keys=[FRAMEWORK])
    assert own.secret_keys == (SECRET,)
    derived = Config.from_mapping({}, framework_keys=[FRAMEWORK, b"an older secret of 16+"])
    assert len(derived.secret_keys) == 2
    assert FRAMEWORK not in str(derived.secret_keys)
    # What has been signed stays good with the next start.
    again = Config.from_mapping({}, framework_keys=[FRAMEWORK, b"an older secret of 16+"])
    assert derived == again


@pytest.mark.parametrize("current", [None, "", b"", "short", b"15 bytes of key"])
def test_a_framework_key_that_can_be_guessed_never_signs(current):
    for keys in ([current], [current, FRAMEWORK]):
        config = Config.from_mapping({}, framework_keys=keys)
        assert config.secret_keys == ()
        for needs_key in (config.signer, config.verifier):
            with pytest.raises(ConfigError, match=r"SECRET_KEYS.*SECRET_KEY .*token_urlsafe"):
                needs_key()


def test_a_fallback_that_can_be_guessed_is_skipped_with_one_warning(caplog):
    keys = [FRAMEWORK, "", "short", "an older secret of 16+", None]
    config = Config.from_mapping({}, framework_keys=keys)
    good = Config.from_mapping({}, framework_keys=[FRAMEWORK, "an older secret of 16+"])
    assert config.secret_keys == good.secret_keys
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("xaccel.config", "WARNING")
    assert "SECRET_KEY_FALLBACKS" in record.message
    assert "short" not in record.message


@pytest.mark.parametrize(
    "prefix", ["/_xaccel/", "/_xaccel/thumbnails/", "/_xaccel/a/", "/t/", "/t/a/", "/p/", "/p/a/"]
)
def test_no_root_and_no_remote_is_at_or_below_a_prefix_of_ours(prefix):
    ours = {"THUMBNAIL_SOURCE": "/srv/photos", "PRIVATE_URL": "/p/", "SECRET_KEYS": [SECRET]}
    for setting, place in (("ROOTS", "/srv/files"), ("REMOTES", "https://media.internal/")):
        with pytest.raises(ConfigError, match=rf"'{setting}'.*'{prefix}'.*below.*choose another"):
            Config.from_mapping({setting: {place: prefix}, **ours})
        # Next to ours there is no clash, and without thumbnails `/t/` is free.
        Config.from_mapping({setting: {place: "/_private/t/"}, **ours})
        Config.from_mapping({setting: {place: "/t/"}})


@pytest.mark.parametrize("name", ["cache", "cache/", "cache/t", "link", "link/t"])
def test_no_root_is_the_cache_or_in_it(tmp_path, name):
    (tmp_path / "cache/t").mkdir(parents=True)
    (tmp_path / "link").symlink_to("cache")
    cache = tmp_path / "cache"
    with pytest.raises(ConfigError, match=r"'ROOTS'.*'THUMBNAIL_CACHE'.*outside"):
        Config.from_mapping({"ROOTS": {f"{tmp_path}/{name}": "/_p/"}, "THUMBNAIL_CACHE": cache})
    Config.from_mapping({"ROOTS": {f"{tmp_path}/cache-2": "/_p/"}, "THUMBNAIL_CACHE": cache})


def test_of_several_signatures_the_first_signs_and_all_verify():
    def config(signature):
        return Config.from_mapping({"SIGNATURE": signature, "SECRET_KEYS": [SECRET]})

    names = ("secure-link-md5", "hmac-sha256")
    both = config([*names])
    assert both.signature == names
    assert replace(both) == both
    assert both.signer().algorithm == "secure-link-md5"
    for name in names:
        assert config([name]) == config(name)
        url = config(name).signer().sign("/p/a.txt")
        assert both.verifier().verify_parts(url).path == "/p/a.txt"
        other = next(each for each in names if each != name)
        for forged in (url[:-1] + "x", url + "x", "/p/a.txt", "/p/a.txt?key="):
            with pytest.raises(BadSignature):
                both.verifier().verify_parts(forged)
        with pytest.raises(BadSignature):
            config(other).verifier().verify_parts(url)
        with pytest.raises(SignatureExpired):
            both.verifier().verify_parts(config(name).signer().sign("/p/a.txt", expires=1))


@pytest.mark.parametrize(
    "wrong", [[], ["md5"], ["hmac-sha256", "hmac-sha256"], [5], {"hmac-sha256": 1}, None]
)
def test_lists_that_are_not_signatures(wrong):
    with pytest.raises(ConfigError, match=r"'SIGNATURE'.* must be one of"):
        Config.from_mapping({"SIGNATURE": wrong})


def test_signing_without_a_key_says_how_to_get_one():
    with pytest.raises(ConfigError, match=r"SECRET_KEYS.*token_urlsafe"):
        Config().signer()
