"""Compare a cold thumbnail from S3 with a fetch by boto3 and a render, and with thumbor's loader.

The store is SeaweedFS on this machine, so a request takes almost no time on the network. xaccel
needs two requests for a baseline image of more than 512 KiB; on a network, the second one adds a
round trip. Nothing is cached, and all contestants keep their connections open.

Three contestants run in this process: an app with xaccel, `boto3.get_object` with xaccel's
`thumbnail()`, and `boto3.get_object` with Pillow. Two are servers with one process: Gunicorn with
the same app, and thumbor with the loader of thumbor-aws. Its predecessor, tc-aws, needs a version
of boto3 that is too old for the tests.

In every round the contestants take turns, forwards and backwards, so that other load on the machine
affects all of them alike. The figures are medians of the rounds; the ratios are medians of each
round's ratio.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import boto3
from PIL import Image
from xaccel import thumbnail, wsgi
from xaccel.config import Config
from xaccel.signing import ThumborSigner
from xaccel.thumbnails.helpers import TemplateHelpers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches import peers
from benches.peers import KEY
from benches.service import app, print_ratio
from tests.support.servers.process import HOST, PATIENCE, free_port
from tests.support.servers.s3 import S3Server, s3_server

WALLPAPERS = Path("/usr/share/wallpapers")
PHOTOS = {
    "4 megapixels, baseline": "BytheWater/contents/images/2560x1600.jpg",
    "15 megapixels, baseline": "SafeLanding/contents/images/5120x2880.jpg",
    "4 megapixels, progressive": "Autumn/contents/images/2560x1600.jpg",
    "15 megapixels, progressive": "Flow/contents/images/5120x2880.jpg",
}
BUCKET = "photos"
SIDE = 300
QUALITY = 80
ROUNDS = 15

XACCEL, XACCEL_HTTP = "xaccel", "xaccel by HTTP"
FETCH_AND_RENDER, PILLOW, THUMBOR = "boto3 + thumbnail()", "boto3 + Pillow", "thumbor by HTTP"
RATIOS = (
    (XACCEL, FETCH_AND_RENDER, 1.3),
    (XACCEL, PILLOW, None),
    (XACCEL_HTTP, THUMBOR, None),
)

Contestant = Callable[[str], bytes]
"""A function that returns the thumbnail of the image with this key."""


def in_process(server: S3Server, settings: dict[str, object]) -> dict[str, Contestant]:
    """Return the contestants that run in this process."""
    config = Config.from_mapping(settings)
    helpers, application = TemplateHelpers(config), wsgi.Thumbnails(config)
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
    )

    def xaccel(key: str) -> bytes:
        statuses: list[str] = []
        path, _, query = helpers.thumbnail_url(key, SIDE, SIDE).partition("?")
        environ: dict[str, Any] = {"PATH_INFO": path, "QUERY_STRING": query}
        setup_testing_defaults(environ)
        body = b"".join(application(environ, lambda status, *_: statuses.append(status)))
        assert statuses == ["200 OK"], statuses
        return body

    def fetched(key: str) -> bytes:
        body: bytes = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body

    def fetch_and_render(key: str) -> bytes:
        return thumbnail(fetched(key), SIDE, SIDE, quality=QUALITY).data

    def pillow(key: str) -> bytes:
        out = io.BytesIO()
        with Image.open(io.BytesIO(fetched(key))) as image:
            image.thumbnail((SIDE, SIDE))
            image.save(out, "JPEG", quality=QUALITY)
        return out.getvalue()

    return {XACCEL: xaccel, FETCH_AND_RENDER: fetch_and_render, PILLOW: pillow}


def by_http(
    directory: Path,
    stack: contextlib.ExitStack,
    server: S3Server,
    settings: dict[str, object],
) -> dict[str, Contestant]:
    """Start the servers, and return a function for each."""
    port = free_port()
    app(directory, settings, port, stack, ("--workers=1", "--threads=4"))
    helpers = TemplateHelpers(Config.from_mapping(settings))
    thumbor = peers.thumbor(directory, stack, server, quality=QUALITY, processes=1)
    signer = ThumborSigner(KEY)

    def asking(port: int, path: Callable[[str], str]) -> Contestant:
        connection = HTTPConnection(HOST, port, timeout=PATIENCE)
        stack.callback(connection.close)

        def ask(key: str) -> bytes:
            connection.request("GET", path(key))
            response = connection.getresponse()
            body = response.read()
            assert response.status == 200, (path(key), response.status)
            return body

        return ask

    return {
        XACCEL_HTTP: asking(port, lambda key: str(helpers.thumbnail_url(key, SIDE, SIDE))),
        THUMBOR: asking(thumbor.port, lambda key: signer.url(f"{BUCKET}/{key}", f"{SIDE}x{SIDE}")),
    }


def compare(contestants: dict[str, Contestant], key: str) -> None:
    """Measure all contestants with one image, and print the figures."""
    sizes = {}
    for name, contestant in contestants.items():
        made = contestant(key)
        with Image.open(io.BytesIO(made)) as image:
            assert max(image.size) == SIDE, (name, image.size)
        sizes[name] = len(made)
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(ROUNDS):
        for name, contestant in [*contestants.items()][:: -1 if turn % 2 else 1]:
            start = time.perf_counter()
            contestant(key)
            figures[name].append(time.perf_counter() - start)
    for name, seconds in figures.items():
        print(f"  {name:28}{1000 * statistics.median(seconds):8.1f} ms{sizes[name]:8} bytes")
    for ours, theirs, target in RATIOS:
        pairs = zip(figures[ours], figures[theirs], strict=True)
        ratio = statistics.median(mine / other for mine, other in pairs)
        print_ratio(f"{ours} / {theirs}", ratio, target, is_most=True)


def main() -> None:
    """Put the photos in a bucket, and compare."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (directory / "s3").mkdir()
        server = stack.enter_context(s3_server(directory / "s3"))
        server.create(BUCKET)
        settings: dict[str, object] = {
            "S3": server.settings,
            "THUMBNAIL_SOURCE": f"s3://{BUCKET}/",
            "SECRET_KEYS": [KEY],
            "THUMBNAIL_QUALITY": {"jpeg": QUALITY},
        }
        contestants = {
            **in_process(server, settings),
            **by_http(directory, stack, server, settings),
        }
        for title, name in PHOTOS.items():
            photo = (WALLPAPERS / name).read_bytes()
            key = name.replace("/", "-")
            server.put(f"s3://{BUCKET}/{key}", photo)
            print(f"\n{title}, {len(photo) / 1e6:.1f} MB")
            compare(contestants, key)


if __name__ == "__main__":
    main()
