"""Writes the URLs of thumbnails, fast and without opening an image."""

from __future__ import annotations

import logging
import os
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

from xaccel._core import Spec
from xaccel._log import one_line
from xaccel.config import Config
from xaccel.exceptions import FileNotFound, SpecError
from xaccel.thumbnails import engines, sources
from xaccel.thumbnails.sources.base import Source
from xaccel.thumbnails.specs import build_spec, parse_presets, version_token

_logger = logging.getLogger("xaccel.thumbnails")


class ThumbnailUrls:
    """Writes the URLs of thumbnails.

    A missing or invalid source is a matter of data: its URL shows a broken image, and the log has
    a line. A wrong option is a mistake in the code: it raises `SpecError`.

    Raises:
        ConfigError: A setting that the engine needs is missing.
    """

    def __init__(self, config: Config) -> None:
        self._engine = engines.get(config)
        self._prefix = config.thumbnail_url
        self._base = (config.thumbnail_source or "").rstrip("/") + "/"
        self._config = config
        self._presets = parse_presets(config)
        self._allowed = None
        if config.thumbnail_only_presets:
            self._allowed = frozenset(config.thumbnail_presets.values())
        self._spec_text = lru_cache(maxsize=1024)(self._build_spec_text)

    def url(
        self,
        source: object,
        width: int | str | None = None,
        height: int | None = None,
        *,
        version: object = None,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
        **options: Any,
    ) -> str:
        """Return the URL of a thumbnail. It never opens the image.

        Args:
            source: The name of the image below `THUMBNAIL_SOURCE`, or an object whose `name` is
                one, such as the value of a Django `FileField`.
            width: The width of the box in pixels, or the name of a preset; `None` leaves it free.
            height: The height of the box in pixels; `None` leaves it free.
            version: A value that changes with the image (a time, a number, an ETag). It makes the
                URL immutable. `"mtime"` asks the source, which costs one `stat`.
            expires: The last second in which the URL is valid: Unix seconds or an aware datetime.
            expires_in: How long the URL is valid, at least. By default it never expires.
            options: The options of `Spec`: `fit`, `quality`, `format` and so on.

        Raises:
            SpecError: An option is unknown or its value is invalid.
        """
        try:
            text = self._spec_text(width, height, **options)
        except TypeError:  # a list can't be a key of the cache
            text = self._build_spec_text(width, height, **options)
        return self.signed(source, text, version=version, expires=expires, expires_in=expires_in)

    def signed(
        self,
        source: object,
        spec: str,
        *,
        version: object = None,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
    ) -> str:
        """Return the URL for the text of a spec without a version; see `url`."""
        name = self.name(source)
        if not name:
            return self._broken(source, spec)
        if version is not None:
            token = self._version(name, version)
            if token is not None:
                spec = f"{spec},v-{token}"
        try:
            return self._engine.url(name, spec, expires=expires, expires_in=expires_in)
        except SpecError:
            raise
        except ValueError:
            # Either the name or the expiry is wrong. A wrong expiry raises here again.
            self._engine.url("name", spec, expires=expires, expires_in=expires_in)
            return self._broken(source, spec)

    def spec(self, width: int | str | None, height: int | None, **options: Any) -> Spec:
        """Return the spec that the arguments of `url` describe; see `build_spec`."""
        return build_spec(self._presets, width, height, **options)

    def allowed_spec(self, width: int | str | None, height: int | None, **options: Any) -> Spec:
        """Return what `spec` returns.

        Raises:
            SpecError: The settings allow no URL with this spec; or see `spec`.
        """
        spec = self.spec(width, height, **options)
        if not self.is_allowed(spec):
            raise SpecError(
                f"'{spec}' is not one of XACCEL['THUMBNAIL_PRESETS'], and THUMBNAIL_ONLY_PRESETS "
                f"allows only {', '.join(map(repr, self._presets))}"
            )
        return spec

    def is_allowed(self, spec: Spec) -> bool:
        """Whether the settings allow URLs with this spec."""
        return self._allowed is None or str(spec) in self._allowed

    def name(self, source: object) -> str | None:
        """Return the name of an image below `THUMBNAIL_SOURCE`; `None` when there is none."""
        name = source_name(source)
        return name.removeprefix(self._base).lstrip("/") if name else None

    @cached_property
    def source(self) -> Source:
        """The source of the original images."""
        return sources.get(self._config)

    def _build_spec_text(self, width: int | str | None, height: int | None, **options: Any) -> str:
        return str(self.allowed_spec(width, height, **options))

    def _version(self, name: str, version: object) -> str | None:
        if version != "mtime":
            return version_token(version)
        try:
            state = self.source.state(name)
        except FileNotFound as error:
            _logger.warning("%s", one_line(error))
            return None
        return None if state is None else version_token(state)

    def _broken(self, source: object, spec: str) -> str:
        _logger.warning("%r can't have a thumbnail: it does not name an image", source)
        return f"{self._prefix}{spec}/"


def source_name(source: object) -> str | None:
    """Return the name that an object in a template stands for; `None` when it has none."""
    if source is None or isinstance(source, str):
        return source
    if isinstance(source, os.PathLike):
        return os.fsdecode(source)
    name = getattr(source, "name", source)
    return None if name is None else str(name)
