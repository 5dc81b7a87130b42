"""Apache with mod_xsendfile: `X-Sendfile`."""

from __future__ import annotations

from xaccel._core import Location
from xaccel.delivery.response import Headers
from xaccel.servers.dialects.base import Dialect, Settings
from xaccel.servers.dialects.values import check_directories, path_bytes, raw_value, validators


class Apache(Dialect):
    """Apache with mod_xsendfile 0.12 or 1.0, which expects the path of the file."""

    name = "apache"
    title = "Apache"
    generator = "xaccel.servers.apache"
    sendfile_types = ("x-sendfile",)
    header_prefixes = ("x-sendfile",)

    def offload(self, location: Location, *, limit_rate: int | None) -> Headers | None:  # noqa: ARG002
        """Return `X-Sendfile` with the path as raw bytes.

        If a header can't contain the path, the app sends the file. mod_xsendfile 0.12 uses the same
        ETag for all files unless the response contains one, and never announces that it supports
        ranges.
        """
        value = raw_value(path_bytes(location))
        if value is None:
            return None
        return ("X-Sendfile", value), *validators(location), ("Accept-Ranges", "bytes")

    def check(self, settings: Settings) -> None:
        """Refuse settings that an `httpd.conf` can't express."""
        check_directories(settings, self.title)
