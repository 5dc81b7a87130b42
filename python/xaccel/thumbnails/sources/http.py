"""Original images on another web server.

Only the origin that is configured is asked, whatever a URL says. Its address is checked after
the name was resolved, and the very address that was checked is connected to, so that a name
which changes its address in between (DNS rebinding) leads nowhere. Redirects, which are followed
a few times, are checked the same way.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.parse import SplitResult, urljoin, urlsplit

from xaccel._core import __version__, encode_path
from xaccel.delivery.rfc9110 import parse_http_date
from xaccel.exceptions import FileNotFound, ImageTooLarge, SourceUnavailable
from xaccel.thumbnails.sources.base import Arriving, Original, is_plain

MAX_REDIRECTS = 3

_CHUNK = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}


class _WithDeadline:
    """A socket on which what comes in drips is not waited for again and again."""

    deadline: float

    def recv_into(self, *arguments: Any) -> int:
        self.settimeout(_remaining(self.deadline))  # type: ignore[attr-defined]
        return super().recv_into(*arguments)  # type: ignore[misc,no-any-return]


class _Socket(_WithDeadline, socket.socket):
    pass


class _TlsSocket(_WithDeadline, ssl.SSLSocket):
    pass


class HttpSource:
    """Images below one URL.

    Args:
        base: The URL, such as `https://media.example.org/photos/`.
        max_bytes: The most bytes of an image.
        timeout: Seconds that a fetch may take, redirects and all.
        allow_private: Whether the address may be that of a private network or of this machine.
    """

    def __init__(self, base: str, *, max_bytes: int, timeout: float, allow_private: bool) -> None:
        self._base = base.rstrip("/") + "/"
        self._origin = urlsplit(base)
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._allow_private = allow_private
        self._tls = ssl.create_default_context()
        self._tls.sslsocket_class = _TlsSocket

    def get(self, name: str) -> Original:
        """See `Source.get`."""
        if not is_plain(name):
            raise FileNotFound(f"{name!r} is no name below {self._base}")
        url = self._base + encode_path(name)
        deadline = time.monotonic() + self._timeout
        with _unavailable(url):
            for _ in range(1 + MAX_REDIRECTS):
                with contextlib.ExitStack() as stack:
                    answer, sock = stack.enter_context(self._asked(url, deadline))
                    if answer.status not in _REDIRECTS:
                        return self._original(url, answer, sock, stack)
                    url = urljoin(url, answer.headers.get("Location", ""))
        raise SourceUnavailable(f"{self._base}{name} redirects more than {MAX_REDIRECTS} times")

    def state(self, name: str) -> str | None:
        """See `Source.state`: only the origin could tell."""

    @contextlib.contextmanager
    def _asked(
        self, url: str, deadline: float
    ) -> Iterator[tuple[http.client.HTTPResponse, _WithDeadline]]:
        parts = urlsplit(url)
        connection = self._connect(parts, deadline)
        with contextlib.closing(connection):
            sock = cast(_WithDeadline, connection.sock)
            target = parts.path or "/"
            if parts.query:
                target = f"{target}?{parts.query}"
            headers = {"Accept": "image/*", "User-Agent": f"xaccel/{__version__}"}
            connection.request("GET", target, headers=headers)
            with connection.getresponse() as answer:
                yield answer, sock

    def _connect(self, parts: SplitResult, deadline: float) -> http.client.HTTPConnection:
        if parts.scheme not in _PORTS or not parts.hostname:
            raise SourceUnavailable(f"{parts.geturl()!r} is no http or https URL")
        if parts.scheme == "http" and self._origin.scheme == "https":
            raise SourceUnavailable(f"{parts.geturl()!r} would be fetched without encryption")
        port = parts.port or _PORTS[parts.scheme]
        # A redirect must not make use of what the operator allowed to the origin alone.
        is_origin = parts[:2] == self._origin[:2]
        allow_private = self._allow_private and is_origin
        sock: _Socket | _TlsSocket
        sock = _open(parts.hostname, port, deadline, allow_private=allow_private)
        try:
            if parts.scheme == "https":
                wrapped = self._tls.wrap_socket(sock, server_hostname=parts.hostname)
                sock = cast(_TlsSocket, wrapped)
                sock.deadline = deadline
        except BaseException:
            sock.close()
            raise
        # Made for the name, for the sake of the Host header, but with the checked connection.
        connection = http.client.HTTPConnection(parts.hostname, port)
        if port == _PORTS[parts.scheme]:
            connection.default_port = port
        connection.sock = sock
        return connection

    def _original(
        self,
        url: str,
        answer: http.client.HTTPResponse,
        sock: _WithDeadline,
        stack: contextlib.ExitStack,
    ) -> Original:
        if answer.status in {404, 410}:
            raise FileNotFound(f"{url} answers {answer.status}")
        if answer.status != http.HTTPStatus.OK:
            raise SourceUnavailable(f"{url} answers {answer.status}")
        if answer.length is not None and answer.length > self._max_bytes:
            raise ImageTooLarge(f"{url} has {answer.length} bytes, more than {self._max_bytes}")

        def read(size: int) -> bytes:
            piece = answer.read1(size)
            if not piece and answer.length:
                raise SourceUnavailable(f"{url} ended {answer.length} bytes too early")
            return piece

        def prolong() -> None:
            sock.deadline = time.monotonic() + self._timeout

        changed = answer.headers.get("Last-Modified")
        modified = None if changed is None else parse_http_date(changed)
        close = stack.pop_all().close
        fetch = _Fetch(read, close, name=url, max_bytes=self._max_bytes, prolong=prolong)
        return fetch.original(modified)


class _Fetch(Arriving):
    """An image of which the rest may be fetched later.

    Args:
        prolong: Gives the fetch its time once more. It may have waited for the renders of others.
    """

    def __init__(self, *arguments: Any, prolong: Callable[[], None], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._prolong = prolong

    def rest(self) -> bytes:
        self._prolong()
        with _unavailable(self.name):
            return super().rest()


@contextlib.contextmanager
def _unavailable(url: str) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SourceUnavailable(f"{url} can't be fetched: {error}") from error


def _open(host: str, port: int, deadline: float, *, allow_private: bool) -> _Socket:
    problem = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        if not allow_private and not is_public(str(address[0])):
            raise SourceUnavailable(
                f"{host} has the private address {address[0]}; only the origin itself may, "
                "and only with XACCEL['THUMBNAIL_SOURCE_PRIVATE']"
            )
        sock = _Socket(family, kind, protocol)
        sock.deadline = deadline
        try:
            sock.settimeout(_remaining(deadline))
            sock.connect(address)
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    raise problem


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public Internet, also when it is wrapped in IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        embedded = ip.ipv4_mapped or ip.sixtofour or _nat64(ip)
        if embedded is not None:
            return is_public(str(embedded))
    return ip.is_global and not ip.is_multicast


def _nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address within one of the well-known prefix 64:ff9b::/96 (RFC 6052)."""
    if ip in ipaddress.IPv6Network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return None


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("it takes too long")
    return remaining
