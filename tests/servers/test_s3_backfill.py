"""Backfill and purge with originals and a store in a real S3 server."""

import pytest
from xaccel import Config
from xaccel.cli.main import main
from xaccel.exceptions import StorageUnavailable
from xaccel.tasks import purge, render, tasks_of
from xaccel.thumbnails import sources
from xaccel.thumbnails.places import digest

from tests.support.servers.process import HOST, free_port
from tests.support.thumbnail_service import KEY

# Stores escape these characters in their lists of keys, each in its own way.
ODD = """cats/kit's & "<ten>".jpg"""


@pytest.fixture(scope="module")
def server(s3, jpeg):
    for bucket in ("originals", "thumbs"):
        s3.create(bucket)
    for name in ("cats/tom.jpg", ODD, "dogs/rex.jpg"):
        s3.put(f"s3://originals/backfill/{name}", jpeg)
    return s3


@pytest.fixture
def machine(server, tmp_path):
    def machine(name, **options):
        return Config.from_mapping(
            {
                "S3": server.settings,
                "THUMBNAIL_SOURCE": "s3://originals/backfill/",
                "THUMBNAIL_STORE": f"s3://thumbs/{digest(str(tmp_path))}/",
                "THUMBNAIL_CACHE": str(tmp_path / name),
                "SECRET_KEYS": [KEY],
                **options,
            }
        )

    return machine


def test_a_bucket_is_listed(machine):
    source = sources.get(machine("one"))
    assert set(source.names("")) == {"cats/tom.jpg", ODD, "dogs/rex.jpg"}
    assert set(source.names("cats/t")) == {"cats/tom.jpg"}
    assert set(source.names("birds/")) == set()


def kept(config):
    from pathlib import Path

    return sorted(path.name for path in Path(config.thumbnail_cache).glob("t/*/*/*"))


def test_what_is_in_the_store_is_not_rendered_again(machine):
    one, two = machine("one"), machine("two")
    assert render("cats/tom.jpg", "40x-", "50x-", version="mtime", config=one) == 2
    assert render("cats/tom.jpg", "40x-", "50x-", version="mtime", config=two) == 0
    assert kept(one) == kept(two) == ["tom.jpg", "tom.jpg"]


def test_what_only_this_machine_has_is_published(server, machine):
    one, two = machine("one"), machine("two")
    assert render("dogs/rex.jpg", "40x-", config=machine("one", THUMBNAIL_STORE=None)) == 1
    assert render("dogs/rex.jpg", "40x-", config=one) == 1
    assert render("dogs/rex.jpg", "40x-", config=one) == 0
    assert render("dogs/rex.jpg", "40x-", config=two) == 0


def test_a_store_that_does_not_respond_is_a_failure(server, machine):
    own = {"endpoint": f"http://{HOST}:{free_port()}"}
    config = machine("one", S3={**server.settings, "buckets": {"thumbs": own}})
    for _ in range(2):
        with pytest.raises(StorageUnavailable, match="THUMBNAIL_STORE"):
            render("cats/tom.jpg", "40x-", config=config)


def test_a_purge_on_another_machine_leaves_the_store_alone(machine):
    one, two = machine("one"), machine("two")
    for config in (one, two):
        render("cats/tom.jpg", "40x-", config=config)
    assert tasks_of(two).endpoint.purge_here("cats/tom.jpg") == 1
    assert render("cats/tom.jpg", "40x-", config=two) == 0
    assert purge("cats/tom.jpg", config=one) == 1
    assert kept(one) == []
    assert kept(two) == ["tom.jpg"]
    assert tasks_of(two).endpoint.purge_here("cats/tom.jpg") == 1
    assert render("cats/tom.jpg", "40x-", config=two) == 1


def test_the_command_reminds_of_the_other_machines(machine, server, tmp_path, capsys, monkeypatch):
    from xaccel.thumbnails import endpoint

    monkeypatch.setattr(endpoint, "purge_listeners", listeners := [])
    monkeypatch.setattr("xaccel.cli.cache.purge_listeners", listeners)
    config = machine("one")
    file = tmp_path / "settings.toml"
    own = ", ".join(f'{key} = "{value}"' for key, value in server.settings.items())
    file.write_text(
        f'THUMBNAIL_SOURCE = "{config.thumbnail_source}"\nS3 = {{{own}}}\n'
        f'THUMBNAIL_STORE = "{config.thumbnail_store}"\nSECRET_KEYS = ["{KEY}"]\n'
        f'THUMBNAIL_CACHE = "{config.thumbnail_cache}"\n'
    )
    assert main(["backfill", "--config", str(file), "40x-", "--prefix", "cats/"]) == 0
    assert capsys.readouterr().out.startswith("2 images: rendered 2 thumbnails")
    assert main(["cache", "purge", "--config", str(file), "cats/tom.jpg"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("cats/tom.jpg: removed 1 thumbnail\n")
    assert "The caches of other machines may still contain these thumbnails." in out
    told = []
    listeners.append(lambda config, name: told.append(name))
    assert main(["cache", "purge", "--config", str(file), "cats/tom.jpg"]) == 0
    assert "Other machines" not in capsys.readouterr().out
    assert told == ["cats/tom.jpg"]
