"""The interface of an engine, and the shared code of engines on other servers."""

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
    """Writes the URLs of one kind of thumbnail server."""

    def url(self, source: str, spec: str, *, mount: str = "", **lifetime: Unpack[Lifetime]) -> str:
        """Return the URL of a thumbnail.

        Args:
            source: The name of the original image.
            spec: What the thumbnail looks like, in the canonical spelling of `Spec`.
            mount: The decoded path at which this site's app is mounted, such as `/shop`; or empty.
            lifetime: `expires` or `expires_in`, see `Signer.sign`.

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
    """Return the keys of a setting.

    Args:
        config: The settings.
        setting: The name of the setting, for the error.
        values: Its value.
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


def source_prefix(config: Config, *, directory: str) -> str:
    """Return what precedes the name of an original in a URL.

    Args:
        config: The settings.
        directory: The prefix to use if the thumbnail server reads the originals from a directory.

    Raises:
        ConfigError: `THUMBNAIL_SOURCE` is not set. Without it, a name could be the URL of any
            server.
    """
    source = config.thumbnail_source
    if source is None:
        raise ConfigError(
            f"XACCEL['THUMBNAIL_ENGINE'] {config.thumbnail_engine!r} needs "
            "XACCEL['THUMBNAIL_SOURCE']: the directory of that server or the URL below which "
            "the images are"
        )
    return directory if source.startswith("/") else source.rstrip("/") + "/"


def original_url(prefix: str, name: str) -> str:
    """Return the name or the URL under which the thumbnail server finds an original.

    Args:
        prefix: What `source_prefix` returns.
        name: The name of the original.

    Raises:
        ValueError: The server would decode the name to one with `..` or an empty part.
    """
    if not is_plain(unquote(name)):
        raise ValueError(f"{name!r} is not the name of an image")
    return prefix + (encode_path(name) if "://" in prefix else name)
