"""No server in front that could send files: the app sends them itself."""

from __future__ import annotations

from xaccel._core import Location
from xaccel.servers.dialects.base import Dialect, Settings


class Direct(Dialect):
    """The app answers with every file, and fetches those on remotes."""

    name = "direct"
    title = "an app without a web server"
    offloads = False
    supports_remotes = True

    def offload(self, location: Location, *, limit_rate: int | None) -> None:
        """Always `None`. A rate would keep one of the app's workers waiting, so there is none."""

    def check(self, settings: Settings) -> None:
        """Nothing: there is no configuration."""
