"""A record of the app that a cache belongs to, and of the settings for its thumbnails.

A finished thumbnail is identified only by its URL. Two apps that share a cache would therefore show
each other's pictures, and a change to the settings does not affect existing thumbnails. A small
file in the cache makes it possible to detect both situations.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from xaccel._core import Cache
from xaccel._log import fields, one_line
from xaccel.config import Config
from xaccel.exceptions import ConfigError
from xaccel.thumbnails.failures import DIRECTORY

_PICTURE_SETTINGS = (
    "thumbnail_quality",
    "thumbnail_quality_target",
    "thumbnail_progressive",
    "thumbnail_subsampling",
    "thumbnail_avif_speed",
    "thumbnail_max_frames",
    "thumbnail_watermarks",
    "thumbnail_fonts",
)
"""The settings that change a picture but not its URL, apart from the settings for sources."""

_logger = logging.getLogger("xaccel.thumbnails")


class Ownership:
    """The record of the app that a cache belongs to.

    Args:
        config: The settings of this app.
        cache: The cache.

    Raises:
        ConfigError: The cache belongs to another app.
    """

    def __init__(self, config: Config, cache: Cache) -> None:
        self._path = _path(config)
        self._record = _record(config)
        self._is_recorded = False
        if not self._path.exists():
            return
        with suppress(OSError):
            # When several workers start at the same time, only one of them checks the cache.
            lock = cache.try_lock(cache.lock_number(str(self._path)))
            if lock is not None:
                with lock:
                    self._compare(config)

    def claim(self) -> None:
        """Record that the cache belongs to this app. Call it before a thumbnail is published.

        Raises:
            OSError: The cache is not writable.
        """
        if not self._is_recorded:
            if not self._path.exists():
                self._write()
            self._is_recorded = True

    def _compare(self, config: Config) -> None:
        found = _read(self._path)
        if found is None:
            return
        changed = _changed(found, self._record, config)
        self._record["changed"] = found.get("changed", 0)
        if found == self._record:
            self._is_recorded = True
            return
        if changed:
            self._record["changed"] = time.time()
            _logger.warning(
                "%s has changed: finished thumbnails stay as they are until "
                "`xaccel cache sweep --outdated` or `xaccel cache clear` removes them",
                one_line(", ".join(changed)),
                extra=fields("settings_changed", settings=changed),
            )
        self._write()
        self._is_recorded = True

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        own = self._path.with_name(f"app-{os.getpid()}")
        own.write_text(json.dumps(self._record))
        own.replace(self._path)


def forget(config: Config) -> None:
    """Forget which app an empty cache belongs to.

    Raises:
        OSError: The cache is not writable.
    """
    _path(config).unlink(missing_ok=True)


def sweep_outdated(config: Config) -> tuple[int, int]:
    """Remove the thumbnails that were rendered before the settings for pictures last changed.

    If the app has not compared the settings since they changed, all thumbnails are outdated.

    Returns:
        The number of thumbnails that were removed, and their size in bytes.

    Raises:
        ConfigError: The cache belongs to another app.
        OSError: The cache is not writable.
    """
    found = _read(_path(config))
    changed = 0.0
    if found is not None:
        is_new = _changed(found, _record(config), config)
        changed = time.time() if is_new else float(found.get("changed", 0))
    files = size = 0
    for directory, names, entries in os.walk(config.thumbnail_cache or ""):
        if DIRECTORY in names:
            names.remove(DIRECTORY)
        for entry in entries:
            path = Path(directory, entry)
            with suppress(FileNotFoundError):
                # The modification time is that of the original.
                status = path.lstat()
                if status.st_ctime < changed:
                    path.unlink()
                    files, size = files + 1, size + status.st_size
    return files, size


def _path(config: Config) -> Path:
    return Path(config.thumbnail_cache or "") / DIRECTORY / "app"


def _record(config: Config) -> dict[str, Any]:
    sources = {place.setting: place.location for place in config.source_locations}
    others = {
        f"XACCEL[{name.upper()!r}]": repr(getattr(config, name)) for name in _PICTURE_SETTINGS
    }
    return {
        "changed": 0,
        "keys": [_digest(key) for key in config.secret_keys],
        "places": [_digest(place) for place in (*sources.values(), *config.roots)],
        "settings": {name: _digest(value) for name, value in (sources | others).items()},
    }


def _changed(found: dict[str, Any], record: dict[str, Any], config: Config) -> list[str]:
    """Return the settings that have changed since a record was written.

    Raises:
        ConfigError: The record is that of another app.
    """
    if _is_of_another_app(found, record):
        raise ConfigError(
            f"XACCEL['THUMBNAIL_CACHE'] {config.thumbnail_cache!r} contains the thumbnails of "
            "another app, with different SECRET_KEYS and a different THUMBNAIL_SOURCE: use a "
            "separate directory for each app; or, if both settings of this app have changed, "
            "run `xaccel cache clear`"
        )
    return [
        name
        for name, value in record["settings"].items()
        if found["settings"].get(name, value) != value
    ]


def _digest(value: str | bytes) -> str:
    content = value.encode(errors="surrogateescape") if isinstance(value, str) else value
    return hashlib.blake2s(content, digest_size=8, person=b"xaccel").hexdigest()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    kinds = {"keys": list, "places": list, "settings": dict}
    if not isinstance(found, dict) or not all(
        isinstance(found.get(name), kind) for name, kind in kinds.items()
    ):
        return None
    return found


def _is_of_another_app(found: Mapping[str, Any], ours: Mapping[str, Any]) -> bool:
    """Whether both the keys and the locations differ. The same app may change either of them."""
    return all(
        found[name] and ours[name] and set(map(str, found[name])).isdisjoint(ours[name])
        for name in ("keys", "places")
    )
