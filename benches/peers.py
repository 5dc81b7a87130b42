"""Servers that make thumbnails, for the benchmarks: thumbor, nginx's image_filter and xaccel."""

from __future__ import annotations

import contextlib
import getpass
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.servers.process import HOST, free_port, running
from tests.support.servers.s3 import S3Server

KEY = "a key of more than 16 bytes"

THUMBOR = """
SECURITY_KEY = {key!r}
QUALITY = {quality}
{loader}
RESULT_STORAGE = {storage!r}
RESULT_STORAGE_FILE_STORAGE_ROOT_PATH = {results!r}
STORAGE = "thumbor.storages.no_storage"
"""

FILE_LOADER = """
LOADER = "thumbor.loaders.file_loader"
FILE_LOADER_ROOT_PATH = {root!r}
"""

# Without a configured bucket, the path of an image begins with the name of its bucket. The loader
# reads the settings of the storage, although it does not use them, and only the storage defines
# their defaults.
S3_LOADER = """
LOADER = "thumbor_aws.loader"
AWS_LOADER_S3_ENDPOINT_URL = {server.endpoint!r}
AWS_LOADER_REGION_NAME = {server.region!r}
AWS_LOADER_S3_ACCESS_KEY_ID = {server.access_key!r}
AWS_LOADER_S3_SECRET_ACCESS_KEY = {server.secret_key!r}
AWS_LOADER_BUCKET_NAME = ""
AWS_LOADER_ROOT_PATH = ""
AWS_STORAGE_S3_ENDPOINT_URL = AWS_STORAGE_REGION_NAME = None
AWS_STORAGE_S3_ACCESS_KEY_ID = AWS_STORAGE_S3_SECRET_ACCESS_KEY = None
"""

IMAGE_FILTER = """
load_module modules/ngx_http_image_filter_module.so;
user {user};
worker_processes {workers};
daemon off;
pid {directory}/pid;
error_log {directory}/error.log;
events {{}}
http {{
    access_log off;
    server {{
        listen {host}:{port};
        location ~ "^/(?<width>[0-9]+)x(?<height>[0-9]+)/(?<name>.+)$" {{
            alias {root}/$name;
            image_filter resize $width $height;
            image_filter_jpeg_quality {quality};
            image_filter_buffer 50M;
        }}
    }}
}}
"""

APP = """
import xaccel

def app(environ, start_response):
    side, name = environ["PATH_INFO"].lstrip("/").split("/", 1)
    made = xaccel.thumbnail(f"{root}/{{name}}", int(side), int(side), fit="contain",
                            quality={quality})
    start_response("200 OK", [("Content-Type", made.media_type),
                              ("Content-Length", str(len(made.data)))])
    return [made.data]
"""


class Server:
    """A server process, and the processor time that it and its children have used."""

    def __init__(self, port: int, pid: int) -> None:
        self.port, self.pid = port, pid

    def url(self, path: str) -> str:
        return f"http://{HOST}:{self.port}/{path.lstrip('/')}"

    def seconds(self) -> float:
        """The processor time so far, in seconds."""
        ticks = 0
        for process in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = process.read_text().rpartition(")")[2].split()
                if int(process.parent.name) == self.pid or int(fields[1]) == self.pid:
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


def thumbor(
    directory: Path,
    stack: contextlib.ExitStack,
    originals: Path | S3Server,
    *,
    quality: int,
    processes: int,
    results: Path | None = None,
) -> Server:
    """Run thumbor. If `results` is given, thumbor stores finished thumbnails in that directory.

    The originals are in a directory or in the buckets of a store. In a store, `bucket/key` is the
    path.
    """
    config = directory / "thumbor.conf"
    if isinstance(originals, Path):
        loader = FILE_LOADER.format(root=str(originals))
    else:
        loader = S3_LOADER.format(server=originals)
    storage = "thumbor.result_storages.file_storage" if results else None
    config.write_text(
        THUMBOR.format(
            key=KEY, quality=quality, loader=loader, storage=storage, results=str(results)
        )
    )
    port = free_port()
    command = (
        *(sys.executable, "-m", "thumbor.server", "-i", HOST, "-p", str(port)),
        *("-c", str(config), f"--processes={processes}"),
    )
    return Server(port, stack.enter_context(running(command, port, directory / "thumbor.log")))


def image_filter(
    directory: Path,
    stack: contextlib.ExitStack,
    root: Path,
    *,
    quality: int,
    workers: int | str = "auto",
) -> Server:
    """Run nginx's own resizer at `/WIDTHxHEIGHT/NAME`, without a cache in front of it."""
    port = free_port()
    config = directory / "image_filter.conf"
    config.write_text(
        IMAGE_FILTER.format(
            directory=directory,
            host=HOST,
            port=port,
            root=root,
            quality=quality,
            workers=workers,
            user=getpass.getuser(),
        )
    )
    command = ("nginx", "-e", str(directory / "filter.log"), "-c", str(config))
    pid = stack.enter_context(running(command, port, directory / "image_filter.log"))
    return Server(port, pid)


def bare_app(
    directory: Path, stack: contextlib.ExitStack, root: Path, *, quality: int, workers: int
) -> Server:
    """Run Gunicorn with an app that only calls `thumbnail()` at `/SIDE/NAME`."""
    (directory / "bare_app.py").write_text(APP.format(root=root, quality=quality))
    port = free_port()
    command = (
        *(sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{port}", f"--workers={workers}"),
        *("--threads=4", "--keep-alive=60", "--no-control-socket"),
        *("--chdir", str(directory), "bare_app:app"),
    )
    return Server(port, stack.enter_context(running(command, port, directory / "app.log")))
