"""Check that the app can write to the thumbnail cache, and that the server reads from it."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from xaccel import health
from xaccel._core import Spec
from xaccel.config import Config
from xaccel.doctor.client import Reply, Site
from xaccel.doctor.report import Result, finding, ok, skipped
from xaccel.doctor.samples import marker
from xaccel.servers import dialects
from xaccel.thumbnails import engines


def problem(cache: Path) -> Result | None:
    """Return a finding if the app can't write to its cache."""
    check = health.check_cache(cache)
    if not check.problem:
        return None
    return finding(
        check.name,
        f"The app can't write to THUMBNAIL_CACHE {str(cache)!r}.",
        check.consequence,
        f"{check.fix.removesuffix('.')}, and run `xaccel doctor` as the app's user.",
    )


def remove(cache: Path, config: Config, spec: str, names: str) -> None:
    """Remove the finished thumbnails of a spec if their names match a pattern."""
    directory = cache / f"{config.thumbnail_url}{spec}".lstrip("/")
    for path in directory.rglob(names):
        with contextlib.suppress(OSError):
            path.unlink()
    for path in (*sorted(directory.rglob("*"), reverse=True), directory):
        with contextlib.suppress(OSError):
            path.rmdir()


def hits(site: Site, config: Config, name: str, last: Reply) -> Result:
    """Check whether the server sends finished thumbnails without the app.

    Args:
        site: The site.
        config: Its settings.
        name: The name of an image in the source.
        last: The response to the second request for one of the image's thumbnails.
    """
    if config.thumbnail_engine == "image-filter":
        is_hit = last.headers["X-Cache-Status"] == "HIT"
    elif config.thumbnail_cache is None or not dialects.named(config.server).sends_thumbnails:
        return skipped(
            "hits", "Only nginx with THUMBNAIL_CACHE sends finished thumbnails without the app."
        )
    else:
        cache = Path(config.thumbnail_cache)
        is_hit = not config.thumbnail_only_presets and _finds_marker(site, config, cache)
        if not is_hit:
            with _outside(config, cache) as outside:
                if outside is None:
                    return skipped(
                        "hits", "This check needs a writable directory outside the cache."
                    )
                is_hit = _follows_link(site, config, name, cache, outside)
    if is_hit:
        return ok("hits", "The server sends finished thumbnails without the app.")
    return finding(
        "hits",
        "The server asks the app for finished thumbnails.",
        "Each image on a page occupies a worker of the app.",
        "Install the configuration that `xaccel config nginx` writes: a location with "
        "THUMBNAIL_CACHE as its `root` (with the engine image-filter, a location with "
        "`proxy_cache`); no other location may take precedence, and the server's user must be able "
        "to read THUMBNAIL_CACHE.",
    )


@contextlib.contextmanager
def _outside(config: Config, cache: Path) -> Iterator[Path | None]:
    """Yield a marker file that is outside the cache, but readable by the server's user."""
    with contextlib.ExitStack() as stack:
        places = (*map(Path, config.roots), cache.parent)
        found = (stack.enter_context(marker(place)) for place in places)
        yield next(filter(None, found), None)


def _finds_marker(site: Site, config: Config, cache: Path) -> bool:
    """Whether the server finds a file in the cache under a name that the app refuses.

    A server that verifies signatures itself finds the file, because it does not ask the app.
    """
    name, content = f"doctor-{secrets.token_hex(8)}", secrets.token_bytes(16)
    path = f"{config.thumbnail_url}{name}/marker"
    directory = cache / path.lstrip("/").removesuffix("/marker")
    try:
        directory.mkdir(parents=True)
        (directory / "marker").write_bytes(content)
        return site.request(config.signer().sign_path(path)).body == content
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _follows_link(site: Site, config: Config, name: str, cache: Path, outside: Path) -> bool:
    """Whether the server, unlike the app, follows a symbolic link out of the cache.

    The link replaces a thumbnail made for this check. If the server asks the app to verify
    signatures, it asks once for each URL, so the thumbnail is requested before it is replaced.
    """
    if config.thumbnail_only_presets:
        spec, name = next(iter(config.thumbnail_presets.values())), f"doctor-{secrets.token_hex(8)}"
    else:
        spec = f"32x-,v-{secrets.token_urlsafe(6)}"
    url = engines.get(config).url(name, spec)
    link = cache / f"{config.thumbnail_url}{spec}/{name}".lstrip("/")
    image_format = Spec.parse(spec).format
    if image_format is not None:
        link = link.with_name(f"{link.name}.{image_format}")
    try:
        site.request(url)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(outside.resolve())
        return site.request(url).body == outside.read_bytes()
    finally:
        link.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            link.parent.rmdir()
