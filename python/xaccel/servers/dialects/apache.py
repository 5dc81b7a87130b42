"""Apache with mod_xsendfile: `X-Sendfile`."""

from __future__ import annotations

from xaccel._core import Location
from xaccel.delivery.response import Headers
from xaccel.servers.dialects.base import Dialect, Settings
from xaccel.servers.dialects.values import check_directories, path_bytes, raw_value, validators


class Apache(Dialect):
    """mod_xsendfile 0.12 and 1.0 take a path."""

    name = "apache"
    title = "Apache"
    generator = "xaccel.servers.apache"
    sendfile_types = ("x-sendfile",)
    header_prefixes = ("x-sendfile",)

    def offload(self, location: Location, *, limit_rate: int | None) -> Headers | None:  # noqa: ARG002
        """`X-Sendfile` with the path in raw bytes.

        The app sends a file whose name no header can carry. mod_xsendfile 0.12 gives all files
        the same ETag unless the response has one, and never says that it supports ranges.
        """
        value = raw_value(path_bytes(location))
        if value is None:
            return None
        return ("X-Sendfile", value), *validators(location), ("Accept-Ranges", "bytes")

    def check(self, settings: Settings) -> None:
        """Refuse what an `httpd.conf` can't express."""
        check_directories(settings, self.title)
