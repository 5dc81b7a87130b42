"""Finished thumbnails by HTTP, in requests a second, beside nginx's static files and the peers'.

Every contestant runs in turn in every round, so that what else the machine does hits all of
them alike; the figures are medians of the rounds, the ratios medians of each round's ratio.
"""

import contextlib
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import jinja2
from libthumbor.crypto import CryptoURL
from xaccel import jinja
from xaccel.config import Config
from xaccel.signing import ThumborSigner
from xaccel.templates import TemplateHelpers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.servers.process import HOST, PATIENCE, free_port, running
from tests.servers.site import running_server

ROUNDS = 5
SECONDS_A_ROUND = 2
CONNECTIONS = 16
PHOTO = Path(__file__).resolve().parents[1] / "examples" / "flask_gallery" / "photos" / "bridge.jpg"
KEY = "a key of more than 16 bytes"

Url = str


def requests_a_second(url: Url) -> float:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS_A_ROUND}s", url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    errors = re.search(r"Non-2xx.*|Socket errors.*", output)
    if errors is not None:
        raise SystemExit(f"{url}: {errors[0]}")
    found = re.search(r"Requests/sec:\s+([0-9.]+)", output)
    assert found, output
    # A slow one may not have finished any in so short a time.
    return float(found[1]) or 1 / SECONDS_A_ROUND


def fetch(url: Url) -> bytes:
    host, path = url.removeprefix("http://").split("/", 1)
    connection = HTTPConnection(host, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", f"/{path}")
        response = connection.getresponse()
        body = response.read()
    assert response.status == 200, (url, response.status)
    return body


def app(
    directory: Path, settings: dict[str, object], port: int, stack: contextlib.ExitStack
) -> None:
    log = directory / "app.lines"
    log.touch()
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{port}", "--workers=2"),
        *("--threads=4", "--keep-alive=60", "--no-control-socket"),
        *("--worker-tmp-dir", str(directory), "benches.service:application()"),
    ]
    env = {"XACCEL_BENCH_SETTINGS": json.dumps(settings)}
    stack.enter_context(running(command, port, directory / "app.log", env))


def application() -> object:
    """What Gunicorn serves: the endpoint alone."""
    import os

    from xaccel.wsgi import Thumbnails

    return Thumbnails(Config.from_mapping(json.loads(os.environ["XACCEL_BENCH_SETTINGS"])))


def ours(directory: Path, way: str, stack: contextlib.ExitStack) -> dict[str, Url]:
    """The URLs of a thumbnail in nginx's cache, of the same file sent statically, of the app."""
    home = directory / way
    home.mkdir()
    settings: dict[str, object] = {
        "SERVER": "nginx",
        "THUMBNAIL_SOURCE": str(PHOTO.parent),
        "THUMBNAIL_CACHE": str(home / "cache"),
        "SECRET_KEYS": [KEY],
        "SIGNATURE": "secure-link-md5" if way == "secure_link" else "hmac-sha256",
    }
    app_port, port, direct_port = free_port(), free_port(), free_port()
    app(home, settings, app_port, stack)
    verify = {"secure_link": "secure-link", "njs": "njs", "verdict": "app"}[way]
    config = Config.from_mapping(settings)
    static = {"/static/": str(home / "cache" / "t" / "300x200")}
    (home / "server").mkdir()
    stack.enter_context(
        running_server(
            "nginx", config, home / "server", port, app_port, verify=verify, static=static
        )
    )
    path = TemplateHelpers(config).thumbnail_url(PHOTO.name, 300, 200)
    urls = {
        way: f"http://{HOST}:{port}{path}",
        "static": f"http://{HOST}:{port}/static/{PHOTO.name}",
    }
    if way == "njs":
        (home / "direct").mkdir()
        app(home / "direct", {**settings, "SERVER": "direct"}, direct_port, stack)
        urls["app"] = f"http://{HOST}:{direct_port}{path}"
    return urls


THUMBOR = """
SECURITY_KEY = {key!r}
LOADER = "thumbor.loaders.file_loader"
FILE_LOADER_ROOT_PATH = {root!r}
RESULT_STORAGE = {storage}
RESULT_STORAGE_FILE_STORAGE_ROOT_PATH = {results!r}
STORAGE = "thumbor.storages.no_storage"
"""


def thumbor(directory: Path, stack: contextlib.ExitStack) -> Url:
    """thumbor with its result storage, one process for each CPU."""
    config = directory / "thumbor.conf"
    storage = "'thumbor.result_storages.file_storage'"
    config.write_text(
        THUMBOR.format(
            key=KEY, root=str(PHOTO.parent), storage=storage, results=str(directory / "results")
        )
    )
    port = free_port()
    command = (
        *(sys.executable, "-m", "thumbor.server", "-i", HOST, "-p", str(port)),
        *("-c", str(config), "--processes=2"),
    )
    stack.enter_context(running(command, port, directory / "thumbor.log"))
    path = ThumborSigner(KEY).url(PHOTO.name, "300x200")
    return f"http://{HOST}:{port}{path}"


