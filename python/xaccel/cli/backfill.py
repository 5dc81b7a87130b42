"""`xaccel backfill`: render the thumbnails of many images before visitors request them."""

from __future__ import annotations

import argparse
import contextlib
import mimetypes
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from xaccel._core import Spec, available_parallelism
from xaccel.cli import app_config
from xaccel.cli.help import add_command
from xaccel.cli.processes import Processes
from xaccel.cli.progress import Progress
from xaccel.exceptions import ConfigError, Overloaded, XaccelError
from xaccel.tasks import tasks_of
from xaccel.thumbnails import sources
from xaccel.thumbnails.tasks import ThumbnailTasks

_EXAMPLES = 3
"""The maximum number of examples that the summary lists for each cause of failure."""
_PAUSE = 0.2
"""The number of seconds to wait before retrying a thumbnail when the queue is full."""
_INTERRUPTED = 130


def add(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = add_command(
        commands,
        "backfill",
        summary="render thumbnails before visitors request them",
        description="Render the thumbnails of all images in a source, and write them to "
        "THUMBNAIL_CACHE. Thumbnails that already exist are skipped, so you can stop the command "
        "at any time with Ctrl-C and start it again.",
        examples=[
            "xaccel backfill --app shop:app",
            "xaccel backfill --app shop:app avatar 300x200,cover --prefix people/",
            "xaccel backfill --settings shop.settings --field shop.Photo.image --version mtime",
            "find photos -newer stamp | xaccel backfill --app shop:app --names -",
        ],
        notes=[
            (
                "Pass the version that your templates pass to thumbnail_url(), because it is part "
                "of the URL. With --field, crops use the focal point of the model instance, as in "
                "templates."
            ),
            (
                "Exit status: 0 if all thumbnails exist, 1 if some can't be rendered, 2 if the "
                "arguments or the settings are invalid, 130 after Ctrl-C."
            ),
        ],
    )
    parser.set_defaults(run=_run)
    parser.add_argument(
        "spec",
        nargs="*",
        help="a preset, or a spec such as 300x200,cover (default: all of THUMBNAIL_PRESETS)",
    )
    app_config.add_options(parser)
    _add_images(parser)
    _add_work(parser)


def _add_images(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("images")
    group.add_argument(
        "--source", metavar="NAME", help="one of THUMBNAIL_SOURCES (default: THUMBNAIL_SOURCE)"
    )
    group.add_argument(
        "--prefix",
        default="",
        help="select only images whose names begin with PREFIX, such as people/",
    )
    which = group.add_mutually_exclusive_group()
    which.add_argument(
        "--field",
        metavar="APP.MODEL.FIELD",
        help="the images in a field of a Django model, such as shop.Photo.image",
    )
    which.add_argument(
        "--names",
        metavar="FILE",
        help="a file with the names of the images, one per line, or - for standard input; required "
        "for a source on another web server, because such a source can't be listed",
    )
    group.add_argument(
        "--version",
        metavar="VERSION",
        help="mtime if your templates pass version='mtime'; with --field, it can also be the name "
        "of another field of the model, such as updated_at for version=photo.updated_at",
    )


def _add_work(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("work")
    group.add_argument(
        "--processes",
        type=int,
        metavar="N",
        help="the number of processes (default: one for each CPU); the command and the app "
        "together render at most THUMBNAIL_WORKERS images at once",
    )
    group.add_argument(
        "--dry-run", action="store_true", help="render nothing; count the missing thumbnails"
    )
    group.add_argument(
        "--celery",
        action="store_true",
        help="render nothing; enqueue a task for each image (see xaccel.celery)",
    )


@dataclass(frozen=True, slots=True)
class Item:
    """An image, and the specs to render it with."""

    name: str
    specs: tuple[str, ...]
    version: str | None = None
    """`mtime` if the rendering process must get the image's version from the source."""


@dataclass(slots=True)
class Outcome:
    """The result for one image."""

    made: int = 0
    """The number of thumbnails that were rendered or, with `--dry-run`, are missing."""
    found: int = 0
    """The number of thumbnails that already existed."""
    failures: list[tuple[str, str]] = field(default_factory=list)
    """The cause and the message of each failure."""


@dataclass(slots=True)
class _Total:
    images: int = 0
    made: int = 0
    found: int = 0
    skipped: int = 0
    failures: dict[str, list[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, item: Item, outcome: Outcome, *, is_listed: bool) -> None:
        self.images += 1
        self.made += outcome.made
        self.found += outcome.found
        for cause, message in outcome.failures:
            # A directory listing also contains files that are not images.
            if is_listed and cause == "UnsupportedImage" and _type_of(item.name) is None:
                self.skipped += 1
                return
            self.fail(cause, message)

    def fail(self, cause: str, message: str) -> None:
        self.counts[cause] += 1
        examples = self.failures.setdefault(cause, [])
        if len(examples) < _EXAMPLES and message not in examples:
            examples.append(message)


def _run(options: argparse.Namespace) -> int:
    config = app_config.load(options)
    if config.thumbnail_cache is None and not options.celery:
        raise ConfigError("XACCEL['THUMBNAIL_CACHE'] is not set, so thumbnails can't be stored")
    if options.processes is not None and options.processes < 1:
        raise ConfigError(f"--processes must be at least 1, not {options.processes}")
    is_django = options.settings is not None or not app_config.is_named(options)
    tasks = tasks_of(None if is_django else config)
    specs = tasks.specs(options.spec)
    total = _Total()
    images = _images(options, tasks, specs, total)
    if options.celery:
        return _enqueue(images, total)
    if config.thumbnail_cache is not None and not options.dry_run:
        Path(config.thumbnail_cache).mkdir(parents=True, exist_ok=True)
    run = partial(_fill, tasks, is_dry_run=options.dry_run)
    processes = Processes(
        run, options.processes or available_parallelism(), on_death=lambda _: _DEATH
    )
    progress = Progress(images.count(), "image")
    try:
        with _stops(processes) as was_stopped:
            for item, outcome in processes.results(images.items()):
                total.add(item, outcome, is_listed=images.is_listed)
                progress.advance()
    finally:
        progress.close()
        processes.close()
    _print_summary(total, is_dry_run=options.dry_run)
    if was_stopped():
        print("stopped; run the same command again to render the other thumbnails")
        return _INTERRUPTED
    return 1 if total.counts else 0


_DEATH = Outcome(
    failures=[("the process died", "see the system log; the machine may have run out of memory")]
)


@contextlib.contextmanager
def _stops(processes: Processes[Item, Outcome]) -> Iterator[Callable[[], bool]]:
    """Finish the images in progress after the first Ctrl-C; exit at once after the second."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in kept.items():
            signal.signal(number, handler)

    def stop(*_: object) -> None:
        processes.is_stopping = True
        restore()

    for number in kept:
        signal.signal(number, stop)
    try:
        yield lambda: processes.is_stopping
    finally:
        restore()


@dataclass(frozen=True)
class _Images:
    """The images that a command processes."""

    count: Callable[[], int | None]
    """Returns the number of images, or `None` if they can't be counted in advance."""
    items: Callable[[], Iterator[Item]]
    is_listed: bool = False
    """Whether the images come from a listing of all files in the source."""


def _images(
    options: argparse.Namespace, tasks: ThumbnailTasks, specs: list[Spec], total: _Total
) -> _Images:
    if options.field is not None:
        return _rows(options, tasks, specs, total)
    if options.version not in {None, "mtime"}:
        raise ConfigError(
            f"--version {options.version} needs --field, because it is a field of the "
            "model; without --field, only mtime is supported"
        )

    def items(names: Iterable[str]) -> Iterator[Item]:
        for name in names:
            try:
                found = tasks.request(name, specs)
            except XaccelError as error:
                total.fail(type(error).__name__, str(error))
            else:
                if found is not None and found[0].startswith(prefix):
                    yield Item(found[0], tuple(found[1]), options.version)

    prefix = (f"~{options.source}/" if options.source else "") + options.prefix
    if options.names is not None:
        return _named(options.names, items)
    tasks.urls.name(f"{prefix}x")  # raises an error if the source does not exist
    names = partial(_listed, tasks, prefix)
    return _Images(lambda: sum(1 for _ in names()), lambda: items(names()), is_listed=True)


def _rows(
    options: argparse.Namespace, tasks: ThumbnailTasks, specs: list[Spec], total: _Total
) -> _Images:
    if "django.conf" not in sys.modules:
        raise ConfigError("--field requires Django: specify its settings with --settings")
    from xaccel.django.rows import ImageRows  # noqa: PLC0415

    of_row = options.version if options.version != "mtime" else None
    rows = ImageRows(options.field, prefix=options.prefix, version_field=of_row)

    def items() -> Iterator[Item]:
        for image, version in rows:
            try:
                found = tasks.request(image, specs, version)
            except XaccelError as error:
                total.fail(type(error).__name__, str(error))
            else:
                if found is not None:
                    yield Item(found[0], tuple(found[1]), None if of_row else options.version)

    return _Images(rows.count, items)


def _named(file: str, items: Callable[[Iterable[str]], Iterator[Item]]) -> _Images:
    if file == "-":
        return _Images(lambda: None, lambda: items(_lines("/dev/stdin")))
    if not Path(file).is_file():
        raise ConfigError(f"--names {file}: there is no such file")
    return _Images(lambda: sum(1 for _ in _lines(file)), lambda: items(_lines(file)))


def _lines(file: str) -> Iterator[str]:
    with open(file, encoding="utf-8", errors="surrogateescape") as lines:  # noqa: PTH123
        for line in lines:
            name = line.rstrip("\r\n")
            if name:
                yield name


def _listed(tasks: ThumbnailTasks, prefix: str) -> Iterator[str]:
    """Yield the names of the files in a source that may be images."""
    config = tasks.config
    cache = os.path.realpath(config.thumbnail_cache or "/dev/null/none")
    bases = {
        place.prefix: os.path.realpath(place.location)
        for place in config.source_locations
        if place.location.startswith("/")
    }
    start = f"{prefix.partition('/')[0]}/" if prefix.startswith("~") else ""
    base = bases.get(start)
    # The cache may be inside the source directory.
    inside = None
    if base is not None and cache.startswith(f"{base}/"):
        inside = start + cache.removeprefix(f"{base}/") + "/"
    for name in sources.get(config).names(prefix):
        if inside is not None and name.startswith(inside):
            continue
        kind = _type_of(name)
        if kind is None or kind.startswith("image/"):
            yield name


def _type_of(name: str) -> str | None:
    return mimetypes.guess_type(name)[0]


def _fill(tasks: ThumbnailTasks, item: Item, *, is_dry_run: bool) -> Outcome:
    """Render the thumbnails of an image. Errors are recorded, so they do not end the command."""
    outcome = Outcome()
    for text in item.specs:
        try:
            spec = tasks.urls.versioned(item.name, text, item.version)
            for thumbnail in tasks.thumbnails(item.name, spec):
                if is_dry_run:
                    is_made = not tasks.endpoint.delivery.is_finished(thumbnail)
                else:
                    is_made = _patiently(partial(tasks.keep, thumbnail))
                outcome.made += is_made
                outcome.found += not is_made
        except Exception as error:  # noqa: BLE001
            outcome.failures.append((type(error).__name__, f"{item.name!r}: {error}"))
    return outcome


def _patiently(keep: Callable[[], bool]) -> bool:
    """Call `keep`, but wait while the queue is full, because visitors take precedence."""
    while True:
        try:
            return keep()
        except Overloaded:
            time.sleep(_PAUSE)


def _enqueue(images: _Images, total: _Total) -> int:
    try:
        from xaccel import celery  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError(f"--celery needs the package {error.name}: install xaccel[celery]") from (
            None
        )
    enqueue = celery.enqueuer()
    progress = Progress(images.count(), "image")
    try:
        for item in images.items():
            enqueue(item.name, item.specs, item.version)
            total.images += 1
            progress.advance()
    finally:
        progress.close()
    print(f"enqueued {_number(total.images, 'task')}")
    _print_failures(total)
    return 1 if total.counts else 0


def _print_summary(total: _Total, *, is_dry_run: bool) -> None:
    verb = "would render" if is_dry_run else "rendered"
    parts = [f"{verb} {_number(total.made, 'thumbnail')}", f"{total.found} already existed"]
    if total.skipped:
        parts.append(f"{total.skipped} skipped because they are not images")
    print(f"{_number(total.images, 'image')}: {', '.join(parts)}")
    _print_failures(total)


def _print_failures(total: _Total) -> None:
    for cause, count in total.counts.most_common():
        print(f"{count} failed: {cause}")
        for message in total.failures[cause]:
            print(f"    {message}")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
