"""The setting `S3`: what it accepts, where keys come from, and that no message shows them."""

import json
import logging
import os
import stat
import subprocess
import sys
import time

import pytest
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError
from xaccel import Config, ConfigError
from xaccel._s3 import settings
from xaccel._s3.credentials import Signers
from xaccel._s3.errors import S3Unavailable

KEYS = {"access_key": "AKIATEST", "secret_key": "the secret key"}


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """No keys of the machine that runs the tests."""
    for name in [*os.environ]:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def for_bucket(given, bucket="photos"):
    return settings.for_bucket(Config.from_mapping({"S3": given}).s3, bucket)


def authorization(signers):
    url = "https://s3.example.com/x"
    return signers.get().sign_request("GET", url, {}, "UNSIGNED-PAYLOAD", now=1_700_000_000)


def test_defaults():
    chosen = for_bucket({})
    assert (chosen.region, chosen.endpoint, chosen.addressing) == ("us-east-1", None, "path")
    assert chosen.keys is None
    assert chosen.url("a b.jpg") == "https://s3.us-east-1.amazonaws.com/photos/a%20b.jpg"


def test_a_bucket_with_its_own_settings():
    given = {
        **KEYS,
        "session_token": "the token",
        "region": "eu-central-1",
        "endpoint": "http://localhost:9000/",
        "buckets": {
            "photos": {"access_key": "AKIAPHOTOS", "secret_key": "another"},
            "films": {"endpoint": "https://s3.example.com", "addressing": "virtual"},
        },
    }
    photos = for_bucket(given)
    assert (photos.keys.access_key, photos.keys.session_token) == ("AKIAPHOTOS", None)
    assert photos.url("x") == "http://localhost:9000/photos/x"
    films = for_bucket(given, "films")
    assert (films.keys.access_key, films.keys.session_token) == ("AKIATEST", "the token")
    assert films.url("x") == "https://films.s3.example.com/x"
    assert films.region == "eu-central-1"


def test_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    assert for_bucket({}).keys is None
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "from the environment")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://localhost:9000")
    chosen = for_bucket({})
    assert chosen.keys == settings.Keys("AKIAENV", "from the environment", "token")
    assert chosen.url("x") == "http://localhost:9000/photos/x"
    assert chosen.region == "eu-west-1"
    assert for_bucket(KEYS).keys.access_key == "AKIATEST"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "localhost")
    with pytest.raises(ConfigError, match="AWS_ENDPOINT_URL"):
        for_bucket({})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("https://s3.example.com", "must be a dict"),
        ({"endpont": "x"}, "did you mean 'endpoint'"),
        ({"ENDPOINT": "x"}, "did you mean 'endpoint'"),
        ({"access-key": "x"}, "did you mean 'access_key'"),
        ({"zzz": "x"}, "an unknown key; the keys are 'endpoint'"),
        ({"access_key": "x"}, "both 'access_key' and 'secret_key'"),
        ({"secret_key": "x"}, "both 'access_key' and 'secret_key'"),
        ({"session_token": "x"}, "needs 'access_key'"),
        ({"access_key": "", "secret_key": "x"}, r"\['access_key'\] must be ASCII text"),
        ({"access_key": "x", "secret_key": 3}, r"\['secret_key'\] must be ASCII text"),
        ({"endpoint": "s3.example.com"}, r"\['endpoint'\] must be a scheme and a host"),
        ({"endpoint": "https://s3.example.com/x"}, r"\['endpoint'\]"),
        ({"endpoint": "https://user@s3.example.com"}, r"\['endpoint'\]"),
        ({"endpoint": "https://s3.example.com:x"}, r"\['endpoint'\]"),
        ({"region": ""}, r"\['region'\] must be a region"),
        ({"region": "eu/1"}, r"\['region'\] must be a region"),
        ({"addressing": "host"}, r"\['addressing'\] must be 'path'"),
        ({"buckets": []}, r"\['buckets'\] must be a dict"),
        ({"buckets": {"a/b": {}}}, "not the name of a bucket"),
        ({"buckets": {"photos": {"buckets": {}}}}, r"\['buckets'\]\['photos'\] has"),
        ({"buckets": {"photos": {"regoin": "x"}}}, "did you mean 'region'"),
    ],
)
def test_invalid_settings(given, message):
    with pytest.raises(ConfigError, match=rf"XACCEL\['S3'\].*{message}"):
        Config.from_mapping({"S3": given})