IMAGE_FILTER = """
load_module modules/ngx_http_image_filter_module.so;
{user}
worker_processes auto;
daemon off;
pid {directory}/pid;
error_log {directory}/error.log;
events {{}}
http {{
    access_log off;
    server {{
        listen {host}:{port};
        location / {{
            root {root};
            image_filter resize 300 200;
            image_filter_buffer 20M;
        }}
    }}
}}
"""


def image_filter(directory: Path, stack: contextlib.ExitStack) -> Url:
    """nginx's own resizer, without a cache in front of it."""
    port = free_port()
    config = directory / "image_filter.conf"
    import getpass

    config.write_text(
        IMAGE_FILTER.format(
            directory=directory,
            host=HOST,
            port=port,
            root=PHOTO.parent,
            user=f"user {getpass.getuser()};",
        )
    )
    command = ("nginx", "-e", str(directory / "filter.log"), "-c", str(config))
    stack.enter_context(running(command, port, directory / "image_filter.log"))
    return f"http://{HOST}:{port}/{PHOTO.name}"


@contextlib.contextmanager
def contestants() -> Iterator[dict[str, Url]]:
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {}
        for way in ("secure_link", "njs", "verdict"):
            found = ours(directory, way, stack)
            urls[f"static, beside {way}"] = found.pop("static")
            urls |= found
        urls["thumbor"] = thumbor(directory, stack)
        urls["image_filter"] = image_filter(directory, stack)
        for name in reversed(urls):
            print(f"  {name:28}{len(fetch(urls[name])):8} bytes")
        yield urls


def http() -> None:
    print("\nA finished thumbnail by HTTP")
    figures: dict[str, list[float]] = {}
    with contestants() as urls:
        for _ in range(ROUNDS):
            for name, url in urls.items():
                figures.setdefault(name, []).append(requests_a_second(url))
    for name, rates in figures.items():
        print(f"  {name:28}{statistics.median(rates):10.0f} requests/s")
    for name, peer, target in (
        ("secure_link", "static, beside secure_link", 0.95),
        ("njs", "static, beside njs", 0.7),
        ("verdict", "static, beside verdict", None),
        ("secure_link", "thumbor", 20),
        ("secure_link", "image_filter", None),
        ("app", "thumbor", 3),
    ):
        pairs = zip(figures[name], figures[peer], strict=True)
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        print_ratio(f"{name} / {peer}", ratio, target)


def print_ratio(name: str, ratio: float, target: float | None) -> None:
    verdict = "" if target is None else f"   target {target}: {'yes' if ratio >= target else 'NO'}"
    print(f"  {name:44}{ratio:8.2f} times{verdict}")


def templates() -> None:
    """100 URLs in a Jinja loop."""
    helpers = TemplateHelpers(
        Config.from_mapping({"THUMBNAIL_SOURCE": "/srv/photos", "SECRET_KEYS": [KEY]})
    )
    environment = jinja2.Environment(autoescape=True)
    jinja.install(environment, helpers)
    environment.globals["crypto"] = CryptoURL(key=KEY)
    environment.globals["nothing"] = lambda *_, **__: "/t/300x200,cover/photos/2026/1.jpg"
    loop = "{% for name in names %}{{ CALL }}\n{% endfor %}"
    calls = {
        "thumbnail_url": "thumbnail_url(name, 300, 200, fit='cover')",
        "libthumbor": "crypto.generate(image_url=name, width=300, height=200)",
        "nothing": "nothing(name, 300, 200, fit='cover')",
        "thumbnail_img": "thumbnail_img(name, 300, 200, fit='cover', alt='')",
    }
    names = [f"photos/2026/{number}.jpg" for number in range(100)]
    pages: dict[str, Callable[[], str]] = {}
    for name, call in calls.items():
        template = environment.from_string(loop.replace("CALL", call))
        pages[name] = lambda template=template: template.render(names=names)
    figures: dict[str, list[float]] = {name: [] for name in pages}
    for _ in range(40):
        for name, render in pages.items():
            start = time.perf_counter()
            render()
            figures[name].append(time.perf_counter() - start)
    print("\nA page with 100 thumbnails, in Jinja")
    for name, seconds in figures.items():
        print(f"  {name:28}{statistics.median(seconds) * 1e6:10.0f} µs")
    # What Jinja itself takes to call a function in a loop is nobody's merit.
    jinjas = statistics.median(figures["nothing"])
    ours, theirs = (
        statistics.median(figures[name]) - jinjas for name in ("thumbnail_url", "libthumbor")
    )
    print_ratio("thumbnail_url / libthumbor, less Jinja's part", theirs / ours, 4)


if __name__ == "__main__":
    templates()
    http()
