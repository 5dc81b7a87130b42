"""What a server's configuration needs to know beyond the app's own settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xaccel.exceptions import ConfigError


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Where the app and the server are.

    Raises:
        ConfigError: A value can't be written into a server's configuration.
    """

    upstream: str = "127.0.0.1:8000"
    """Where the app listens: `HOST:PORT`, `unix:/path/to.sock` or a container's `NAME:PORT`."""
    listen: str = "80"
    """Where the server listens: `PORT` or `ADDRESS:PORT`."""
    domain: str | None = None
    """The host names that are served, separated by spaces; none means any."""
    static: Mapping[str, str] = field(default_factory=dict)
    """Directories of static files by their public URL prefix: `{"/static/": "/srv/static"}`."""
    client_max_body_size: str = "10m"
    """The largest upload, in nginx's grammar."""

    def __post_init__(self) -> None:
        """Refuse what would end a line or a directive."""
        for name in ("upstream", "listen", "domain", "client_max_body_size"):
            value = getattr(self, name)
            if value is not None and not set(value).isdisjoint("\n\r;{}\"'\\$#"):
                raise ConfigError(f"{name} has a character that it can't have: {value!r}")
        for prefix in self.static:
            if not prefix.startswith("/") or not prefix.endswith("/"):
                raise ConfigError(
                    f"the URL of static files must be like '/static/', not {prefix!r}"
                )
