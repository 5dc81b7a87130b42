"""Check whether the site renders thumbnails, refuses changed URLs and negotiates formats."""

from __future__ import annotations

import contextlib
import itertools
import secrets
from collections.abc import Generator, Iterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

from xaccel.config import Config, SourceLocation
from xaccel.doctor import cache
from xaccel.doctor.client import Reply, Site
from xaccel.doctor.report import Result, finding, ok, skipped
from xaccel.doctor.samples import files, marker, picture
from xaccel.thumbnails import engines
from xaccel.thumbnails.engines.base import Engine

_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
_MOST_IMAGES = 5
_UNUSABLE = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
_FIXES = {
    403: "Install the secrets of the current keys with `xaccel config … --out DIR`, and reload the "
    "server; if they are already installed, let the server's user read THUMBNAIL_CACHE and enter "
    "the directories above it.",
    404: "Let the server pass THUMBNAIL_URL on to the app, and add the endpoint to the app.",
}


def check_thumbnails(site: Site, _: Reply) -> Iterator[Result]:
    """Request a thumbnail of an image in each source directory."""
    config = site.config
    if config is None or not config.has_thumbnails or config.thumbnail_engine_url:
        yield skipped(
            "thumbnails", "According to the settings, this site does not render thumbnails."
        )
        return
    if config.thumbnail_cache is not None and config.has_thumbnail_endpoint:
        problem = cache.problem(Path(config.thumbnail_cache))
        yield problem or ok("cache", "The app can write to the cache.")
        if problem is not None:
            return
    directories = [place for place in config.source_locations if place.is_directory]
    if not directories:
        yield skipped("thumbnails", "THUMBNAIL_SOURCE is not a directory.")
        return
    # Request the thumbnail from this site, not from a cache at THUMBNAIL_HOST.
    engine = engines.get(replace(config, thumbnail_host=None))
    for place in directories:
        results = _check_source(site, config, engine, place)
        # The other checks do not depend on the source.
        yield from results if place is directories[0] else itertools.islice(results, 1)
        results.close()


def _check_source(
    site: Site, config: Config, engine: Engine, place: SourceLocation
) -> Generator[Result]:
    source = place.location
    with (
        marker(source, picture(), ending=".png") as own,
        _specs(config, own) as (spec, negotiated),
    ):
        # A single broken upload does not mean that the site is broken, so try several images.
        images = [own] if own else itertools.islice(files(source, _IMAGES), _MOST_IMAGES)
        for image in images:
            name = place.prefix + image.relative_to(source).as_posix()
            url = engine.url(name, spec, mount=config.mount)
            replies = [site.request(url) for _ in range(2)]
            if image == own or replies[-1].status not in _UNUSABLE:
                yield from _thumbnail(site, config, place, name, url, replies[-1])
                if negotiated is not None and replies[-1].status == HTTPStatus.OK:
                    yield _negotiation(site, engine.url(name, negotiated, mount=config.mount))
                return
        yield skipped(
            "thumbnails", f"{place.setting} does not contain an image that can be rendered."
        )


@contextlib.contextmanager
def _specs(config: Config, own: Path | None) -> Iterator[tuple[str, str | None]]:
    """Yield the specs to request: a plain spec and, if formats are negotiated, one with `auto`.

    When the block ends, the thumbnails that only this check uses are removed: thumbnails with the
    doctor's version, and thumbnails of the doctor's image.
    """
    version = f"v-{secrets.token_urlsafe(6)}"
    removed: str | None = "*"
    specs: tuple[str, str | None] = f"32x-,{version}", f"32x-,auto,{version}"
    if config.thumbnail_only_presets:
        specs = next(iter(config.thumbnail_presets.values())), None
        removed = f"{own.name}*" if own is not None else None
    elif not config.has_thumbnail_endpoint:
        specs, removed = ("32x-", None), None
    elif not config.thumbnail_formats:
        specs = specs[0], None
    try:
        yield specs
    finally:
        if config.thumbnail_cache is not None and removed is not None:
            for spec in filter(None, specs):
                cache.remove(Path(config.thumbnail_cache), config, spec, removed)


def _thumbnail(  # noqa: PLR0917
    site: Site, config: Config, place: SourceLocation, name: str, url: str, last: Reply
) -> Iterator[Result]:
    if last.status != HTTPStatus.OK:
        yield finding(
            "thumbnails",
            f"The site responds with {last.status} to a URL with a valid signature, for an image "
            f"in {place.setting}.",
            "Visitors see broken images.",
            _FIXES.get(last.status, "Look at the logs of the app and of the server."),
        )
        return
    yield ok("thumbnails", f"The site renders thumbnails of images in {place.setting}.")
    if not config.thumbnail_only_presets:
        yield _signature(site, url)
    yield cache.hits(site, config, name, last)


def _signature(site: Site, url: str) -> Result:
    reply = site.request(url.replace("/32x-", "/33x-", 1))
    if reply.status == HTTPStatus.FORBIDDEN:
        return ok("signature", "The site refuses a changed URL.")
    return finding(
        "signature",
        f"The site responds with {reply.status} to a changed URL.",
        "Visitors can request thumbnails of any size, and overload the site.",
        "Make the server verify signatures before it sends a thumbnail without the app: install "
        "the configuration that `xaccel config` writes.",
    )


def _negotiation(site: Site, url: str) -> Result:
    # A cache that ignores Accept sends both browsers the same response, whichever asks first.
    plain = site.request(url, Accept="image/png,image/jpeg")
    modern = site.request(url, Accept="image/webp,image/*")
    types = [reply.headers.get_content_type() for reply in (modern, plain)]
    varies = all("accept" in (reply.headers["Vary"] or "").lower() for reply in (modern, plain))
    if types[0] == "image/webp" and types[1] != "image/webp" and varies:
        return ok("accept", "Each browser gets a format that it supports.")
    return finding(
        "accept",
        f"A browser that supports WebP gets {types[0]}, and one that does not gets {types[1]}"
        + ("." if varies else ", and `Vary: Accept` is missing."),
        "Browsers get images that are larger than needed, or images that they can't display.",
        "Let the server and any cache in front of it pass the header Accept on to the app, and "
        "keep `Vary: Accept`; remove `proxy_set_header Accept …`.",
    )
