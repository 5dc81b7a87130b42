"""The lines that make nginx fetch a file from another HTTP server."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

from xaccel._core import encode_path
from xaccel.delivery.origins import Remote
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx.syntax import escape_dollar, literal, pattern, quoted

_CA_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def fetch(
    deployment: Deployment,
    *,
    scheme: str,
    host: str,
    authority: str,
    prefix: str,
    path: str,
) -> Iterator[str]:
    """Yield the lines of a location that map URLs below its prefix to URLs on another server.

    Args:
        deployment: Provides the DNS servers.
        scheme: `http` or `https`.
        host: The server's name or address.
        authority: The host, with the port unless it is the scheme's default.
        prefix: A regular expression for the location's prefix.
        path: The decoded path that replaces the prefix, with a slash at both ends.
    """
    target = f"{scheme}://{authority}"
    if not _is_fixed(host):
        yield from _resolver(deployment)
        yield f"set $xaccel_origin {quoted(target)};"
        target = "$xaccel_origin"
    yield "# After a rewrite, nginx percent-encodes the path again. The query stays as it is."
    yield (
        f"rewrite {pattern(f'(?s)^{prefix}(.*)$')} "
        f"{quoted(f'{escape_dollar(path)}$1', dollar=False)} break;"
    )
    yield f"proxy_pass {target};"
    yield from _server(scheme, authority)


def fetch_signed(deployment: Deployment, remote: Remote) -> Iterator[str]:
    """Yield the lines of a location whose URLs pass a signed path and query in their own query.

    Args:
        deployment: Provides the DNS servers.
        remote: The bucket.
    """
    if not _is_fixed(remote.host):
        yield from _resolver(deployment)
    yield "# The app has signed this path and its query, so nginx sends them as they are."
    start = pattern("^" + literal(encode_path(remote.path)))
    yield from text.block(f"if ($args !~ {start})", ["return 404;"])
    # In a URL with a variable, nginx would use the resolver to look up this name.
    address = remote.authority
    if remote.host == "localhost":
        address = f"127.0.0.1{remote.authority.removeprefix('localhost')}"
    yield f"proxy_pass {remote.scheme}://{address}$args;"
    yield from _server(remote.scheme, remote.authority)


def _resolver(deployment: Deployment) -> Iterator[str]:
    yield "# With a variable, nginx looks up the name again when the DNS entry expires."
    yield "# It asks the resolver, and ignores /etc/hosts."
    yield f"resolver {' '.join(deployment.resolvers)};"
    yield "resolver_timeout 5s;"


def _server(scheme: str, authority: str) -> Iterator[str]:
    """Yield the lines that set the other server's name and check its certificate."""
    if scheme == "https":
        yield "proxy_ssl_server_name on;"
        yield "proxy_ssl_verify on;"
        yield "proxy_ssl_verify_depth 4;"
        yield f"proxy_ssl_trusted_certificate {_authorities()};"
    yield f"proxy_set_header Host {quoted(authority)};"


def _authorities() -> str:
    """Return the path of the file with this system's trusted certificates."""
    return next((path for path in _CA_FILES if Path(path).is_file()), _CA_FILES[0])


def _is_fixed(host: str) -> bool:
    """Whether a host does not need a DNS lookup."""
    if host == "localhost":
        return True
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
