"""Caddy: `X-Accel-Redirect`, which `handle_response` acts on."""

from __future__ import annotations

import urllib.parse

from xaccel._core import Location
from xaccel.delivery.response import Headers
from xaccel.exceptions import ConfigError
from xaccel.servers.dialects.base import Dialect, Settings
from xaccel.servers.dialects.values import check_directories, raw_value

# Caddy 2.6 uses the path unchanged. Later versions decode it, and some of them expand
# placeholders in it. A path without these four characters has the same meaning in all versions.
_AMBIGUOUS = frozenset("%?{}")
_NOT_IN_PREFIX = _AMBIGUOUS.union("*")


class Caddy(Dialect):
    """Caddy rewrites the request to the internal URL."""

    name = "caddy"
    title = "Caddy"
    generator = "xaccel.servers.caddy"
    sendfile_types = ("x-accel-redirect",)
    takes_urls = True
    header_prefixes = ("x-accel-",)
    etag_is_ours = False
    answers_uploads_late = True

    def offload(self, location: Location, *, limit_rate: int | None) -> Headers | None:  # noqa: ARG002
        """Return `X-Accel-Redirect` with the unencoded internal URL.

        If the path contains `%`, `?`, `{`, `}` or a control character, the app sends the file,
        because versions of Caddy differ in how they interpret such a path.
        """
        value = raw_value(urllib.parse.unquote_to_bytes(location.url))
        if value is None or not _AMBIGUOUS.isdisjoint(value):
            return None
        return (("X-Accel-Redirect", value),)

    def check(self, settings: Settings) -> None:
        """Refuse settings that a `Caddyfile` can't express."""
        check_directories(settings, self.title)
        for prefix in settings.served_roots.values():
            if not _NOT_IN_PREFIX.isdisjoint(prefix):
                raise ConfigError(
                    f"XACCEL['ROOTS']: with {self.title} the internal prefix {prefix!r} must not "
                    f"contain any of {' '.join(sorted(_NOT_IN_PREFIX))}"
                )
