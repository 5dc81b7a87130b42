"""No server in front that could send files: the app sends them itself."""

from __future__ import annotations

from xaccel._core import Location
from xaccel.servers import text

ETAG_IS_OURS = True

_NAME = "an app without a server in front"


def offload(location: Location, *, limit_rate: int | None) -> None:  # noqa: ARG001  as any server's
    """Never: there is nobody to send the file instead.

    Raises:
        ConfigError: A limit of the rate was asked for.
    """
    no_limit_rate(limit_rate)


def no_limit_rate(limit_rate: int | None) -> None:
    """Refuse to limit the rate: waiting would keep one of the app's workers from its work.

    Raises:
        ConfigError: A limit was asked for.
    """
    text.no_limit_rate(limit_rate, _NAME)
