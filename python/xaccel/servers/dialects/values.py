"""Values of headers, and what no server's configuration can express."""

from __future__ import annotations

import os

from xaccel._core import Location
from xaccel.delivery.response import Headers
from xaccel.delivery.rfc9110 import Validators
from xaccel.exceptions import ConfigError
from xaccel.servers.dialects.base import Settings

_SPACE = 0x20
_DELETE = 0x7F


def has_control(text: str | bytes) -> bool:
    """Whether there is an ASCII control character, which neither headers nor files allow."""
    codes = text if isinstance(text, bytes) else map(ord, text)
    return any(code < _SPACE or code == _DELETE for code in codes)


def raw_value(value: bytes) -> str | None:
    """Bytes as the value of a header field without any encoding; `None` if that is not possible.

    White space at either end is refused, also that of Latin-1: servers and frameworks strip it.
    """
    text = value.decode("latin-1")
    return None if has_control(value) or text != text.strip() else text


def path_bytes(location: Location) -> bytes:
    """The path of a file, as the operating system knows it."""
    return os.fsencode(location.path)


def is_utf8(value: bytes) -> bool:
    """Whether bytes are valid UTF-8."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def validators(location: Location) -> Headers:
    """ETag and Last-Modified of a file, as nginx and the app itself give them.

    A server that takes them from the app needs both: Django's ConditionalGetMiddleware answers
    If-Unmodified-Since with 412 when there is only an ETag.
    """
    return Validators.of_file(location.size, location.mtime).headers


def no_control(text: str, server: str) -> str:
    """Text for a configuration file.

    Raises:
        ConfigError: It has a control character.
    """
    if has_control(text):
        raise ConfigError(
            f"{text!r} has a control character, which {server}'s configuration does not allow"
        )
    return text


def check_directories(settings: Settings, server: str) -> None:
    """Refuse directories whose names no configuration can express.

    Raises:
        ConfigError: A name has a control character.
    """
    for directory in settings.served_roots:
        no_control(directory, server)
