"""The addresses of thumbnails, as templates write them: fast, and without looking at an image."""

from __future__ import annotations

import base64
import difflib
import hashlib
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

from xaccel import engines, sources
from xaccel._core import Spec, placeholder
from xaccel.config import Config
from xaccel.exceptions import FileNotFound, SpecError, XaccelError

OPTIONS = frozenset(Spec.OPTIONS) - {"version"}
"""The names of the options of a thumbnail, beside its size and the version of its source."""

DENSITIES = (1, 2)

_TRANSPARENT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

_logger = logging.getLogger("xaccel.thumbnails")


class ThumbnailUrls:
    """Writes the URLs of thumbnails.

    A missing or odd source, which is a matter of data, gives a URL that shows a broken image,
    and a line in the log; a wrong option, which is a programmer's mistake, is a `SpecError`.

    Raises:
        ConfigError: There is no `THUMBNAIL_SOURCE`, or what the engine needs is not set.
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
        self._make_placeholder = lru_cache(maxsize=4096)(self._build_placeholder)

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
        """The URL of a thumbnail. Never opens the image.

        Args:
            source: The image's name below `THUMBNAIL_SOURCE`, or an object with such a `name`,
                like the value of a Django `FileField`.
            width: The box's width in pixels, or the name of a preset; `None` leaves it free.
            height: The box's height in pixels; `None` leaves it free.
            version: Whatever changes with the image (a time, a number, an ETag), which makes
                its URL immutable; `"mtime"` asks the source, by one `stat`.
            expires: The last second in which the URL is good: Unix seconds or an aware datetime.
            expires_in: How long the URL is good, at least; by default it is for ever.
            options: Those of `Spec`: `fit`, `quality`, `format` and so on.

        Raises:
            SpecError: An option is unknown or has an impossible value.
        """
        try:
            text = self._spec_text(width, height, **options)
        except TypeError:  # a list, which no cache can hold
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
        """As `url`, with the text of a spec that has no version."""
        name = self._name(source)
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
            # Was it the name, or the expiry? The latter is not hidden.
            self._engine.url("name", spec, expires=expires, expires_in=expires_in)
            return self._broken(source, spec)

    def placeholder(self, source: object) -> str:
        """A blurred picture as a `data:` URI, to show until the thumbnail is there.

        This is the one helper that reads the image, once for each of its states. An image that is
        missing or broken has a transparent pixel for a placeholder.

        Args:
            source: As in `url`.
        """
        name = self._name(source)
        try:
            if not name:
                raise FileNotFound(f"{source!r} names no image")
            return self._make_placeholder(name, self._source.state(name))
        except (XaccelError, OSError, ValueError) as error:
            _logger.warning("%s", error)
            return _TRANSPARENT

    def spec(self, width: int | str | None, height: int | None, **options: Any) -> Spec:
        """The spec that the arguments of `url` mean; see `build_spec`."""
        return build_spec(self._presets, width, height, **options)

    def is_allowed(self, spec: Spec) -> bool:
        """Whether there may be URLs with this spec."""
        return self._allowed is None or str(spec) in self._allowed

    def _name(self, source: object) -> str | None:
        name = source if type(source) is str else source_name(source)
        return name.removeprefix(self._base).lstrip("/") if name else None

    def _build_placeholder(self, name: str, state: str | None) -> str:  # noqa: ARG002  the key
        with self._source.get(name) as original:
            return placeholder(original.whole(), limits=self._config.limits())

    @cached_property
    def _source(self) -> sources.Source:
        return sources.get(self._config)

    def _build_spec_text(self, width: int | str | None, height: int | None, **options: Any) -> str:
        return str(self.allowed_spec(width, height, **options))

    def allowed_spec(self, width: int | str | None, height: int | None, **options: Any) -> Spec:
        """As `spec`, with an error for one that no URL may have."""
        spec = self.spec(width, height, **options)
        if not self.is_allowed(spec):
            raise SpecError(
                f"'{spec}' is none of XACCEL['THUMBNAIL_PRESETS'], and THUMBNAIL_ONLY_PRESETS "
                f"allows no other: {', '.join(map(repr, self._presets)) or 'there are none'}"
            )
        return spec

    def _version(self, name: str, version: object) -> str | None:
        if version != "mtime":
            return version_token(version)
        try:
            state = self._source.state(name)
        except FileNotFound as error:
            _logger.warning("%s", error)
            return None
        return None if state is None else version_token(state)

    def _broken(self, source: object, spec: str) -> str:
        _logger.warning("%r can't have a thumbnail: it names no image", source)
        return f"{self._prefix}{spec}/"


def build_spec(
    presets: Mapping[str, Spec], width: int | str | None, height: int | None, **options: Any
) -> Spec:
    """The spec that the arguments of a template helper mean.

    Args:
        presets: Specs by their names.
        width: The box's width in pixels, or the name of a preset.
        height: The box's height in pixels.
        options: Those of `Spec`. With a preset they take the place of its own.

    Raises:
        SpecError: An option is unknown or has an impossible value.
    """
    for name in options:
        if name not in OPTIONS:
            near = difflib.get_close_matches(name, OPTIONS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise SpecError(f"a thumbnail has no option {name!r}{hint}")
    options = {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }
    try:
        if not isinstance(width, str):
            return Spec(width, height, **options)
        preset = presets.get(width)
        if preset is None:
            raise SpecError(
                f"XACCEL['THUMBNAIL_PRESETS'] has no {width!r}; it has "
                f"{', '.join(map(repr, presets)) or 'none'}"
            )
        if height is not None:
            options["height"] = height
        return preset.replace(**options) if options else preset
    except (TypeError, OverflowError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise SpecError(
            f"there is no thumbnail of {width!r} by {height!r}"
            f"{' with ' if given else ''}{given}: {error}"
        ) from None


def parse_presets(config: Config) -> dict[str, Spec]:
    """The presets of the settings, by their names."""
    return {name: Spec.parse(text) for name, text in config.thumbnail_presets.items()}


def source_name(source: object) -> str | None:
    """The name that a template's object stands for; `None` when it has none."""
    if source is None or isinstance(source, str):
        return source
    if isinstance(source, os.PathLike):
        return os.fsdecode(source)
    name = getattr(source, "name", source)
    return None if name is None else str(name)


@lru_cache(maxsize=4096)
def version_token(version: object) -> str:
    """Eight characters for a URL that change with `version`."""
    digest = hashlib.blake2s(str(version).encode(errors="replace"), digest_size=6).digest()
    return base64.urlsafe_b64encode(digest).decode()


def numbers(values: str | Iterable[float], option: str) -> Sequence[float]:
    """Positive numbers from a list or, as Django's templates can't write one, from a text."""
    words = values.replace(",", " ").split() if isinstance(values, str) else values
    try:
        result = [float(word) for word in words]
    except (TypeError, ValueError):
        result = []
    if not result or min(result) <= 0:
        raise SpecError(f"'{option}' must be positive numbers such as [1, 2] or \"1, 2\"")
    return result
