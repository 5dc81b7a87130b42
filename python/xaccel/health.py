"""The health of the app: whether it can sign URLs, render thumbnails and keep them.

`check()` is for an endpoint of your own, which a load balancer or an orchestrator requests:

    @app.get("/health")
    def health():
        report = xaccel.health.check(config)
        return report, 200 if report["status"] == "ok" else 503

The report does not contain paths, keys or hosts, so you can show it to everyone.
"""

from __future__ import annotations

import logging
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xaccel._log import fields, one_line
from xaccel.config import Config
from xaccel.exceptions import ConfigError, XaccelError

_logger = logging.getLogger("xaccel.sandbox")

_SMALLEST_GIF = b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\0;"

LEAST_FREE = 64 * 1024 * 1024
"""The minimum free space on the disk of the cache, in bytes."""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a single check."""

    name: str
    """The subject: `keys`, `cache`, `space`, `store` or `sandbox`."""
    problem: str = ""
    """What is wrong, in one sentence; empty if nothing is wrong."""
    consequence: str = ""
    fix: str = ""


def check(config: Config) -> dict[str, Any]:
    """Return a report: `{"status": "ok", "checks": {"keys": {"status": "ok"}, …}}`.

    A status is `ok` or `failing`. A check that fails also has a `problem`. The check of the store
    sends one request, and takes up to three seconds if the store does not respond. The check of the
    sandbox starts a render worker unless one is idle.
    """
    checks = {
        each.name: {"status": "failing", "problem": each.problem}
        if each.problem
        else {"status": "ok"}
        for each in run(config)
    }
    is_failing = any("problem" in each for each in checks.values())
    return {"status": "failing" if is_failing else "ok", "checks": checks}


def run(config: Config) -> Iterator[Check]:
    """Run the checks that the settings allow."""
    if config.private_url is not None or (
        config.has_thumbnail_endpoint and not config.thumbnail_only_presets
    ):
        yield _keys(config)
    if config.has_thumbnail_endpoint and config.thumbnail_cache is not None:
        cache = Path(config.thumbnail_cache)
        found = check_cache(cache)
        yield found
        if not found.problem:
            yield _space(cache)
        if config.thumbnail_store is not None:
            yield _store(config)
    if config.has_thumbnail_endpoint and config.thumbnail_sandbox:
        yield from _sandbox(config)


def _keys(config: Config) -> Check:
    try:
        config.signer()
    except ConfigError:
        return Check(
            "keys",
            "URLs can't be signed.",
            "Pages with thumbnails or signed links fail.",
            "Set SECRET_KEYS, or a SECRET_KEY of the framework with at least 16 bytes.",
        )
    return Check("keys")


def check_cache(cache: Path) -> Check:
    """Check whether the app can write to its cache."""
    try:
        # os.access() returns wrong results on read-only and network file systems.
        cache.mkdir(parents=True, exist_ok=True)
        probe = cache / f".health-{secrets.token_hex(8)}"
        probe.touch()
        probe.unlink()
    except OSError:
        return Check(
            "cache",
            "The app can't write to THUMBNAIL_CACHE.",
            "It renders each thumbnail again for each request.",
            "Create the directory, owned by the app's user and readable by the server's user.",
        )
    return Check("cache")


def _space(cache: Path) -> Check:
    if shutil.disk_usage(cache).free < LEAST_FREE:
        return Check(
            "space",
            "The disk of THUMBNAIL_CACHE is almost full.",
            "Once the disk is full, each request for a new thumbnail renders the thumbnail again.",
            "Lower THUMBNAIL_CACHE_MAX_SIZE and run `xaccel cache sweep`, or free some space.",
        )
    return Check("space")


def _store(config: Config) -> Check:
    # An app without a store does not load an HTTP client.
    from xaccel.thumbnails import store  # noqa: PLC0415

    shared = store.get(config)
    if shared is not None:
        shared.purges("health")
        if not shared.is_available:
            return Check(
                "store",
                "THUMBNAIL_STORE does not respond.",
                "Machines render thumbnails that another machine has already rendered.",
                "Check the endpoint, the keys and the permissions in S3; the log of "
                "xaccel.thumbnails has the error.",
            )
    return Check("store")


def _sandbox(config: Config) -> Iterator[Check]:
    """Read an image in the sandbox, if this machine supports the sandbox."""
    # An app without a sandbox does not load these modules.
    from xaccel.sandbox.support import is_possible  # noqa: PLC0415
    from xaccel.thumbnails.direct import DirectRenderer, in_memory  # noqa: PLC0415

    if not is_possible():
        return
    try:
        DirectRenderer(config).probe(in_memory(_SMALLEST_GIF))
    except (XaccelError, OSError) as error:
        _logger.warning(
            "the sandbox does not work: %s",
            one_line(error),
            extra=fields("sandbox_failing", error=type(error).__name__),
        )
        yield Check(
            "sandbox",
            "The sandbox can't decode an image.",
            "Images can't be rendered.",
            "Let the app start processes and use the layers of the sandbox; the log of "
            "xaccel.sandbox has the error.",
        )
    else:
        yield Check("sandbox")
