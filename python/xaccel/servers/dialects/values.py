"""Header values, and checks for values that no server's configuration can express."""

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
    """Whether text contains an ASCII control character.

    Headers and configuration files must not contain such a character.
    """
    codes = text if isinstance(text, bytes) else map(ord, text)
    return any(code < _SPACE or code == _DELETE for code in codes)


def raw_value(value: bytes) -> str | None:
    """Return bytes as an unencoded header field value, or `None` if they are not a valid value.

    White space at either end is refused, including Latin-1 white space, because servers and
    frameworks strip it.
    """
    text = value.decode("latin-1")
    return None if has_control(value) or text != text.strip() else text


def path_bytes(location: Location) -> bytes:
    """Return the path of a file as the bytes that the operating system uses."""
    return os.fsencode(location.path)


def is_utf8(value: bytes) -> bool:
    """Whether bytes are valid UTF-8."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def validators(location: Location) -> Headers:
    """Return the ETag and Last-Modified headers that nginx and the app itself send for a file.

    If a server takes these headers from the app, it needs both. If there is only an ETag, Django's
    ConditionalGetMiddleware responds to If-Unmodified-Since with 412.
    """
    return Validators.of_file(location.size, location.mtime).headers


def no_control(text: str, server: str) -> str:
    """Check a string for a configuration file, and return it unchanged.

    Raises:
        ConfigError: The string contains a control character.
    """
    if has_control(text):
        raise ConfigError(
            f"{text!r} contains a control character, which {server}'s configuration does not allow"
        )
    return text


def check_directories(settings: Settings, server: str) -> None:
    """Refuse directories whose names no configuration can express.

    Raises:
        ConfigError: A name contains a control character.
    """
    for directory in settings.served_roots:
        no_control(directory, server)
