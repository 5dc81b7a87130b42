"""The inputs to a server's configuration, apart from the app's settings."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from xaccel.exceptions import ConfigError

_PLAIN = (
    "upstream",
    "listen",
    "domain",
    "client_max_body_size",
    "resizer",
    "resolver",
)
_NAME = re.compile("[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST = 20
# These ports are below the range that Linux assigns to outgoing connections.
_FIRST_PORT, _PORTS = 10_200, 20_000


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The addresses on which the app and the server listen, and other options of the server.

    Raises:
        ConfigError: A value can't be used in a server's configuration.
    """

    name: str | None = None
    """The site's name, such as `shop`. Sites that share a server need different names. The name is
    a prefix of file names and of everything that must be unique within a server, such as nginx's
    variables."""
    directory: Path | None = None
    """The directory of the configuration files; `None` if it is not known. It is needed if one file
    includes another."""
    upstream: str = "127.0.0.1:8000"
    """Where the app listens: `HOST:PORT`, `unix:/path/to.sock` or a container's `NAME:PORT`."""
    listen: str = "80"
    """Where the server listens: `PORT` or `ADDRESS:PORT`."""
    domain: str | None = None
    """The host names of the site, separated by spaces; `None` for any."""
    static: Mapping[str, str] = field(default_factory=dict)
    """Directories of static files, keyed by public URL prefix: `{"/static/": "/srv/static"}`."""
    client_max_body_size: str = "10m"
    """The maximum size of an upload, in nginx's syntax: `10m` is 10 MiB, and `0` means no limit."""
    verify: Literal["app", "secure-link", "njs"] | None = None
    """How nginx verifies the URL of a thumbnail. nginx either asks the app once, or verifies the
    signature with `secure_link` or with an njs script. The default is `secure-link` if URLs are
    signed for it, otherwise `app`."""

    resizer: str | None = None
    """The address of nginx's resizing server, if nginx renders the thumbnails: `ADDRESS:PORT` or
    `unix:/path/to.sock`; by default, a port of 127.0.0.1 that depends on the site's name."""
    resolver: str | None = None
    """The DNS servers for nginx, separated by spaces; by default, the DNS servers of this
    machine."""
    tls_certificate: str | None = None
    """The file with the certificate and its chain. If it is set, the server uses TLS."""
    tls_key: str | None = None
    """The file with the certificate's private key."""

    log_header: str | None = None
    """A response header of the app, such as `X-User`, that nginx logs and hides from visitors."""
    json_log: str | None = None
    """A file in which nginx also logs each request as JSON. Each entry says whether the app was
    involved."""

    balance: tuple[str, ...] = ()
    """The machines behind a load balancer: `HOST:PORT` or `unix:/path/to.sock` of the web server on
    each of them. If this is set, the configuration is for the load balancer."""
    real_ip_from: tuple[str, ...] = ()
    """The addresses of the load balancers in front of the server, such as `10.0.0.1` or
    `10.0.0.0/24`. The server trusts their information about the visitor."""

    def __post_init__(self) -> None:
        """Refuse values that would terminate a line or a directive."""
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"name must be lower-case letters and digits, separated by single hyphens, such as "
                f"'shop', not {self.name!r}"
            )
        for name in _PLAIN:
            value = getattr(self, name)
            if value is not None:
                _check_plain(name, value)
        self._check_tls()
        if self.log_header is not None and not re.fullmatch("[A-Za-z0-9-]+", self.log_header):
            raise ConfigError(f"log_header must be a name like 'X-User', not {self.log_header!r}")
        _in_bytes(self.client_max_body_size)
        for address in self.balance:
            _check_machine(address)
        for address in self.real_ip_from:
            _check_network(address)
        for prefix in self.static:
            if not prefix.startswith("/") or not prefix.endswith("/"):
                raise ConfigError(
                    f"the URL prefix of static files must look like '/static/', not {prefix!r}"
                )

    def _check_tls(self) -> None:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ConfigError("TLS needs both the certificate and its key")

    @property
    def file_name(self) -> str:
        """The prefix of the site's file names."""
        name = self._name
        return "xaccel" if name is None else f"xaccel-{name}"

    @property
    def _name(self) -> str | None:
        """The site's name. A load balancer needs another, as it may run on one of the machines."""
        if not self.balance:
            return self.name
        return "balancer" if self.name is None else f"{self.name}-balancer"

    @property
    def identifier(self) -> str:
        """The prefix for the names of variables, zones and similar items.

        It is short, because nginx's hash tables accept only short names.
        """
        name = self._name
        if name is None:
            return "xaccel"
        if len(name) > _LONGEST:
            name = f"{name[:11]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        return f"xaccel_{name.replace('-', '_')}"

    @property
    def resizer_address(self) -> str:
        """The value of `resizer`, or its default."""
        if self.resizer is not None:
            return self.resizer
        digest = hashlib.sha256((self.name or "").encode()).digest()
        return f"127.0.0.1:{_FIRST_PORT + int.from_bytes(digest) % _PORTS}"

    def path_of(self, file: str) -> str:
        """Return the path by which other configuration files refer to a file."""
        return file if self.directory is None else str(self.directory / file)

    @property
    def listen_address(self) -> tuple[str, str]:
        """The address (`*` for any) and the port of `listen`."""
        address, colon, port = self.listen.rpartition(":")
        if not port.isdecimal() or (colon and not address):
            raise ConfigError(f"listen must be PORT or ADDRESS:PORT, not {self.listen!r}")
        return address or "*", port

    @property
    def upstream_socket(self) -> str | None:
        """The path of the app's Unix socket, if it listens on one."""
        return self.upstream.removeprefix("unix:") if self.upstream.startswith("unix:") else None

    @property
    def upstream_address(self) -> tuple[str, str]:
        """The host and the port of `upstream`, if it is not a Unix socket."""
        host, _, port = self.upstream.rpartition(":")
        if not host or not port.isdecimal():
            raise ConfigError(
                f"upstream must be HOST:PORT or unix:/path/to.sock, not {self.upstream!r}"
            )
        return host, port

    @property
    def max_body_bytes(self) -> int:
        """`client_max_body_size` in bytes."""
        return _in_bytes(self.client_max_body_size)

    @property
    def resolvers(self) -> list[str]:
        """The DNS servers from `resolver` or resolv.conf(5), or the default of resolv.conf(5)."""
        if self.resolver is not None:
            return self.resolver.split()
        with contextlib.suppress(OSError):
            lines = Path("/etc/resolv.conf").read_text().splitlines()
            words = [line.split() for line in lines if line.startswith("nameserver")]
            # nginx does not support link-local addresses, which contain the name of an interface.
            found = [line[1] for line in words if len(line) > 1 and "%" not in line[1]]
            if found:
                return [f"[{address}]" if ":" in address else address for address in found]
        return ["127.0.0.1"]


def _in_bytes(size: str) -> int:
    match = re.fullmatch("([0-9]+)([kmg]?)", size.lower())
    if match is None:
        raise ConfigError(
            "client_max_body_size must be a number of bytes, optionally with k, m or g, not "
            f"{size!r}"
        )
    return int(match[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[match[2]]


def _check_plain(name: str, value: str) -> None:
    if not set(value).isdisjoint("\n\r;{}\"'\\$#"):
        raise ConfigError(f"{name} has an invalid character: {value!r}")


def _check_machine(address: str) -> None:
    _check_plain("balance", address)
    if not re.fullmatch(r"unix:/.+|.+:[0-9]+", address):
        raise ConfigError(f"balance must be HOST:PORT or unix:/path/to.sock, not {address!r}")


def _check_network(address: str) -> None:
    try:
        ipaddress.ip_network(address)
    except ValueError as error:
        raise ConfigError(
            "real_ip_from must be an address such as '10.0.0.1' or a network such as "
            f"'10.0.0.0/24', not {address!r}: {error}"
        ) from None
