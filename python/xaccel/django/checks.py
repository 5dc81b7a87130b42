"""System checks that find mistakes in the settings before the site starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning as Caution
from django.core.files.storage import storages
from django.urls import Resolver404, resolve
from django.utils.module_loading import import_string
from django.utils.translation import override

from xaccel.config import Config
from xaccel.django import conf, views
from xaccel.django.mounts import PRIVATE_FILE, THUMBNAIL, included_at
from xaccel.django.storage import PrivateStorage
from xaccel.exceptions import ConfigError


def check_settings(**_: Any) -> list[CheckMessage]:
    """E001: `settings.XACCEL` is invalid. W001: a root is not a directory."""
    try:
        config = conf.config()
        conf.delivery()
    except ConfigError as error:
        return [Error(str(error), hint="Correct settings.XACCEL.", id="xaccel.E001")]
    return [
        Caution(
            f"XACCEL['ROOTS'] contains {directory!r}, which is not a directory.",
            hint="Requests for files in it receive a 404.",
            id="xaccel.W001",
        )
        for directory in config.roots
        if not Path(directory).is_dir()
    ]


def check_urls(**_: Any) -> list[CheckMessage]:
    """W005: xaccel's URLs do not lead to its views. W006: the URLs vary by language."""
    config = _config()
    if config is None or not getattr(settings, "ROOT_URLCONF", None):
        return []
    return [*_urls(config)]


def _urls(config: Config) -> Iterator[CheckMessage]:
    for setting, prefix, name, view in _endpoints(config):
        if not _leads_to(included_at(name, prefix) + f"{prefix}x/x", view):
            yield Caution(
                f"The URLs below XACCEL[{setting!r}] {prefix!r} do not lead to xaccel's view.",
                hint='Add path("", include("xaccel.django.urls")) to the root URLconf.',
                id="xaccel.W005",
            )
        elif view is views.thumbnail and len(_in_all_languages(name, prefix)) > 1:
            yield Caution(
                "Thumbnails have a different URL in each language, so browsers and CDNs download "
                "each picture once per language.",
                hint='Move path("", include("xaccel.django.urls")) out of i18n_patterns().',
                id="xaccel.W006",
            )


def _in_all_languages(name: str, prefix: str) -> set[str]:
    """Return the paths at which the URLconf includes our URLs in any of the languages."""
    found = set()
    for language, _ in settings.LANGUAGES if settings.USE_I18N else ():
        with override(language):
            found.add(included_at(name, prefix))
    return found


def _endpoints(config: Config) -> Iterator[tuple[str, str, str, Callable[..., object]]]:
    """Yield the setting, URL prefix, URL name and view of each endpoint in use."""
    if config.private_url is not None:
        yield "PRIVATE_URL", config.private_url, PRIVATE_FILE, views.private_file
    # The default storage is a source even if it is not configured as one, and even if the site has
    # only private files.
    sends_files = bool(config.roots or config.remotes)
    asks_for_thumbnails = any(
        key.startswith("THUMBNAIL_") for key in getattr(settings, "XACCEL", {})
    )
    if config.has_thumbnail_endpoint and (asks_for_thumbnails or not sends_files):
        yield "THUMBNAIL_URL", config.thumbnail_url, THUMBNAIL, views.thumbnail


def _leads_to(path: str, view: Callable[..., object]) -> bool:
    try:
        return resolve(path).func is view
    except Resolver404:
        return False


def check_storages(**_: Any) -> list[CheckMessage]:
    """E002 to E004, W002: a `PrivateStorage` does not work, or is not private."""
    config = _config()
    return [] if config is None else [*_storages(config)]


def _storages(config: Config) -> Iterator[CheckMessage]:
    for alias, parameters in settings.STORAGES.items():
        if not _is_ours(parameters):
            continue
        try:
            location = cast("PrivateStorage", storages[alias]).location
        except ConfigError as error:
            yield Error(f"STORAGES[{alias!r}]: {error}", id="xaccel.E002")
            continue
        if config.path_map().find(location) is None:
            yield Error(
                f"STORAGES[{alias!r}] stores files in {location!r}, outside all XACCEL['ROOTS'].",
                hint="Its files can't be sent: add the directory to ROOTS.",
                id="xaccel.E003",
            )
        public = _public_directory(location)
        if public is not None:
            yield Error(
                f"STORAGES[{alias!r}] stores files in {location!r}, which is in {public}.",
                hint="Everyone can read them there: choose a directory outside of it.",
                id="xaccel.E004",
            )
        if config.private_url is None:
            yield Caution(
                f"STORAGES[{alias!r}] contains files without URLs.",
                hint="Set XACCEL['PRIVATE_URL'], such as '/p/', for signed links.",
                id="xaccel.W002",
            )


def check_deployment(**_: Any) -> list[CheckMessage]:
    """W003: the app sends the files itself. W004: a root is in a public directory."""
    config = _config()
    if config is None:
        return []
    messages: list[CheckMessage] = []
    if config.roots and config.server == "direct":
        messages.append(
            Caution(
                "XACCEL['SERVER'] is 'direct': the app itself sends every private file.",
                hint="Set it to the web server in front of the app, such as 'nginx'.",
                id="xaccel.W003",
            )
        )
    for directory in config.roots:
        public = _public_directory(directory)
        if public is not None:
            messages.append(
                Caution(
                    f"XACCEL['ROOTS'] contains {directory!r}, which is in {public}.",
                    hint="If the web server serves that directory to everyone, the files "
                    "are not private.",
                    id="xaccel.W004",
                )
            )
    return messages


def _is_ours(parameters: dict[str, Any]) -> bool:
    """Whether a storage is a `PrivateStorage`, determined without creating the storage."""
    try:
        backend = import_string(parameters.get("BACKEND", ""))
    except ImportError:
        return False
    return isinstance(backend, type) and issubclass(backend, PrivateStorage)


def _config() -> Config | None:
    """Return the settings; `None` if `check_settings` reports an error."""
    try:
        return conf.config()
    except ConfigError:
        return None


def _public_directory(directory: str | os.PathLike[str]) -> str | None:
    """Return the name of the setting whose public directory contains this directory."""
    for name in ("MEDIA_ROOT", "STATIC_ROOT"):
        public = getattr(settings, name, None)
        if public and Path(directory).resolve().is_relative_to(Path(public).resolve()):
            return name
    return None
