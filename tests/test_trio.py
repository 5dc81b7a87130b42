"""The ASGI apps under trio, which Starlette supports by anyio."""

import os
from importlib.metadata import version
from pathlib import Path

import pytest
import trio
import trio.testing
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from xaccel import Config, Signer, asgi, starlette

CONTENT = bytes(range(256)) * 4000
KEY = "a key of 16 bytes or more"
PATHS = ["/"]
# An older `FileResponse` does not use the extension `http.response.pathsend`.
if tuple(map(int, version("starlette").split(".")[:2])) >= (0, 47):
    PATHS += ["/response"]


@pytest.fixture
def root(tmp_path, photos):
    (tmp_path / "film.mp4").write_bytes(CONTENT)
    return tmp_path


@pytest.fixture
def config(root, photos):
    return Config.from_mapping(
        {"ROOTS": {root: "/_p/"}, "THUMBNAIL_SOURCE": photos, "SECRET_KEYS": [KEY]}
    )


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_everything_works_on_both(root, config, backend):
    xaccel = starlette.XAccel(config)

    async def view(request):
        return xaccel.send_private_file("film.mp4")

    async def response(request):
        return FileResponse(root / "film.mp4")

    app = Starlette(
        routes=[
            Route("/", view),
            Route("/response", response),
            Mount("/t", asgi.Thumbnails(config)),
        ]
    )
    with TestClient(asgi.Sendfile(app, config), backend=backend) as client:
        for path in PATHS:
            assert client.get(path).content == CONTENT
            ranged = client.get(path, headers={"Range": "bytes=5-9"})
            assert (ranged.status_code, ranged.content) == (206, CONTENT[5:10])
        assert client.get(Signer([KEY]).sign("/t/20x20/cat.jpg")).status_code == 200


def run(config, receive, send):
    app = asgi.XAccel(config).send_private_file("film.mp4")
    trio.run(app, {"type": "http", "method": "GET", "headers": []}, receive, send)


def test_reading_ends_when_the_visitor_has_gone(config):
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        # Give the task that waits for the visitor its turn.
        await trio.testing.wait_all_tasks_blocked()

    run(config, receive, send)
    assert sum(len(message.get("body", b"")) for message in sent) < len(CONTENT)


def test_an_error_is_not_in_a_group(root, config):
    async def receive():
        await trio.sleep_forever()

    async def send(message):
        os.truncate(Path(root) / "film.mp4", 100)

    with pytest.raises(OSError, match="shorter"):
        run(config, receive, send)
