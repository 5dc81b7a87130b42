"""Compare private files behind nginx, and `PathMap` look-ups, with the usual alternatives.

This benchmark needs nginx and wrk, and uses only the loopback interface. In every round, the
contestants take turns, so that other load on the machine affects all of them alike. The figures are
medians of the rounds; the ratios are medians of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from xaccel import Config
from xaccel._core import PathMap
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import configuration as nginx

from tests.support.servers.process import HOST, free_port, running

APP = """
import os
import flask
from xaccel.flask import XAccel, send_private_file

root = os.environ["BENCH_ROOT"]
app = flask.Flask(__name__)
app.config["XACCEL"] = {"SERVER": "nginx", "ROOTS": {root: "/_private/files/"}}
XAccel(app)

@app.get("/xaccel/<name>")
def xaccel(name):
    return send_private_file(name)

@app.get("/by-hand/<name>")
def by_hand(name):
    if not os.path.isfile(os.path.join(root, name)):
        flask.abort(404)
    response = flask.Response(mimetype="application/octet-stream")
    response.headers["X-Accel-Redirect"] = "/_private/files/" + name
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-cache"
    return response

@app.get("/app/<name>")
def app_itself(name):
    return flask.send_file(os.path.join(root, name))
"""
LOOKUPS = 50
WORKERS = {
    "one Flask worker of two threads": ("--threads", "2"),
    "one Flask worker of gevent": ("--worker-class", "gevent"),
}


@contextlib.contextmanager
def site(directory: Path, worker: tuple[str, ...]) -> Iterator[str]:
    """Run the app under Gunicorn behind nginx, and yield its address."""
    root = directory / "files"
    root.mkdir()
    (root / "100k.bin").write_bytes(os.urandom(100_000))
    (root / "10m.bin").write_bytes(os.urandom(10_000_000))
    (directory / "tmp").mkdir()
    (directory / "bench_app.py").write_text(APP)
    port, app_port = free_port(), free_port()
    config = Config.from_mapping({"SERVER": "nginx", "ROOTS": {root: "/_private/files/"}})
    deployment = Deployment(
        upstream=f"{HOST}:{app_port}", listen=f"{HOST}:{port}", static={"/static/": str(root)}
    )
    main_file = directory / nginx.FULL_FILE
    main_file.write_text(nginx.full(config, deployment, directory))
    app = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{app_port}", *worker),
        *("--no-control-socket", "--keep-alive", "60", "--chdir", directory, "bench_app:app"),
    ]
    server = ["nginx", "-e", directory / "error.log", "-c", main_file, "-g", "daemon off;"]
    env = {"BENCH_ROOT": str(root)}
    with (
        running(app, app_port, directory / "app.log", env),
        running(server, port, directory / "nginx.log"),
    ):
        yield f"http://{HOST}:{port}"


def requests_a_second(url: str, seconds: int, connections: int) -> float:
    """Return the number of requests per second that wrk measures in one short run."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output:
        raise RuntimeError(f"{url} fails:\n{output}")
    found = re.search(r"Requests/sec:\s*([0-9.]+)", output)
    if found is None:
        raise RuntimeError(output)
    return float(found[1])


def compare(
    title: str, contestants: dict[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """Run every contestant in every round, and print the medians."""
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            figures[name].append(contestant())
    print(f"\n{title}")
    for name, values in figures.items():
        print(f"  {name:44}{statistics.median(values):12.1f}")
    return figures


def ratio(ours: list[float], theirs: list[float], label: str, target: float = 0) -> None:
    """Print the median of the rounds' ratios, and the minimum that the median should reach."""
    value = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(f"  {label:44}{value:12.2f}" + (f"  (target >= {target:g})" if target else ""))


def in_python(roots: list[tuple[str, str]], path: str) -> str | None:
    """Perform the checks of `PathMap.find` as a careful developer would write them."""
    if not path.startswith("/") or "\0" in path or "\\" in path or ".." in path.split("/"):
        return None
    best: tuple[str, str] | None = None
    for directory, prefix in roots:
        if (path == directory or path.startswith(directory + "/")) and (
            best is None or len(directory) > len(best[0])
        ):
            best = directory, prefix
    return None if best is None else best[1] + path[len(best[0]) + 1 :]


def lookups(rounds: int) -> None:
    """Compare a lookup among fifty roots."""
    roots = [(f"/srv/tenants/{i:03}/private", f"/_private/{i:03}/") for i in range(LOOKUPS)]
    path = "/srv/tenants/037/private/videos/2026/puppies.mp4"
    path_map = PathMap(roots)
    if path_map.find(path) != in_python(roots, path):
        raise RuntimeError("the two look-ups find different paths")

    def microseconds(call: Callable[[], object]) -> Callable[[], float]:
        timer = timeit.Timer(call)
        return lambda: timer.timeit(5000) / 5000 * 1e6

    figures = compare(
        f"PathMap.find among {LOOKUPS} roots, µs",
        {
            "xaccel": microseconds(lambda: path_map.find(path)),
            "a loop in Python": microseconds(lambda: in_python(roots, path)),
        },
        rounds,
    )
    print(f"  {'(target for xaccel: <= 1.5 µs)':44}")
    ratio(figures["a loop in Python"], figures["xaccel"], "times faster than the loop", 5)


def files(rounds: int, seconds: int) -> None:
    """Compare files of 100 kB and 10 MB that nginx sends."""
    for kind, worker in WORKERS.items():
        with (
            tempfile.TemporaryDirectory() as temporary,
            site(Path(temporary), worker) as address,
        ):
            run = partial(runs, address, seconds)
            small = compare(
                f"100 kB through nginx and {kind}, requests a second",
                {
                    "send_private_file": run("xaccel/100k.bin"),
                    "a view that writes the header by hand": run("by-hand/100k.bin"),
                    "the app sends it: flask.send_file": run("app/100k.bin"),
                    "limit: a static file of nginx": run("static/100k.bin"),
                },
                rounds,
            )
            ours, by_hand, app, static = small.values()
            ratio(ours, by_hand, "compared with the header written by hand", 0.9)
            ratio(ours, app, "compared with sending from the app", 2)
            ratio(by_hand, app, "by hand, compared with sending from the app")
            ratio(ours, static, "compared with the static file")
            large = compare(
                f"10 MB through nginx and {kind}, requests a second",
                {
                    "send_private_file": run("xaccel/10m.bin", connections=4),
                    "a static file of nginx": run("static/10m.bin", connections=4),
                },
                rounds,
            )
            ratio(*large.values(), "compared with the static file", 0.9)


def runs(address: str, seconds: int, path: str, connections: int = 16) -> Callable[[], float]:
    """Return a function that runs wrk for a short time at each call."""
    return partial(requests_a_second, f"{address}/{path}", seconds, connections)


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=1, help="the duration of each run of wrk")
    options = parser.parse_args()
    lookups(options.rounds)
    files(options.rounds, options.seconds)


if __name__ == "__main__":
    main()
