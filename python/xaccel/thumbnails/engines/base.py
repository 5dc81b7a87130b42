"""The interface of an engine, and the code shared by the engines for other servers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol, TypedDict, Unpack
from urllib.parse import unquote

from xaccel._core import encode_path
from xaccel.config import Config
from xaccel.exceptions import ConfigError
from xaccel.thumbnails.sources.base import is_plain


class Lifetime(TypedDict, total=False):
    """The lifetime of a URL, as arguments of `Signer.sign`. By default, URLs never expire."""

    expires: int | datetime | None
    expires_in: int | timedelta | None


class Engine(Protocol):
    """Generates the URLs for one kind of thumbnail server."""

    def url(self, source: str, spec: str, *, mount: str = "", **lifetime: Unpack[Lifetime]) -> str:
        """Return the URL of a thumbnail.

        Args:
            source: The name of the original image.
            spec: What the thumbnail looks like, in the canonical spelling of `Spec`.
            mount: The decoded path at which this site's app is mounted, such as `/shop`. It may be
                empty.
            lifetime: `expires` or `expires_in`; see `Signer.sign`.

        Raises:
            SpecError: The engine does not support an option of the spec.
            ValueError: The name of the source can't be signed.
        """


def has_expiry(lifetime: Lifetime) -> bool:
    """Whether the arguments ask for a URL that expires."""
    return any(value is not None for value in lifetime.values())


def base_url(config: Config) -> str:
    """Return the URL of the thumbnail server.

    Raises:
        ConfigError: `THUMBNAIL_ENGINE_URL` is not set.
    """
    if not config.thumbnail_engine_url:
        raise ConfigError(
            f"XACCEL['THUMBNAIL_ENGINE'] {config.thumbnail_engine!r} needs "
            "XACCEL['THUMBNAIL_ENGINE_URL'], such as 'https://thumbs.example.com'"
        )
    return config.thumbnail_engine_url


def keys(
    config: Config, setting: str, values: tuple[str, ...], *, most: int | None = None
) -> tuple[str, ...]:
    """Check the keys in a setting, and return them.

    Args:
        config: The settings.
        setting: The name of the setting, for the error.
        values: The value of the setting.
        most: The maximum number of keys that the server accepts; `None` means any number.

    Raises:
        ConfigError: No key is set, or too many keys are set.
    """
    if not values or (most is not None and len(values) > most):
        number = "exactly one key" if most == 1 else "at least one key"
        raise ConfigError(
            f"XACCEL['THUMBNAIL_ENGINE'] {config.thumbnail_engine!r} needs {number} in "
            f"XACCEL[{setting!r}]"
        )
    return values


class Originals:
    """The location from which the thumbnail server reads the originals.

    Args:
        config: The settings.
        directory: The prefix of the originals' names, used if the thumbnail server reads the
            originals from a directory.

    Raises:
        ConfigError: `THUMBNAIL_SOURCE` is not set, so a name could be the URL of any server; or the
            thumbnail server can't read one of the sources.
    """

    def __init__(self, config: Config, *, directory: str) -> None:
        if config.thumbnail_source is None:
            raise ConfigError(
                f"XACCEL['THUMBNAIL_ENGINE'] {config.thumbnail_engine!r} needs "
                "XACCEL['THUMBNAIL_SOURCE']: a directory on that server, or the URL prefix of the "
                "images"
            )
        self._prefixes = {}
        for place in config.source_locations:
            # The thumbnail server reads files from only one directory.
            if (place.is_directory and place.prefix) or place.location.startswith("storage://"):
                raise ConfigError(
                    f"{place.setting} {place.location!r} can't be read by the engine "
                    f"{config.thumbnail_engine!r}: set it to the URL prefix of the images"
                )
            location = place.location.rstrip("/") + "/"
            self._prefixes[place.prefix] = directory if place.is_directory else location

    def url(self, name: str) -> str:
        """Return the name or the URL under which the thumbnail server finds an original.

        Raises:
            ValueError: The server would decode the name into a name with `..` or an empty part, or
                the name begins with an unknown source.
        """
        source = ""
        if name.startswith("~"):
            first, slash, name = name.partition("/")
            source = first + slash
        if source not in self._prefixes or not is_plain(unquote(name)):
            raise ValueError(f"{name!r} is not the name of an image")
        prefix = self._prefixes[source]
        return prefix + (encode_path(name) if "://" in prefix else name)
