"""lighttpd: `X-Sendfile` from mod_proxy."""

from __future__ import annotations

import os
import urllib.parse

from xaccel._core import Location
from xaccel.delivery.response import Headers
from xaccel.exceptions import ConfigError
from xaccel.servers.dialects.base import Dialect, Settings
from xaccel.servers.dialects.values import (
    has_control,
    is_utf8,
    no_control,
    path_bytes,
    validators,
)

_KIBI = 1024


class Lighttpd(Dialect):
    """lighttpd, which expects a percent-encoded path and supports a rate limit."""

    name = "lighttpd"
    title = "lighttpd"
    generator = "xaccel.servers.lighttpd"
    sendfile_types = ("x-sendfile", "x-lighttpd-send-file")
    header_prefixes = ("x-sendfile", "x-lighttpd-")
    supports_limit_rate = True

    def offload(self, location: Location, *, limit_rate: int | None) -> Headers | None:
        """Return `X-Sendfile` with the percent-encoded path.

        lighttpd refuses paths that are not UTF-8, and changes control characters in paths, so the
        app itself sends files with such paths. The ETag is the same as with `direct` and nginx, so
        that caches stay valid when you change the server. The rate is in KiB per second, rounded
        up, because 0 means no limit.
        """
        path = path_bytes(location)
        if has_control(path) or not is_utf8(path):
            return None
        headers = (("X-Sendfile", urllib.parse.quote(path)), *validators(location))
        if limit_rate is None:
            return headers
        return *headers, ("X-LIGHTTPD-KBytes-per-second", str(-(-limit_rate // _KIBI)))

    def check(self, settings: Settings) -> None:
        """Refuse settings that a `lighttpd.conf` can't express."""
        for directory in settings.served_roots:
            if not is_utf8(os.fsencode(directory)):
                raise ConfigError(
                    f"XACCEL['ROOTS']: {self.title} accepts only UTF-8, not {directory!r}"
                )
            check_value(directory)


def check_value(value: str) -> str:
    """Check and return a string for `lighttpd.conf`. A backslash is literal unless a quote follows.

    Raises:
        ConfigError: The string contains a control character, or a backslash before a quotation
            mark.
    """
    if '\\"' in value or value.endswith("\\"):
        raise ConfigError(
            f"{value!r} contains a backslash where {Lighttpd.title} does not allow one"
        )
    return no_control(value, Lighttpd.title)
