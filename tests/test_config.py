from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from xaccel import Config, ConfigError

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
    assert config.thumbnail_quality == {"jpeg": 70, "webp": 80, "avif": 60}
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
        ({"THUMBNAIL_PRESETS": {"avatar": "96x96,covr"}}, "'avatar'"),
        ({"THUMBNAIL_FORMATS": ["jpg"]}, "'THUMBNAIL_FORMATS'"),
        ({"THUMBNAIL_MAX_PIXELS": 0}, "'THUMBNAIL_MAX_PIXELS'"),
        ({"THUMBNAIL_MAX_PIXELS": True}, "'THUMBNAIL_MAX_PIXELS'"),
        ({"SIGNATURE": "md5"}, "'SIGNATURE'"),
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


def test_framework_keys_are_a_fallback_and_never_used_as_they_are():
    own = Config.from_mapping({"SECRET_KEYS": [SECRET]}, framework_keys=["framework"])
    assert own.secret_keys == (SECRET,)
    derived = Config.from_mapping({}, framework_keys=["framework", b"older"])
    assert len(derived.secret_keys) == 2
    assert "framework" not in str(derived.secret_keys)
    # What has been signed stays good with the next start.
    assert derived == Config.from_mapping({}, framework_keys=["framework", b"older"])


def test_signing_without_a_key_says_how_to_get_one():
    with pytest.raises(ConfigError, match=r"SECRET_KEYS.*token_urlsafe"):
        Config().signer()
