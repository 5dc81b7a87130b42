"""The HTTP client for the servers named in the settings.

The client resolves a host name, checks the addresses, and connects to an address that it has
checked. This prevents DNS rebinding, in which a name resolves to a different address after the
check. The client follows redirects up to the caller's limit and checks each one in the same way.
Connections are kept open between requests.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, Self, cast
from urllib.parse import urljoin, urlsplit
from weakref import WeakSet

from xaccel._addresses import is_public

MAX_IDLE = 8
"""The maximum number of idle connections that a client keeps open."""

MAX_IDLE_SECONDS = 30.0
"""The maximum time in seconds that a connection may be idle and still be reused."""

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# RFC 9110, section 9.2.2: methods that may be retried if it is unknown whether the server received
# the request.
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class RequestFailed(OSError):
    """The server did not respond, or its response ended early."""


class PrivateAddress(RequestFailed):
    """The address of a server is in a private network, which is not allowed."""


class TooLarge(RequestFailed):
    """A response exceeds its size limit."""


class Origin(NamedTuple):
    """A server, identified by the scheme, the host and the port of a URL."""

    scheme: str
    host: str
    """An ASCII host name or an IP address, in lower case, without brackets."""
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """Return the origin of a URL.

        Raises:
            ValueError: `url` is not an http or https URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"{url!r} is not an http or https URL")
        host = parts.hostname
        if not host.isascii():
            host = host.encode("idna").decode()
        return cls(parts.scheme, host, parts.port or _PORTS[parts.scheme])

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class _Request(NamedTuple):
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def target(self) -> str:
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class _WithDeadline:
    """A socket whose reads share one deadline. A slow trickle of bytes can't extend it."""

    deadline: float
    is_idle = False
    """Whether the client keeps the connection for later requests."""

    def recv_into(self, *arguments: Any) -> int:
        self.settimeout(_remaining(self.deadline))  # type: ignore[attr-defined]
        return super().recv_into(*arguments)  # type: ignore[misc,no-any-return]

    def __del__(self) -> None:
        # The garbage collector may finalize a socket before the client that would close it.
        if self.is_idle:
            self.close()  # type: ignore[attr-defined]
        else:
            super().__del__()  # type: ignore[misc]


class _Socket(_WithDeadline, socket.socket):
    pass


class _TlsSocket(_WithDeadline, ssl.SSLSocket):
    pass


class _Connection:
    """An open connection, used by one request at a time."""

    def __init__(self, origin: Origin, sock: _Socket | _TlsSocket) -> None:
        self.origin = origin
        self.sock = sock
        self.process = os.getpid()
        self.idle_since = 0.0
        self._http = http.client.HTTPConnection(origin.host, origin.port)
        # `http.client` must not connect to an unchecked address itself.
        self._http.auto_open = 0
        self._http.sock = sock

    def send(self, request: _Request) -> http.client.HTTPResponse:
        """Send a request, and wait for the response header. An error closes the connection."""
        try:
            self.sock.settimeout(_remaining(self.sock.deadline))
            self._http.request(
                request.method,
                request.target,
                body=request.body,
                headers={"Host": self.origin.authority, **request.headers},
            )
            return self._http.getresponse()
        except BaseException:
            self.close()
            raise

    def is_open(self) -> bool:
        """Whether an idle connection is still open. A closed connection is always readable."""
        self.sock.settimeout(0)
        try:
            self.sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            pass
        return False

    def close(self) -> None:
        self._http.close()
        self.sock.close()


