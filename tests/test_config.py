from dataclasses import fields
from pathlib import Path

import pytest
from xaccel import Config, ConfigError
from xaccel.config import _CHECKS

SECRET = "0123456789abcdef"


def test_every_setting_can_be_set():
    assert {option.name.upper() for option in fields(Config)} == _CHECKS.keys()


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
        ({"SEVER": "nginx"}, "no setting 'SEVER'; did you mean 'SERVER'?"),
        ({"server": "nginx"}, "no setting 'server'; did you mean 'SERVER'?"),
        ({"SERVER": "ngnix"}, "'caddy', not 'ngnix'; did you mean 'nginx'?"),
        ({"SERVER": "ngnix"}, "'SERVER'.*'nginx'.*not 'ngnix'"),
        ({"SERVER": None}, "'SERVER'"),
        ({"ROOTS": ["/srv"]}, "'ROOTS'.*dict"),
        ({"ROOTS": {"/srv": "_private/"}}, "'ROOTS'.*_private/.*start and end"),
        ({"ROOTS": {"/srv": "/_private"}}, "'ROOTS'.*/_private.*start and end"),
        ({"ROOTS": {"/srv": "@private/"}}, "'ROOTS'.*@private"),
        ({"ROOTS": {"/srv": "//private/"}}, "'ROOTS'.*//private"),
        ({"ROOTS": {"srv": "/_private/"}}, "'ROOTS'.*srv.*absolute"),
        ({"ROOTS": {"/a": "/p/", "/b": "/p/"}}, "'ROOTS'.*/p/.*two directories"),
        ({"FOLLOW_SYMLINKS": 1}, "'FOLLOW_SYMLINKS'.*True or False"),
        ({"THUMBNAIL_SOURCE": "photos"}, "'THUMBNAIL_SOURCE'.*absolute"),
        ({"THUMBNAIL_URL": "/t"}, "'THUMBNAIL_URL'.*'/t/'"),
        ({"THUMBNAIL_QUALITY": {"jpg": 80}}, "no format 'jpg'.*jpeg"),
        ({"THUMBNAIL_QUALITY": {"jpeg": 101}}, "1 to 100"),
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
