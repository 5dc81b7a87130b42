"""A Django page of a hundred thumbnails: xaccel's drop-ins compared with the packages themselves.

Each package runs in its own process, with SQLite in a file. At the first view, there are no
thumbnails yet: the peers render all of them, while the drop-ins only generate URLs. The warm view
is the fastest of the later views, because other work on the machine can only slow a view down.

The images are first in a directory, then in a storage without paths. Such a storage resembles a
bucket, but without the latency, which would slow down only the peers. sorl-thumbnail also runs with
Redis, for which the benchmark starts its own server.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

IMAGES = 100
VIEWS = 61
PATIENCE = 20
"""The number of seconds after which no further view of a page begins. Redis must start within the
same time."""
LEAST_FIRST, LEAST_WARM = 20, 3

SORL = (
    '{% load thumbnail %}{% for photo in photos %}{% thumbnail photo.image "300x200" crop="center"'
    ' as im %}<img src="{{ im.url }}" width="{{ im.width }}" height="{{ im.height }}">'
    "{% endthumbnail %}{% endfor %}"
)
EASY = (
    "{% load thumbnail %}{% for photo in photos %}{% thumbnail photo.image 300x200 crop as im %}"
    '<img src="{{ im.url }}" width="{{ im.width }}" height="{{ im.height }}">{% endfor %}'
)
SORL_DROP_IN, EASY_DROP_IN = "xaccel.django.sorl", "xaccel.django.easy_thumbnails"
PAGES = {
    "sorl.thumbnail": SORL,
    SORL_DROP_IN: SORL,
    "easy_thumbnails": EASY,
    EASY_DROP_IN: EASY,
}
REDIS_STORE = "sorl.thumbnail.kvstores.redis_kvstore.KVStore"
CACHED_DIMENSIONS = {"THUMBNAIL_CACHE_DIMENSIONS": True}


def measure(package: str, storage: str, options: dict[str, object]) -> None:
    """Print the time of the first view and of a warm view, in seconds, as JSON."""
    import django
    from django.conf import settings
    from django.core.files.base import File
    from django.core.files.storage import Storage

    directory = Path.cwd()

    class WithoutPaths(Storage):
        """A storage that can only open, save and look for files."""

        def _open(self, name: str, mode: str = "rb") -> File:
            return File((directory / name).open(mode))

        def _save(self, name: str, content: File) -> str:
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(content.chunks()))
            return name

        def exists(self, name: str) -> bool:
            return (directory / name).exists()

        def delete(self, name: str) -> None:
            (directory / name).unlink(missing_ok=True)

        def url(self, name: str) -> str:
            return f"https://cdn.example/{name}"

        def get_modified_time(self, name: str) -> object:
            from django.utils.timezone import now

            return now().fromtimestamp((directory / name).stat().st_mtime, now().tzinfo)

    bench_storage = ModuleType("bench_storage")
    bench_storage.WithoutPaths = WithoutPaths  # type: ignore[attr-defined]
    sys.modules["bench_storage"] = bench_storage
    backends = {
        "directory": "django.core.files.storage.FileSystemStorage",
        "storage": "bench_storage.WithoutPaths",
    }
    chosen = {"BACKEND": backends[storage]}
    settings.configure(
        SECRET_KEY="0123456789abcdef",
        USE_TZ=True,
        INSTALLED_APPS=[package],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "bench.sqlite3"}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        MEDIA_ROOT=str(directory),
        MEDIA_URL="/media/",
        STORAGES={"default": chosen, "easy_thumbnails": chosen},
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ],
        **options,
    )
    django.setup()
    from django.core.management import call_command
    from django.db import connection, models
    from django.template import engines

    class Photo(models.Model):  # noqa: DJ008
        image = models.ImageField(width_field="width", height_field="height")
        width = models.IntegerField()
        height = models.IntegerField()

        class Meta:
            app_label = "bench"

    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Photo)
    for number in range(IMAGES):
        Photo.objects.bulk_create([Photo(image=f"{number}.jpg", width=1600, height=1200)])
    page = engines["django"].from_string(PAGES[package])
    seconds = []
    end = time.perf_counter() + PATIENCE
    while len(seconds) < 2 or (len(seconds) < VIEWS and time.perf_counter() < end):
        start = time.perf_counter()
        html = page.render({"photos": Photo.objects.all()})
        seconds.append(time.perf_counter() - start)
        assert html.count('width="300" height="200"') == IMAGES
    sys.stdout.write(json.dumps([seconds[0], min(seconds[1:])]))


def run(package: str, storage: str, options: dict[str, object]) -> tuple[float, float]:
    """Measure in a new process, with new images and an empty database."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as directory:
        noise = Image.effect_noise((1600, 1200), 30).convert("RGB")
        noise.save(Path(directory) / "0.jpg", quality=85)
        for number in range(1, IMAGES):
            os.link(Path(directory) / "0.jpg", Path(directory) / f"{number}.jpg")
        done = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), package, storage, json.dumps(options)],
            cwd=directory,
            check=True,
            capture_output=True,
            text=True,
        )
    first, warm = json.loads(done.stdout)
    print(f"  {package:30} first {1000 * first:9.1f} ms   warm {1000 * warm:7.1f} ms", flush=True)
    return first, warm


@contextlib.contextmanager
def redis_server() -> Iterator[int]:
    """Run Redis in memory, and yield its port."""
    command = shutil.which("redis-server")
    if command is None:
        sys.exit("redis-server is missing: run scripts/install-packages bench")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with subprocess.Popen([command, *options], stdout=subprocess.DEVNULL) as server:
        try:
            end = time.monotonic() + PATIENCE
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                if server.poll() is not None or time.monotonic() > end:
                    sys.exit("redis-server did not start")
                time.sleep(0.05)
            yield port
        finally:
            server.terminate()


def main(redis_port: int) -> None:
    """Run all packages, and print how many times faster the drop-ins are."""
    redis = {"THUMBNAIL_KVSTORE": REDIS_STORE, "THUMBNAIL_REDIS_PORT": redis_port}
    pairs: list[tuple[str, str, str, dict[str, object]]] = [
        ("sorl-thumbnail", "sorl.thumbnail", SORL_DROP_IN, {}),
        ("sorl-thumbnail with Redis", "sorl.thumbnail", SORL_DROP_IN, redis),
        ("easy-thumbnails", "easy_thumbnails", EASY_DROP_IN, CACHED_DIMENSIONS),
    ]
    for storage in ("directory", "storage"):
        for title, peer, drop_in, options in pairs:
            print(f"{title}, images in a {storage}")
            # Redis still contains the thumbnails of the other storage.
            new = {"THUMBNAIL_KEY_PREFIX": f"bench-{time.time_ns()}"}
            theirs, ours = run(peer, storage, {**options, **new}), run(drop_in, storage, {})
            first, warm = (a / b for a, b in zip(theirs, ours, strict=True))
            print(
                f"  first view {first:.0f} times faster (at least {LEAST_FIRST} expected), "
                f"warm view {warm:.1f} times (at least {LEAST_WARM} expected)"
            )


if len(sys.argv) > 1:
    measure(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
else:
    with redis_server() as port:
        main(port)