class Response:
    """A response whose body is read in pieces. Close it, or use it as a context manager."""

    def __init__(
        self, client: Client, connection: _Connection, response: http.client.HTTPResponse
    ) -> None:
        self._client = client
        self._connection: _Connection | None = connection
        self._sock = connection.sock
        self._response = response
        self._max_bytes: int | None = None
        self._read = 0
        self.status = response.status
        """The status code."""
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        """The header fields, keyed by lower-case name."""

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes of the body, and wait if necessary. Returns `b""` at the end.

        Raises:
            RequestFailed: The body ended early, or the timeout expired.
            TooLarge: The body is larger than allowed.
        """
        try:
            piece = self._response.read1(size)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _failure(error) from error
        if not piece and self._response.length:
            raise RequestFailed(f"the response ended {self._response.length} bytes too early")
        self._read += len(piece)
        self._check_size(self._read)
        return piece

    def prolong(self, timeout: float) -> None:
        """Set a new timeout for the rest of the body, in seconds from now."""
        self._sock.deadline = time.monotonic() + timeout

    def close(self) -> None:
        """Release the connection. It is reused if the whole body was read."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        response = self._response
        is_complete = response.isclosed() or response.length == 0
        response.close()
        if is_complete and not response.will_close:
            self._client.keep(connection)
        else:
            connection.close()

    def limit(self, max_bytes: int | None) -> None:
        """Limit the size of the body. The header is checked now, and the body while it is read.

        Raises:
            TooLarge: The response header announces a larger body. The response is closed.
        """
        self._max_bytes = max_bytes
        try:
            self._check_size(self._response.length or 0)
        except TooLarge:
            self.close()
            raise

    def _check_size(self, size: int) -> None:
        if self._max_bytes is not None and size > self._max_bytes:
            raise TooLarge(f"the response has at least {size} bytes, more than {self._max_bytes}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Client:
    """Sends requests. Threads, greenlets and forked processes may share a client.

    Args:
        private_origins: The only servers whose addresses may be in a private network or belong to
            this machine.
        max_redirects: The maximum number of redirects to follow. A further redirect raises
            `RequestFailed`. With 0, a redirect is returned like any other response. Every server
            receives the same header fields, so they must not contain secrets.
    """

    def __init__(self, *, private_origins: Collection[Origin] = (), max_redirects: int = 0) -> None:
        self._private_origins = frozenset(private_origins)
        self._max_redirects = max_redirects
        self.tls = ssl.create_default_context()
        """The TLS context with the trusted certificates."""
        self.tls.sslsocket_class = _TlsSocket
        self._lock = threading.Lock()
        self._idle: deque[_Connection] = deque()
        _clients.add(self)

    def request(
        self,
        method: str,
        url: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        max_bytes: int | None = None,
    ) -> Response:
        """Send a request, and wait for the response header.

        If the server has closed a connection that was kept open, an idempotent request is retried
        once.

        Args:
            method: The method, such as `GET`.
            url: The URL, percent-encoded.
            timeout: The total time in seconds, including redirects and the body; see
                `Response.prolong()`.
            headers: The header fields to send in addition to Host and Content-Length.
            body: The body.
            max_bytes: The maximum size of the response's body in bytes.

        Raises:
            RequestFailed: The server did not respond; the message says why.
            PrivateAddress: The address of a server is not allowed.
            TooLarge: The response header announces a body that is too large.
        """
        deadline = time.monotonic() + timeout
        for _ in range(1 + self._max_redirects):
            try:
                response = self._send(_Request(method, url, headers or {}, body), deadline)
                response.limit(max_bytes)
            except (http.client.HTTPException, OSError, ValueError) as error:
                raise _failure(error) from error
            if self._max_redirects == 0 or response.status not in _REDIRECTS:
                return response
            response.close()
            target = urljoin(url, response.headers.get("location", ""))
            if url.startswith("https:") and not target.startswith("https:"):
                raise RequestFailed(f"{target!r} would be fetched without encryption")
            url = target
        raise RequestFailed(f"there are more than {self._max_redirects} redirects")

    def _send(self, request: _Request, deadline: float) -> Response:
        origin = Origin.of(request.url)
        connection = self._take(origin) if request.method in _IDEMPOTENT else None
        if connection is not None:
            connection.sock.deadline = deadline
            # The server may be closing the connection at this moment.
            with contextlib.suppress(ConnectionError, http.client.BadStatusLine):
                return Response(self, connection, connection.send(request))
        connection = self._connect(origin, deadline)
        return Response(self, connection, connection.send(request))

    def keep(self, connection: _Connection) -> None:
        """Keep a connection open for the next request."""
        if connection.process != os.getpid():
            connection.close()
            return
        connection.idle_since = time.monotonic()
        connection.sock.is_idle = True
        with self._lock:
            self._idle.append(connection)
            surplus = self._idle.popleft() if len(self._idle) > MAX_IDLE else None
        if surplus is not None:
            surplus.close()

    def _take(self, origin: Origin) -> _Connection | None:
        """Return the most recently used idle connection to a server, or `None`."""
        oldest = time.monotonic() - MAX_IDLE_SECONDS
        found: _Connection | None = None
        closed = []
        with self._lock:
            while self._idle and self._idle[0].idle_since < oldest:
                closed.append(self._idle.popleft())
            for connection in reversed(self._idle):
                if connection.origin == origin:
                    found = connection
                    self._idle.remove(connection)
                    break
        for connection in closed:
            connection.close()
        if found is not None and not found.is_open():
            found.close()
            return None
        if found is not None:
            found.sock.is_idle = False
        return found

    def _connect(self, origin: Origin, deadline: float) -> _Connection:
        sock: _Socket | _TlsSocket
        sock = _open(origin, deadline, allow_private=origin in self._private_origins)
        try:
            if origin.scheme == "https":
                wrapped = self.tls.wrap_socket(sock, server_hostname=origin.host)
                sock = cast("_TlsSocket", wrapped)
                sock.deadline = deadline
        except BaseException:
            sock.close()
            raise
        return _Connection(origin, sock)

    def __del__(self) -> None:
        for connection in self._idle:
            connection.close()

    def forget_connections(self) -> None:
        """In a forked process, close the copies of the parent's connections."""
        # The old lock may be held by a thread that exists only in the parent.
        self._lock = threading.Lock()
        idle, self._idle = self._idle, deque()
        for connection in idle:
            connection.close()


_clients: WeakSet[Client] = WeakSet()


def _forget_connections() -> None:
    for client in _clients:
        client.forget_connections()


os.register_at_fork(after_in_child=_forget_connections)


def _failure(error: Exception) -> RequestFailed:
    if isinstance(error, RequestFailed):
        return error
    return RequestFailed(str(error) or type(error).__name__)


def _open(origin: Origin, deadline: float, *, allow_private: bool) -> _Socket:
    problem = OSError(f"{origin.host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        origin.host, origin.port, type=socket.SOCK_STREAM
    ):
        if not allow_private and not is_public(str(address[0])):
            raise PrivateAddress(f"{origin.host} has the private address {address[0]}")
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


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("the time limit has expired")
    return remaining
