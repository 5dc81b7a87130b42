"""The HTTP client of `xaccel doctor`, and the site that it examines."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from xaccel.config import Config
from xaccel.doctor.samples import MOST_BYTES
from xaccel.exceptions import ConfigError

_TIMEOUT = 20.0


@dataclass(frozen=True)
class Reply:
    """The site's response to one request."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    """The beginning of the body; see `samples.MOST_BYTES`."""
    keeps_alive: bool
    """Whether the connection stays open."""
    requested: float
    """The time when the request was sent, in seconds since the epoch."""
    received: float
    """The time when the last byte was read, in seconds since the epoch."""

    @property
    def size(self) -> int:
        """The size of the whole body in bytes."""
        length = self.headers["Content-Length"] or ""
        return int(length) if length.isdecimal() else len(self.body)


@dataclass(frozen=True)
class Site:
    """The running site that is examined.

    Args:
        url: The address of the site, or of a file on it that the app offloads.
        config: The app's settings, if they are available.
        headers: Headers for each request, such as the cookie of a user who may see the file.

    Raises:
        ConfigError: The address is not an HTTP URL.
    """

    url: str
    config: Config | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self._parts.scheme not in {"http", "https"} or not self._parts.hostname:
            raise ConfigError(f"{self.url!r} is not a URL such as 'https://example.org/'")

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def target(self) -> str:
        """The path and the query of the address."""
        return (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")

    def connect(self, timeout: float = _TIMEOUT) -> http.client.HTTPConnection:
        """Open a new connection. `timeout` is in seconds."""
        host = self._parts.hostname or ""
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(
                host, self._parts.port, timeout=timeout, context=context
            )
        return http.client.HTTPConnection(host, self._parts.port, timeout=timeout)

    def request(self, target: str, method: str = "GET", **headers: str) -> Reply:
        """Send a request for a target, spelled exactly as given, on a new connection."""
        with contextlib.closing(self.connect()) as connection:
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            requested = time.time()
            connection.request(method, target, headers={**self.headers, **fields})
            response = connection.getresponse()
            keeps_alive, body = not response.will_close, response.read(MOST_BYTES)
            received = time.time()
        return Reply(response.status, response.headers, body, keeps_alive, requested, received)
