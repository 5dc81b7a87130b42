"""An upgrade from the version before: its URLs stay valid, and its cache can be used or cleared."""

import json
from pathlib import Path

import pytest
from xaccel.cli.main import main
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.thumbnails.endpoint import Thumbnails

from tests.support.thumbnail_endpoint import get, read, request

# Computed from the grammar of that version with Python's `hmac` and `hashlib`.
VECTORS = json.loads((Path(__file__).parent / "vectors" / "upgrading.json").read_text())

# What that version left in its cache. The locks belong to processes that no longer run.
THUMBNAILS = ("t/60x40/cat.jpg", "t/60x40,cover,auto/cat.jpg.webp", "t/60x40,webp/cat.jpg.webp")
OTHERS = (
    ".private/60x40,v-aZ09_-aZ/_private/files/cat.jpg",
    ".lock/000",
    ".lock/queue-0",
    ".lock/render-0",
    ".tmp/.tmpAbCdEf",
)


@pytest.fixture
def settings(photos, tmp_path, jpeg):
    odd = photos / "a b" / "föö 100%.jpg"
    odd.parent.mkdir()
    odd.write_bytes(jpeg)
    return {
        "ROOTS": {str(photos): "/_private/files/"},
        "PRIVATE_URL": "/p/",
        "THUMBNAIL_SOURCE": str(photos),
        "THUMBNAIL_CACHE": str(tmp_path / "cache"),
    }


def config_of(settings, vector):
    settings = {**settings, "SIGNATURE": vector["signature"]}
    if vector["signed_with"] == "framework_key":
        return Config.from_mapping(settings, framework_keys=[VECTORS["framework_key"]])
    return Config.from_mapping({**settings, "SECRET_KEYS": [VECTORS["key"], VECTORS["older_key"]]})


@pytest.mark.parametrize("vector", VECTORS["thumbnails"], ids=lambda vector: vector["url"][:60])
def test_signed_thumbnails(settings, vector):
    thumbnails = Thumbnails(config_of(settings, vector))
    assert get(thumbnails, vector["url"], accept="image/webp").status == 200
    changed = vector["url"].replace("key=", "key=A", 1)
    assert get(thumbnails, changed).status == 403


@pytest.mark.parametrize("vector", VECTORS["links"], ids=lambda vector: vector["url"][:60])
def test_signed_links(settings, vector, jpeg):
    delivery = Delivery(config_of(settings, vector))
    query = vector["url"].partition("?")[2]
    answer = read(delivery.respond(f"/p/files/{vector['name']}", query, request()))
    assert (answer.status, answer.data) == (200, jpeg)
    has_name = "download_name" in query
    expected = "filename*=UTF-8''f%C3%B6%C3%B6.jpg" if has_name else ""
    assert expected in answer.headers.get("Content-Disposition", "")
    changed = query.replace("key=", "key=A", 1)
    assert delivery.respond(f"/p/files/{vector['name']}", changed, request()).status == 403


@pytest.fixture
def cache(settings):
    directory = Path(settings["THUMBNAIL_CACHE"])
    for name in (*THUMBNAILS, *OTHERS):
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"" if name.startswith(".lock") else b"thumbnail of the version before")
    return directory


@pytest.fixture
def command(settings, tmp_path, capsys):
    """Runs `xaccel cache …`; returns what it printed."""
    file = tmp_path / "settings.toml"
    lines = {**settings, "SECRET_KEYS": [VECTORS["key"]]}
    del lines["ROOTS"]
    file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items()))

    def run(*arguments):
        assert main(["cache", *arguments, "--config", str(file)]) == 0
        return capsys.readouterr().out

    return run


def files(cache):
    return {str(file.relative_to(cache)) for file in cache.rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    ("spec", "accept"),
    [("60x40", "*/*"), ("60x40,cover,auto", "image/webp"), ("60x40,webp", "*/*")],
)
def test_the_cache_is_read(settings, cache, spec, accept):
    config = Config.from_mapping({**settings, "SECRET_KEYS": [VECTORS["key"]]})
    url = config.signer().sign(f"/t/{spec}/cat.jpg")
    answer = get(Thumbnails(config), url, accept=accept)
    assert (answer.status, answer.data) == (200, b"thumbnail of the version before")


def test_the_images_of_the_cache_can_be_purged(cache, command):
    command("purge", "cat.jpg")
    assert not files(cache) & {*THUMBNAILS}


def test_one_command_clears_the_cache(cache, command):
    assert str(len(THUMBNAILS) + 1) in command("stats")
    command("clear")
    assert {name.partition("/")[0] for name in files(cache)} <= {".lock", ".tmp"}


def test_the_cleared_cache_is_used_again(settings, cache, command):
    command("clear")
    config = Config.from_mapping({**settings, "SECRET_KEYS": [VECTORS["key"]]})
    url = config.signer().sign("/t/60x40/cat.jpg")
    answer = get(Thumbnails(config), url)
    assert answer.status == 200
    assert (cache / "t/60x40/cat.jpg").read_bytes() == answer.data