def test_a_setting_may_be_checked_again():
    config = Config.from_mapping({"S3": {**KEYS, "buckets": {"photos": {"region": "x"}}}})
    assert Config(s3=config.s3) == config
    assert "secret" not in repr(config)
    assert "secret" not in repr(for_bucket(KEYS))


class TestBotocore:
    """Keys that botocore finds, here by a program that a profile names."""

    @pytest.fixture
    def profile(self, tmp_path):
        """Write the program. It counts its calls, and its keys expire after some seconds."""
        calls = tmp_path / "calls"

        def profile(seconds, *, status=0):
            answer = {
                "Version": 1,
                "AccessKeyId": "AKIAPROGRAM",
                "SecretAccessKey": "of the program",
                "SessionToken": "token",
                "Expiration": time.strftime(
                    "%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds)
                ),
            }
            program = tmp_path / "program"
            program.write_text(
                f"#!{sys.executable}\n"
                f"open({str(calls)!r}, 'a').write('x')\n"
                f"print({json.dumps(answer)!r})\n"
                f"raise SystemExit({status})\n"
            )
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
            (tmp_path / "config").write_text(f"[default]\ncredential_process = {program}\n")
            return lambda: len(calls.read_text()) if calls.exists() else 0

        return profile

    def test_they_are_fetched_once(self, profile):
        calls = profile(3600)
        signers = Signers(for_bucket({}))
        assert calls() == 0
        first = authorization(signers)
        assert "AKIAPROGRAM/" in first["Authorization"]
        assert first["X-Amz-Security-Token"] == "token"
        assert authorization(signers) == first
        assert calls() == 1

    def test_they_are_refreshed_before_they_expire(self, profile):
        calls = profile(60)
        signers = Signers(for_bucket({}))
        authorization(signers)
        authorization(signers)
        assert calls() > 1

    def test_a_forked_process_fetches_its_own(self, profile):
        calls = profile(3600)
        signers = Signers(for_bucket({}))
        authorization(signers)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                authorization(signers)
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0
        assert calls() == 2

    def test_none_are_found(self):
        with pytest.raises(S3Unavailable, match="found no keys"):
            Signers(for_bucket({})).get()

    def test_the_program_fails(self, profile):
        profile(3600, status=1)
        with pytest.raises(S3Unavailable, match="can't get the keys"):
            Signers(for_bucket({})).get()

    @pytest.mark.parametrize(
        "error", [ClientError({"Error": {"Code": "AccessDenied"}}, "AssumeRole"), RuntimeError()]
    )
    def test_a_refresh_is_refused(self, profile, monkeypatch, error):
        def refuse(_):
            raise error

        profile(3600)
        signers = Signers(for_bucket({}))
        signers.get()
        monkeypatch.setattr(RefreshableCredentials, "get_frozen_credentials", refuse)
        with pytest.raises(S3Unavailable, match="can't get the keys"):
            signers.get()

    def test_the_settings_come_first(self, profile):
        calls = profile(3600)
        assert "AKIATEST/" in authorization(Signers(for_bucket(KEYS)))["Authorization"]
        assert calls() == 0


def test_without_botocore_keys_are_required():
    script = """
import sys
sys.modules["botocore"] = None
from xaccel import Config, ConfigError
from xaccel.delivery.files import Delivery
settings = {"REMOTES": {"s3://vault/": "/_remote/"}}
config = Config.from_mapping(settings)
try:
    Delivery(config)
except ConfigError as error:
    print(error)
keys = {"access_key": "AKIATEST", "secret_key": "the secret key"}
Delivery(Config.from_mapping({**settings, "S3": keys}))
"""
    output = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60
    )
    assert "vault" in output.stdout
    assert "xaccel[s3]" in output.stdout
    assert output.stdout.count("\n") == 1


def test_botocore_logs_nothing_of_the_keys(caplog, monkeypatch, tmp_path):
    caplog.set_level(logging.DEBUG, logger="xaccel")
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = in the file\n"
    )
    assert "AKIAFILE/" in authorization(Signers(for_bucket({})))["Authorization"]
    assert "in the file" not in caplog.text
