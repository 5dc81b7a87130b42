"""The store that machines share: two machines, each with its own cache, and a real S3 server."""

import functools
import itertools
import json
import logging
import shutil
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from PIL import Image
from xaccel import Config, ConfigError, thumbnail
from xaccel._core import Spec
from xaccel.cli.main import main
from xaccel.exceptions import StorageUnavailable
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.thumbnails.places import StorePlace, digest
from xaccel.thumbnails.store import ThumbnailStore
from xaccel.wsgi import XAccel

from tests.support.clients import call_wsgi
from tests.support.servers.process import HOST
from tests.support.servers.proxy import Relay
from tests.support.servers.threaded import serving
from tests.support.thumbnail_endpoint import get

KEYS = ["a key of more than 16 bytes"]
PHOTOS = "s3://originals/photos/"


@pytest.fixture(scope="module")
def server(s3):
    s3.create("originals")
    s3.create("thumbs")
    return s3


@pytest.fixture
def store(server, tmp_path):
    """The URL of a store of its own for each test."""
    return f"s3://thumbs/{digest(str(tmp_path))}/"


@pytest.fixture
def relay(server):
    with Relay(server.port) as relay:
        yield relay


class Machine:
    """An app with its own cache. It counts its renders."""

    def __init__(self, server, store, directory, *, port=None, **options):
        own = {"endpoint": f"http://{HOST}:{port}"} if port else {}
        self.config = Config.from_mapping(
            {
                "S3": {**server.settings, "buckets": {"thumbs": own}},
                "THUMBNAIL_SOURCE": PHOTOS,
                "THUMBNAIL_CACHE": directory,
                "THUMBNAIL_STORE": store,
                "SECRET_KEYS": KEYS,
                **options,
            }
        )
        self.cache = directory
        self.endpoint = Thumbnails(self.config)
        self.renders = 0
        renderer = self.endpoint._delivery.renderer
        render = renderer.render

        def counted(*arguments):
            self.renders += 1
            return render(*arguments)

        renderer.render = counted

    def get(self, *args, accept=None, **options):
        url = TemplateHelpers(self.config).thumbnail_url(*args, **options)
        answer = get(self.endpoint, url, **({"accept": accept} if accept else {}))
        assert answer.status == 200
        return answer.data


@pytest.fixture
def machines(server, store, tmp_path):
    def machines(count=2, **options):
        return [
            Machine(server, store, tmp_path / f"cache{number}", **options)
            for number in range(count)
        ]

    return machines


def test_a_new_machine_renders_nothing(server, store, machines, jpeg):
    server.put(f"{PHOTOS}cat.jpg", jpeg)
    first, second = machines()
    data = first.get("cat.jpg", 100, fit="cover", format="auto", accept="image/webp")
    assert data[8:12] == b"WEBP"
    assert first.get("cat.jpg", 200) == thumbnail(jpeg, 200).data
    assert server.get(f"{store}{digest('cat.jpg')}/100x-,cover,auto.webp") == data
    assert second.get("cat.jpg", 100, fit="cover", format="auto", accept="image/webp") == data
    assert second.get("cat.jpg", 200) == thumbnail(jpeg, 200).data
    assert (first.renders, second.renders) == (2, 0)
    # nginx finds the file that the store has filled in.
    kept = [path.relative_to(second.cache) for path in second.cache.glob("t/**/cat.jpg*")]
    assert len(kept) == 2
    for path in kept:
        mine, theirs = first.cache / path, second.cache / path
        assert mine.read_bytes() == theirs.read_bytes()
        assert mine.stat().st_mtime == theirs.stat().st_mtime


def test_a_disk_hit_does_not_ask_the_store(server, store, tmp_path, relay, jpeg):
    server.put(f"{PHOTOS}hit.jpg", jpeg)
    machine = Machine(server, store, tmp_path / "cache", port=relay.port)
    machine.get("hit.jpg", 50)
    assert [line.split()[0] for line in relay.requests] == ["GET", "PUT"]
    machine.get("hit.jpg", 50)
    assert len(relay.requests) == 2


