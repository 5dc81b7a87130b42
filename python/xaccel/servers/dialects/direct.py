"""No web server in front of the app: the app sends the files itself."""

from __future__ import annotations

from xaccel._core import Location
from xaccel.servers.dialects.base import Dialect, Settings


class Direct(Dialect):
    """The app sends every file itself, and fetches files from remotes."""

    name = "direct"
    title = "an app without a web server"
    offloads = False
    supports_remotes = True

    def offload(self, location: Location, *, limit_rate: int | None) -> None:
        """Return `None`. A rate limit is not supported, because it would keep a worker busy."""

    def check(self, settings: Settings) -> None:
        """Accept all settings, because there is no configuration."""
