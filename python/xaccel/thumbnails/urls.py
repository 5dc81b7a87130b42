"""Generates thumbnail URLs quickly, without opening images."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

from xaccel._cdn import DAYS, Expires, ExpiresIn, on_cdn
from xaccel._core import Spec
from xaccel._log import fields, one_line
from xaccel.config import Config, with_format
from xaccel.exceptions import FileNotFound, SourceError, SourceUnavailable, SpecError, XaccelError
from xaccel.thumbnails import engines, sources
from xaccel.thumbnails.names import ImageNames
from xaccel.thumbnails.rows import (
    FocalPoint,
    as_focal_point,
    focal_point as focal_point_of,
    focused,
)
from xaccel.thumbnails.sources.base import Source
from xaccel.thumbnails.specs import build_spec, parse_presets, version_token

_logger = logging.getLogger("xaccel.thumbnails")


class ThumbnailUrls:
    """Generates the URLs of thumbnails.

    A missing image is a problem with the data, not with the code, so it gets a URL that shows a
    broken image. An empty source, such as a field without a file, gets the URL of the image in
    `THUMBNAIL_FALLBACK`, or no URL if this setting is not set. An invalid source, such as the row
    instead of its field, raises `SourceError` in debug mode. Outside of debug mode, it gets no URL,
    and the error is logged. An invalid option is a mistake in the code and raises `SpecError`.

    Args:
        config: The settings.
        name_of: Returns the name of a source; see `source_name`.
        is_debug: Whether the app runs in debug mode.
        mount: Returns the decoded path at which the app is mounted, such as `/shop`. The default is
            the path in the settings.

    Raises:
        ConfigError: A setting that the engine needs is missing.
    """

    def __init__(
        self,
        config: Config,
        *,
        name_of: Callable[[object], str | None] | None = None,
        is_debug: Callable[[], bool] = lambda: False,
        mount: Callable[[], str] | None = None,
    ) -> None:
        self._engine = engines.get(config)
        self._name_of = name_of or source_name
        self._is_debug = is_debug
        self.mount = mount or (lambda: config.mount)
        """Returns the decoded path at which the app is mounted."""
        self._names = ImageNames(config)
        self._config = config
        self._presets = parse_presets(config)
        self._allowed = None
        if config.thumbnail_only_presets:
            self._allowed = frozenset(config.allowed_specs())
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
        focal_point: object = None,
        origin: str = "",
        mount: str | None = None,
        **options: Any,
    ) -> str:
        """Return the URL of a thumbnail without opening the image, or "" if there is no image.

        Args:
            source: The name of the image below `THUMBNAIL_SOURCE`. For an image in one of
                `THUMBNAIL_SOURCES`, a name such as `~avatars/tom.jpg`, where `avatars` is the name
                of the source. You can also pass an object whose attribute `name` is such a name,
                for example the value of a Django `FileField`.
            width: The width of the box in pixels, or the name of a preset; `None` means no limit.
            height: The height of the box in pixels; `None` means no limit.
            version: A value that changes with the image (a time, a number, an ETag). It makes the
                URL immutable. `"mtime"` gets the version from the source: this takes one `stat` for
                a directory, and often a network request for a storage.
            expires: The last second in which the URL is valid: Unix seconds or an aware datetime.
            expires_in: The minimum time for which the URL is valid. By default, it never expires.
            focal_point: The point that a crop by `fit="cover"` keeps: `(x, y)` as fractions of the
                upright image, or text such as `"0.25x0.6"`. The default is the focal point stored
                in the image's row. `gravity` takes precedence.
            origin: The scheme and host to add to a relative URL, such as `"https://example.com"`.
            mount: The decoded path at which the app is mounted; by default, the result of the
                constructor's `mount`.
            options: The options of `Spec`: `fit`, `quality`, `format` and so on. Without `format`,
                the preset or `THUMBNAIL_FORMAT` determines the format; `format=None` keeps the
                format of the source. If you also pass `source_size` (the width and height of the
                upright source), `crop` may be in pixels.

        Raises:
            SpecError: An option is unknown or its value is invalid.
            SourceError: The source is invalid, and the app runs in debug mode.
        """
        point = self.focal_point(source, focal_point)
        try:
            text = self._spec_text(width, height, point, **options)
        except TypeError:  # a list can't be a key of the cache
            text = self._build_spec_text(width, height, point, **options)
        name = self.find(source)
        if name is None:
            return ""
        return self.signed(
            name,
            text,
            version=version,
            expires=expires,
            expires_in=expires_in,
            origin=origin,
            mount=mount,
        )

    def signed(
        self,
        name: str,
        spec: str,
        *,
        version: object = None,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
        origin: str = "",
        mount: str | None = None,
    ) -> str:
        """Return the URL for the name of an image, as returned by `find`, and a spec; see `url`."""
        spec = self.versioned(name, spec, version)
        if mount is None:
            mount = self.mount()
        try:
            url = self._engine_url(name, spec, mount, expires, expires_in)
        except SpecError:
            raise
        except ValueError as error:
            # Either the name or the expiry is invalid. An invalid expiry raises its error here.
            self._engine.url("name", spec, expires=expires, expires_in=expires_in)
            self.report(SourceError(f"{name!r} can't have a thumbnail: {error}"))
            return ""
        # An engine on another host generates absolute URLs.
        return f"{origin}{url}" if origin and url.startswith("/") else url

    def _engine_url(
        self, name: str, spec: str, mount: str, expires: Expires, expires_in: ExpiresIn
    ) -> str:
        def url(expires: Expires, expires_in: ExpiresIn) -> str:
            return self._engine.url(name, spec, mount=mount, expires=expires, expires_in=expires_in)

        signer = self._config.thumbnail_url_signer
        if signer is None:
            return url(expires, expires_in)
        if expires is None and expires_in is None:
            # Our own signature does not expire either.
            return str(signer.sign(url(None, None), expires_in=timedelta(days=DAYS)))
        return on_cdn(url, signer, expires, expires_in)

    def versioned(self, name: str, spec: str, version: object) -> str:
        """Add the version of an image to the text of a spec; see `url`."""
        token = None if version is None else self._version(name, version)
        return spec if token is None else f"{spec},v-{token}"

    def spec(self, width: int | str | None, height: int | None, **options: Any) -> Spec:
        """Return the spec that the arguments of `url` describe, ignoring `THUMBNAIL_FORMAT`.

        See `build_spec`.
        """
        return build_spec(self._presets, width, height, **options)

    def allowed_spec(self, width: int | str | None, height: int | None, **options: Any) -> Spec:
        """Return the spec that `url` puts in the URL for these arguments, if it is allowed.

        Raises:
            SpecError: The settings do not allow URLs with this spec. See also `spec`.
        """
        spec = self.spec(width, height, **options)
        if "format" not in options:
            spec = with_format(spec, self._config.thumbnail_format)
        self._config.check_watermark(spec)
        self.check_allowed(spec)
        return spec

    def focal_point(self, source: object, given: object) -> FocalPoint | None:
        """Return the focal point of an image: the given point, or the point in the image's row.

        Raises:
            SpecError: `given` is not a focal point.
        """
        return focal_point_of(source) if given is None else as_focal_point(given)

    def focused(self, spec: Spec, point: FocalPoint | None) -> Spec:
        """Return a spec whose crop keeps the focal point; see `xaccel.thumbnails.rows.focused`.

        With `THUMBNAIL_ONLY_PRESETS`, the focal point is ignored, because it would create another
        preset.
        """
        return spec if self._allowed is not None else focused(spec, point)

    def check_allowed(self, spec: Spec) -> None:
        """Raise `SpecError` if the settings do not allow URLs with this spec."""
        if not self.is_allowed(spec):
            raise SpecError(
                f"'{spec}' is not one of XACCEL['THUMBNAIL_PRESETS'], and THUMBNAIL_ONLY_PRESETS "
                f"allows only {', '.join(map(repr, self._presets))}"
            )

    def is_allowed(self, spec: Spec) -> bool:
        """Whether the settings allow URLs with this spec."""
        return self._allowed is None or str(spec) in self._allowed

    def find(self, source: object) -> str | None:
        """Return the name of an image as it appears in its URL.

        For an empty source, return the name of the fallback image, if one is set. For an invalid
        source, return `None`.

        Raises:
            SourceError: The source is invalid, and the app runs in debug mode.
        """
        try:
            name = self.name(source)
        except SourceError as error:
            self.report(error)
            return None
        if name is None:
            _logger.debug(
                "%r has no image, so it has no thumbnail",
                source,
                extra=fields("no_thumbnail", source=str(source)),
            )
            return self._fallback
        return name

    def report(self, error: XaccelError) -> None:
        """Raise an error in debug mode; otherwise only log it."""
        if self._is_debug():
            raise error
        _logger.warning(
            "%s", one_line(error), extra=fields("no_thumbnail", error=type(error).__name__)
        )

    def name(self, source: object) -> str | None:
        """Return the name of an image as it appears in its URL; `None` if the source is empty.

        Raises:
            SourceError: The source is invalid.
        """
        name = self._name_of(source)
        if not name:
            return None
        return self._names.checked(name, is_path=isinstance(source, os.PathLike))

    @cached_property
    def _fallback(self) -> str | None:
        """The name of the fallback image, if the endpoint has one."""
        path = self._config.thumbnail_fallback
        if path is None or not self._config.has_thumbnail_endpoint:
            return None
        from xaccel.thumbnails.sources.fallback import fallback_name  # noqa: PLC0415

        return fallback_name(path)

    @cached_property
    def source(self) -> Source:
        """The source of the original images."""
        return sources.get(self._config)

    def _build_spec_text(
        self,
        width: int | str | None,
        height: int | None,
        point: FocalPoint | None,
        **options: Any,
    ) -> str:
        return str(self.focused(self.allowed_spec(width, height, **options), point))

    def _version(self, name: str, version: object) -> str | None:
        if version != "mtime":
            return version_token(version)
        try:
            state = self.source.version(name)
        except (FileNotFound, SourceUnavailable) as error:
            _logger.warning(
                "%s",
                one_line(error),
                extra=fields("no_version", source=name, error=type(error).__name__),
            )
            return None
        if state is None:
            self.report(
                SpecError(
                    f"version='mtime' does not work with {self._names.place_of(name)}, which does "
                    f"not know when {name!r} was changed: pass a version of your own, such as the "
                    "row's updated_at"
                )
            )
            return None
        return version_token(state)


def source_name(source: object) -> str | None:
    """Return the image name that an object in a template refers to; `None` if it has none.

    Raises:
        SourceError: The object can't be used as an image.
    """
    if source is None or isinstance(source, str):
        return source
    if isinstance(source, os.PathLike):
        return os.fsdecode(source)
    name = getattr(source, "name", source)
    is_row = hasattr(source, "_meta") or hasattr(source, "__mapper__")
    if is_row or not (name is None or isinstance(name, str)):
        kind = "a row of a database" if is_row else "an object without the name of an image"
        raise SourceError(
            f"{source!r} can't have a thumbnail: it is {kind} ({type(source).__name__}); pass its "
            "file field or the name of the image below XACCEL['THUMBNAIL_SOURCE']"
        )
    return name