def test_an_outdated_thumbnail_is_replaced(server, machines, jpeg):
    server.put(f"{PHOTOS}changing.jpg", jpeg)
    first, second = machines()
    first.get("changing.jpg", 50)
    other = thumbnail(jpeg, 300, rotate=90).data
    server.put(f"{PHOTOS}changing.jpg", other)
    assert second.get("changing.jpg", 50) == thumbnail(other, 50).data
    assert second.renders == 1
    shutil.rmtree(first.cache)
    (again,) = machines(1)
    assert again.get("changing.jpg", 50) == thumbnail(other, 50).data
    assert again.renders == 0


def test_a_purge_empties_the_store(server, store, machines, jpeg):
    server.put(f"{PHOTOS}purged.jpg", jpeg)
    first, second = machines()
    for width in (50, 60):
        first.get("purged.jpg", width)
    second.get("purged.jpg", 50)
    key = f"{store}{digest('purged.jpg')}/50x-.jpeg"
    assert server.get(key)
    assert second.endpoint.purge("purged.jpg") == 2
    assert server.get(key) is None
    assert second.endpoint.purge("purged.jpg") == 0


def test_a_purge_lists_all_pages(server, store, machines):
    """A page has 1 000 objects at most; here it has two."""
    (machine,) = machines(1)
    shared = machine.endpoint._delivery.store
    request = shared._bucket.request

    def in_small_pages(method, key, *, query=None, **options):
        if query is not None:
            options["query"] = {**query, "max-keys": "2"}
        return request(method, key, **options)

    shared._bucket.request = in_small_pages
    urls = [f"{store}{digest('many.jpg')}/{width}x-.jpeg" for width in range(1, 6)]
    for url in urls:
        server.put(url, b"x")
    assert shared.purge("many.jpg") == 5
    assert not any(map(server.get, urls))


class TestRendersThatBeganBeforeAPurge:
    @pytest.fixture
    def purged_meanwhile(self, machines):
        """A machine that is purged by another one while it renders."""

        def machine(replace, **options):
            renders, purges = machines(2, **options)
            renderer = renders.endpoint._delivery.renderer
            render = renderer.render

            def slow(*arguments):
                rendered = render(*arguments)
                replace()
                purges.endpoint.purge("raced.jpg")
                return rendered

            renderer.render = slow
            return renders

        return machine

    def test_with_a_source_that_knows_the_state(self, server, store, purged_meanwhile, jpeg):
        server.put(f"{PHOTOS}raced.jpg", jpeg)
        endings = (number * b"\0" for number in itertools.count(1))
        # A source that has changed is read once more, so it changes for each render.
        machine = purged_meanwhile(lambda: server.put(f"{PHOTOS}raced.jpg", jpeg + next(endings)))
        machine.get("raced.jpg", 50)
        assert server.get(f"{store}{digest('raced.jpg')}/50x-.jpeg") is None

    def test_with_a_source_that_does_not(
        self, server, store, machines, purged_meanwhile, jpeg, another_server
    ):
        server.put(f"{PHOTOS}raced.jpg", jpeg)
        source = {"THUMBNAIL_SOURCE": another_server, "THUMBNAIL_SOURCE_PRIVATE": True}
        machine = purged_meanwhile(lambda: None, **source)
        machine.get("raced.jpg", 50)
        assert server.get(f"{store}{digest('raced.jpg')}/50x-.jpeg") is None
        # Without a purge, it is published.
        (unhindered,) = machines(1, **source)
        unhindered.get("raced.jpg", 60)
        assert server.get(f"{store}{digest('raced.jpg')}/60x-.jpeg")


