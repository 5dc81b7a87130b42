"""Whether the site makes thumbnails, refuses changed URLs and negotiates formats."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from xaccel.config import Config
from xaccel.doctor import cache
from xaccel.doctor.client import Reply, Site
from xaccel.doctor.report import Result, finding, ok, skipped
from xaccel.doctor.samples import first_file
from xaccel.thumbnails import engines

_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
_FIXES = {
    403: "Install the secrets of the current keys with `xaccel config … --out DIR`, and reload the "
    "server; if they are installed, let the server's user read THUMBNAIL_CACHE and enter the "
    "directories above it.",
    404: "Let the server pass THUMBNAIL_URL on to the app, and add the endpoint to the app.",
}


def check_thumbnails(site: Site, _: Reply) -> Iterator[Result]:
    """Request a thumbnail of an image in the source directory."""
    config = site.config
    if config is None or not config.has_thumbnails or config.thumbnail_engine_url:
        yield skipped("thumbnails", "The settings have no thumbnails that this site makes.")
        return
    if config.thumbnail_cache is not None and config.has_thumbnail_endpoint:
        problem = cache.problem(Path(config.thumbnail_cache))
        yield problem or ok("cache", "The app can write to the cache.")
        if problem is not None:
            return
    source = config.thumbnail_source
    image = first_file(source, _IMAGES) if source and source.startswith("/") else None
    if source is None or image is None:
        yield skipped("thumbnails", "THUMBNAIL_SOURCE is not a directory with an image in it.")
        return
    yield from _thumbnail(site, config, image.relative_to(source).as_posix())


def _thumbnail(site: Site, config: Config, name: str) -> Iterator[Result]:
    presets = list(config.thumbnail_presets.values())
    url_of = engines.get(config).url
    url = url_of(name, presets[0] if config.thumbnail_only_presets else "32x-")
    replies = [site.request(url) for _ in range(2)]
    last = replies[-1]
    if last.status != HTTPStatus.OK:
        yield finding(
            "thumbnails",
            f"The site answers {last.status} to a URL with a good signature.",
            "Visitors see broken images.",
            _FIXES.get(last.status, "Look into the logs of the app and of the server."),
        )
        return
    yield ok("thumbnails", "The site makes thumbnails.")
    if not config.thumbnail_only_presets:
        yield _signature(site, url)
    yield cache.hits(site, config, name, last)
    negotiates = config.thumbnail_formats and not config.thumbnail_only_presets
    if config.has_thumbnail_endpoint and negotiates:
        yield _negotiation(site, url_of(name, "32x-,auto"))


def _signature(site: Site, url: str) -> Result:
    reply = site.request(url.replace("/32x-", "/33x-", 1))
    if reply.status == HTTPStatus.FORBIDDEN:
        return ok("signature", "The site refuses a changed URL.")
    return finding(
        "signature",
        f"The site answers {reply.status} to a changed URL.",
        "Visitors can request thumbnails of any size, and overload the site.",
        "Check the signature where the server answers by itself: install what `xaccel config` "
        "writes.",
    )


def _negotiation(site: Site, url: str) -> Result:
    # A cache that ignores Accept sends the first response to both browsers, in either order.
    plain = site.request(url, Accept="image/png,image/jpeg")
    modern = site.request(url, Accept="image/webp,image/*")
    types = [reply.headers.get_content_type() for reply in (modern, plain)]
    varies = all("accept" in (reply.headers["Vary"] or "").lower() for reply in (modern, plain))
    if types[0] == "image/webp" and types[1] != "image/webp" and varies:
        return ok("accept", "Each browser gets a format that it supports.")
    return finding(
        "accept",
        f"A browser with WebP gets {types[0]}, a browser without gets {types[1]}"
        + ("." if varies else ", and `Vary: Accept` is missing."),
        "Browsers get images that are larger than needed, or that they can't show.",
        "Let the server and any cache in front of it pass the header Accept on to the app, and "
        "keep `Vary: Accept`; remove `proxy_set_header Accept …`.",
    )
