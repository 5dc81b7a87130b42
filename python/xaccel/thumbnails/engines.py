"""Who makes the thumbnails, and so what their URLs look like.

The templates stay as they are when `THUMBNAIL_ENGINE` changes: each engine here writes the URL of
its server from the same source and spec, and refuses by name the option that it does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypedDict, Unpack

from xaccel._core import ImgproxySigner, ThumborSigner, encode_path
from xaccel.config import Config
from xaccel.exceptions import ConfigError, SpecError
from xaccel.thumbnails.sources.base import is_plain


class Lifetime(TypedDict, total=False):
    """How long a URL is good, as the arguments of `Signer.sign`; by default for ever."""

    expires: int | datetime | None
    expires_in: int | timedelta | None


class Engine(Protocol):
    """What each engine offers."""

    def url(self, source: str, spec: str, **lifetime: Unpack[Lifetime]) -> str:
        """The URL of a thumbnail.

        Args:
            source: The original's name.
            spec: What the thumbnail looks like, in the canonical spelling of `Spec`.
            lifetime: `expires` or `expires_in`, see `Signer.sign`.

        Raises:
            SpecError: The engine does not have an option of the spec.
            ValueError: The source's name can't be signed.
        """


def get(config: Config) -> Engine:
    """The engine of the settings.

    Raises:
        ConfigError: A setting that the engine needs is missing.
    """
    if config.thumbnail_only_presets:
        if config.thumbnail_engine != "embedded":
            raise ConfigError(
                "XACCEL['THUMBNAIL_ONLY_PRESETS'] is for the 'embedded' engine, not for "
                f"{config.thumbnail_engine!r}"
            )
        return OnlyPresets(config)
    return _ENGINES[config.thumbnail_engine](config)


class Embedded:
    """This package's own endpoint: `/t/{spec}/{source}?key=…`."""

    def __init__(self, config: Config) -> None:
        if config.thumbnail_source is None:
            raise ConfigError(
                "XACCEL['THUMBNAIL_SOURCE'] is not set: name the directory of the images"
            )
        self._base = config.thumbnail_engine_url
        self._path = config.thumbnail_url
        self._signer = config.signer()

    def url(self, source: str, spec: str, **lifetime: Unpack[Lifetime]) -> str:
        """See `Engine.url`."""
        return self._base + self._signer.sign_path(f"{self._path}{spec}/{source}", **lifetime)


class OnlyPresets:
    """This package's own endpoint with nothing but presets: `/t/{spec}/{source}`, not signed."""

    def __init__(self, config: Config) -> None:
        self._base = config.thumbnail_engine_url
        self._path = config.thumbnail_url

    def url(self, source: str, spec: str, **lifetime: Unpack[Lifetime]) -> str:
        """See `Engine.url`. There is neither a version, which could be any, nor an expiry."""
        if ",v-" in spec or _is_set(lifetime):
            raise SpecError(
                "with XACCEL['THUMBNAIL_ONLY_PRESETS'] a URL has no signature, and so can have "
                "neither a version nor an expiry"
            )
        if not is_plain(source):
            raise ValueError(f"{source!r} is no name of an image")
        return self._base + encode_path(f"{self._path}{spec}/{source}")


class ImageFilter(Embedded):
    """nginx's `image_filter` behind `secure_link`: the same URLs, but a box is all it knows."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if config.signature != "secure-link-md5":
            raise ConfigError(
                "XACCEL['THUMBNAIL_ENGINE'] 'image-filter' needs XACCEL['SIGNATURE'] "
                "'secure-link-md5', which nginx can check"
            )

    def url(self, source: str, spec: str, **lifetime: Unpack[Lifetime]) -> str:
        """See `Engine.url`."""
        _, comma, options = spec.partition(",")
        if comma:
            raise SpecError(
                f"nginx's image_filter has no option {options.partition(',')[0]!r}: it can only "
                "shrink a picture into a box"
            )
        return super().url(source, spec, **lifetime)


class Thumbor:
    """A thumbor, or an imagor, server."""

    def __init__(self, config: Config) -> None:
        self._base = _base(config)
        (key,) = _keys(config, "THUMBNAIL_ENGINE_KEY", config.thumbnail_engine_key, most=1)
        self._signer = ThumborSigner(key)
        self._source = _source_prefix(config, directory="")

    def url(self, source: str, spec: str, **lifetime: Unpack[Lifetime]) -> str:
        """See `Engine.url`. There is no expiry."""
        if _is_set(lifetime):
            raise SpecError("thumbor's URLs can't expire")
        return self._base + self._signer.url(self._source + source, spec)


class Imgproxy:
    """An imgproxy server."""

    def __init__(self, config: Config) -> None:
        self._base = _base(config)
        keys = _keys(config, "THUMBNAIL_ENGINE_KEY", config.thumbnail_engine_key)
        salts = _keys(config, "THUMBNAIL_ENGINE_SALT", config.thumbnail_engine_salt)
        try:
            self._signer = ImgproxySigner(keys, salts)
        except ConfigError as error:
            raise ConfigError(f"XACCEL['THUMBNAIL_ENGINE_KEY']: {error}") from None
        self._source = _source_prefix(config, directory="local:///")

    def url(self, source: str, spec: str, **lifetime: Unpack[Lifetime]) -> str:
        """See `Engine.url`."""
        return self._base + self._signer.url(self._source + source, spec, **lifetime)


_ENGINES: Mapping[str, Callable[[Config], Engine]] = {
    "embedded": Embedded,
    "image-filter": ImageFilter,
    "thumbor": Thumbor,
    "imgproxy": Imgproxy,
}


def _is_set(lifetime: Lifetime) -> bool:
    return any(value is not None for value in lifetime.values())


def _base(config: Config) -> str:
    if not config.thumbnail_engine_url:
        raise ConfigError(
            f"XACCEL['THUMBNAIL_ENGINE'] {config.thumbnail_engine!r} needs "
            "XACCEL['THUMBNAIL_ENGINE_URL'], such as 'https://thumbs.example.com'"
        )
    return config.thumbnail_engine_url


def _keys(
    config: Config, name: str, keys: tuple[str, ...], *, most: int | None = None
) -> tuple[str, ...]:
    if not keys or (most is not None and len(keys) > most):
        number = "one key" if most == 1 else "at least one key"
        raise ConfigError(
            f"XACCEL['THUMBNAIL_ENGINE'] {config.thumbnail_engine!r} needs {number} in "
            f"XACCEL[{name!r}]"
        )
    return keys


def _source_prefix(config: Config, *, directory: str) -> str:
    """What comes before an original's name; `directory` when the server has a directory itself."""
    source = config.thumbnail_source
    if source is None or source.startswith("/"):
        return directory
    return source.rstrip("/") + "/"
