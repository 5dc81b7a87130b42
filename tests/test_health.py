"""`xaccel.health.check()` and `xaccel doctor --local`."""

import json
import os
import shutil
from collections import namedtuple

import pytest
from xaccel import health
from xaccel._core import font_fingerprint
from xaccel.cli.main import main
from xaccel.config import Config
from xaccel.sandbox import pool
from xaccel.sandbox.support import is_possible

from tests.support.thumbnail_service import KEY

OK = {"status": "ok"}
SANDBOX = {"sandbox": OK} if is_possible() else {}


@pytest.fixture
def config(photos, tmp_path):
    def config(**settings):
        return Config.from_mapping(
            {
                "THUMBNAIL_SOURCE": photos,
                "THUMBNAIL_CACHE": tmp_path / "cache",
                "SECRET_KEYS": [KEY],
                **settings,
            }
        )

    return config


def test_a_healthy_app(config, tmp_path):
    assert health.check(config()) == {
        "status": "ok",
        "checks": {"keys": OK, "cache": OK, "space": OK, **SANDBOX},
    }
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_app_with_nothing_to_check():
    assert health.check(Config()) == {"status": "ok", "checks": {}}


def test_an_app_without_a_sandbox(config):
    assert "sandbox" not in health.check(config(THUMBNAIL_SANDBOX=False))["checks"]


@pytest.mark.skipif(not is_possible(), reason="this machine does not offer the sandbox")
def test_a_sandbox_that_does_not_start(config, monkeypatch, caplog, tmp_path):
    pool.close_pools()
    monkeypatch.setattr(pool, "interpreter", lambda: "/bin/false")
    report = health.check(config())
    assert report["status"] == "failing"
    assert report["checks"]["sandbox"]["problem"] == "The sandbox can't decode an image."
    assert str(tmp_path) not in json.dumps(report)
    assert "the sandbox does not work: the render worker did not start" in caplog.text


def test_no_keys(config):
    report = health.check(config(SECRET_KEYS=[]))
    assert report["status"] == "failing"
    assert report["checks"]["keys"] == {"status": "failing", "problem": "URLs can't be signed."}
    assert report["checks"]["cache"] == OK


def test_a_cache_that_is_not_writable(config, tmp_path):
    # Root may write to every directory, but not below a file.
    (tmp_path / "file").touch()
    report = health.check(config(THUMBNAIL_CACHE=tmp_path / "file" / "cache"))
    assert report["checks"]["cache"]["status"] == "failing"
    assert str(tmp_path) not in json.dumps(report)


def test_a_cache_whose_parent_the_app_may_not_enter(config, tmp_path, monkeypatch):
    locked = tmp_path / "locked"

    def refusing(function):
        def call(path, *arguments, **keywords):
            if str(path).startswith(str(locked)):
                raise PermissionError(str(path))
            return function(path, *arguments, **keywords)

        return call

    # Root may enter every directory.
    for name in ("stat", "mkdir"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name)))
    report = health.check(config(THUMBNAIL_CACHE=locked / "cache"))
    assert report["checks"]["cache"]["status"] == "failing"
    assert "space" not in report["checks"]
    assert str(tmp_path) not in json.dumps(report)


def test_a_full_disk(config, monkeypatch):
    usage = namedtuple("usage", "total used free")  # noqa: PYI024
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, health.LEAST_FREE - 1))
    assert health.check(config())["checks"]["space"]["status"] == "failing"


def test_a_store_that_does_not_respond(config):
    s3 = {"endpoint": "http://127.0.0.1:1", "access_key": "AKIATEST", "secret_key": "hidden key"}
    report = health.check(config(THUMBNAIL_STORE="s3://thumbs/", S3=s3))
    assert report["checks"]["store"]["problem"] == "THUMBNAIL_STORE does not respond."
    assert not any(word in json.dumps(report) for word in ("AKIATEST", "hidden", "127.0.0.1"))


@pytest.fixture
def toml(photos, tmp_path):
    def toml(cache):
        path = tmp_path / "xaccel.toml"
        settings = {
            "THUMBNAIL_SOURCE": str(photos),
            "THUMBNAIL_CACHE": str(cache),
            "SECRET_KEYS": [KEY],
        }
        path.write_text("".join(f"{key} = {json.dumps(each)}\n" for key, each in settings.items()))
        return str(path)

    return toml


def test_doctor_local(toml, tmp_path, capsys):
    assert main(["doctor", "--local", "--config", toml(tmp_path / "cache")]) == 0
    fonts, fingerprint = font_fingerprint()
    out = capsys.readouterr().out
    assert out.count("ok ") == 3 + len(SANDBOX) + bool(fonts)
    assert (fingerprint in out) == bool(fonts)
    (tmp_path / "file").touch()
    assert main(["doctor", "--local", "--config", toml(tmp_path / "file" / "cache")]) == 1
    lines = capsys.readouterr().out.splitlines()
    (line,) = (number for number, text in enumerate(lines) if text.startswith("FINDING"))
    assert "THUMBNAIL_CACHE" in lines[line]
    assert "It renders each thumbnail again" in lines[line]
    assert lines[line + 1].strip().startswith("Fix: Create the directory")


@pytest.mark.parametrize("arguments", [["--local"], [], ["--local", "http://127.0.0.1/"]])
def test_doctor_needs_an_address_or_local_and_settings(arguments, capsys):
    assert main(["doctor", *arguments]) == 2
    assert "--local" in capsys.readouterr().err