@pytest.fixture
def another_server(jpeg, tmp_path):
    """Another HTTP server with the images."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    directory = tmp_path / "web"
    directory.mkdir()
    (directory / "raced.jpg").write_bytes(jpeg)
    handler = functools.partial(Handler, directory=directory)
    with serving(ThreadingHTTPServer((HOST, 0), handler)) as port:
        yield f"http://{HOST}:{port}/"


def test_private_thumbnails_stay_out(server, store, tmp_path, relay):
    root = tmp_path / "root"
    root.mkdir()
    Image.new("RGB", (90, 60), "red").save(root / "cat.png")
    options = {"ROOTS": {root: "/_private/"}}

    def send(directory, **more):
        machine = Machine(server, store, tmp_path / directory, port=relay.port, **options, **more)
        view = XAccel(machine.config).send_private_thumbnail("cat.png", 30)
        status, _, content = call_wsgi(view)
        assert status == 200
        return content

    first = send("a")
    assert relay.requests == []
    assert send("b", THUMBNAIL_STORE_PRIVATE=True) == first
    assert [line.split()[0] for line in relay.requests] == ["GET", "PUT"]
    assert send("c", THUMBNAIL_STORE_PRIVATE=True) == first
    assert [line.split()[0] for line in relay.requests] == ["GET", "PUT", "GET"]


def test_the_fallback_stays_out(server, store, tmp_path, relay, jpeg):
    (tmp_path / "fallback.jpg").write_bytes(jpeg)
    machine = Machine(
        server,
        store,
        tmp_path / "cache",
        port=relay.port,
        THUMBNAIL_FALLBACK=tmp_path / "fallback.jpg",
    )
    assert machine.get(None, 50) == thumbnail(jpeg, 50).data
    assert relay.requests == []


class TestAStoreThatIsDown:
    def test_thumbnails_are_made_all_the_same(self, server, store, tmp_path, relay, jpeg, caplog):
        server.put(f"{PHOTOS}down.jpg", jpeg)
        machine = Machine(server, store, tmp_path / "cache", port=relay.port)
        relay.refuse(100)
        for width in range(50, 60):
            assert machine.get("down.jpg", width) == thumbnail(jpeg, width).data
        warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
        assert len(warnings) == 1
        assert "THUMBNAIL_STORE" in caplog.text
        with pytest.raises(StorageUnavailable, match="THUMBNAIL_STORE"):
            machine.endpoint.purge("down.jpg")

    def test_it_is_asked_again_after_a_while(self, server, store, relay, caplog):
        settings = {**server.settings, "endpoint": f"http://{HOST}:{relay.port}"}
        now = 0.0
        shared = ThumbnailStore(store, settings, now=lambda: now)
        place = StorePlace("again.jpg", Spec.parse("50x-"), "jpeg", has_state=True)

        def put():
            shared.put(
                place.key,
                b"data",
                state='"etag"',
                modified=5,
                image_format="jpeg",
                replaced=None,
            )

        relay.refuse(2)
        put()
        assert shared.get(place.key) is None
        assert relay.connections == 0
        now = 5.0
        put()
        found = shared.get(place.key)
        assert (found.data, found.state, found.modified) == (b"data", '"etag"', 5)
        relay.refuse(2)
        assert shared.get(place.key) is None
        now = 11.0
        assert shared.get(place.key) == found
        assert len(caplog.records) == 1
        now = 65.0
        relay.refuse(2)
        assert shared.get(place.key) is None
        assert len(caplog.records) == 2

    def test_wrong_keys_are_a_warning(self, server, store, tmp_path, jpeg, caplog):
        server.put(f"{PHOTOS}down.jpg", jpeg)
        machine = Machine(server, store, tmp_path / "cache")
        wrong = {**server.settings, "secret_key": "another secret"}
        machine.endpoint._delivery.store = ThumbnailStore(store, wrong)
        assert machine.get("down.jpg", 50) == thumbnail(jpeg, 50).data
        assert "SignatureDoesNotMatch" in caplog.text
        assert "another secret" not in caplog.text


def test_the_source_down_and_the_store_up(server, store, tmp_path, relay, jpeg):
    server.put(f"{PHOTOS}cat.jpg", jpeg)
    Machine(server, store, tmp_path / "a").get("cat.jpg", 70)
    down = {"endpoint": f"http://{HOST}:{relay.port}"}
    machine = Machine(
        server,
        store,
        tmp_path / "b",
        S3={**server.settings, "buckets": {"originals": down}},
    )
    relay.refuse(100)
    assert machine.get("cat.jpg", 70) == thumbnail(jpeg, 70).data


def test_conditions_that_the_store_does_not_know(server, store, relay):
    settings = {**server.settings, "endpoint": f"http://{HOST}:{relay.port}"}
    shared = ThumbnailStore(store, settings)
    relay.answer_instead(b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n", times=1)
    options = {"state": None, "modified": None, "image_format": "png", "replaced": None}
    shared.put("a/b.png", b"data", **options)
    assert server.get(f"{store}a/b.png") == b"data"


class TestCommands:
    @pytest.fixture
    def run(self, server, store, tmp_path, monkeypatch, capsys):
        settings = {
            "S3": server.settings,
            "THUMBNAIL_SOURCE": PHOTOS,
            "THUMBNAIL_CACHE": str(tmp_path),
            "THUMBNAIL_STORE": store,
        }
        name = f"store_of_{tmp_path.name}"
        (tmp_path / f"{name}.py").write_text(
            f"from xaccel import Config\nconfig = Config.from_mapping({settings!r})\n"
        )
        monkeypatch.syspath_prepend(tmp_path)

        def run(*arguments):
            status = main([*arguments, "--app", f"{name}:config"])
            out, err = capsys.readouterr()
            return status, out, err

        return run

    def test_a_store_accepts_the_lifecycle_rules(self, server, store, run):
        client = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name=server.region,
            aws_access_key_id=server.access_key,
            aws_secret_access_key=server.secret_key,
        )
        status, out, _ = run("config", "s3-lifecycle", "--days", "90")
        assert status == 0
        client.put_bucket_lifecycle_configuration(
            Bucket="thumbs", LifecycleConfiguration=json.loads(out)
        )
        (rule,) = client.get_bucket_lifecycle_configuration(Bucket="thumbs")["Rules"]
        assert rule["Filter"]["Prefix"] == store.removeprefix("s3://thumbs/")
        assert rule["Expiration"]["Days"] == 90
        assert rule["Status"] == "Enabled"

    def test_cache_purge(self, server, store, run):
        url = f"{store}{digest('cat.jpg')}/50x-.jpeg"
        server.put(url, b"x")
        status, out, _ = run("cache", "purge", "cat.jpg")
        assert status == 0
        assert out.startswith("cat.jpg: removed 1 thumbnail\n")
        assert server.get(url) is None

    def test_the_default_of_the_rules_and_mistakes(self, run):
        assert json.loads(run("config", "s3-lifecycle")[1])["Rules"][0]["Expiration"] == {
            "Days": 60
        }
        for arguments, message in (
            (("--days", "0"), "--days"),
            (("--out", "x"), "only printed"),
        ):
            status, out, err = run("config", "s3-lifecycle", *arguments)
            assert (status, out) == (2, "")
            assert message in err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"THUMBNAIL_STORE": "s3://thumbs/a/"}, "needs XACCEL['THUMBNAIL_CACHE']"),
        ({"THUMBNAIL_STORE": "s3://thumbs"}, "'s3://bucket/thumbs/'"),
        ({"THUMBNAIL_STORE": "s3://thumbs/a"}, "'s3://bucket/thumbs/'"),
        ({"THUMBNAIL_STORE": "/srv/thumbs/"}, "'s3://bucket/thumbs/'"),
        ({"THUMBNAIL_STORE": "s3://user:secret@thumbs/"}, "'s3://bucket/thumbs/'"),
        ({"THUMBNAIL_STORE_PRIVATE": 1}, "True or False"),
        ({"THUMBNAIL_STORES": "s3://thumbs/"}, "did you mean 'THUMBNAIL_STORE'"),
    ],
)
def test_invalid_settings(settings, message):
    with pytest.raises(ConfigError) as caught:
        Config.from_mapping(settings)
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)
