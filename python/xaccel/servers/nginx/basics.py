"""The parts that any app behind nginx needs: addresses, TLS, timeouts and static files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx.syntax import directory, quoted

_CIPHERS = tuple(
    f"ECDHE-{key}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA")
)
# nginx always compresses HTML.
_COMPRESSIBLE = (
    "text/css",
    "text/javascript",
    "text/plain",
    "application/json",
    "application/manifest+json",
    "application/wasm",
    "application/xml",
    "image/svg+xml",
)


def http(deployment: Deployment) -> Iterator[str]:
    """Yield the lines in the `http` block."""
    identifier = deployment.identifier
    yield "# The port in the visitor's URL. It may differ from the port on which nginx listens."
    yield from text.block(
        f"map $http_host ${identifier}_port",
        ['default "";', '"~(?<xaccel_visible>:[0-9]+)$" $xaccel_visible;'],
    )
    yield ""
    if deployment.tls_certificate is not None:
        yield "# Browsers use only TLS for a year, unless the app sends a policy of its own."
        yield from text.block(
            f"map $upstream_http_strict_transport_security ${identifier}_strict",
            ['"" max-age=31536000;', 'default "";'],
        )
        yield ""
    yield "# Only WebSockets may change the protocol of a connection to the app. Other connections"
    yield "# stay open between requests."
    for name, value in (("upgrade", "websocket"), ("connection", "upgrade")):
        yield from text.block(
            f"map $http_upgrade ${identifier}_{name}",
            ['default "";', f'"~*^websocket$" {value};'],
        )
    yield "# The data of WebSockets and event streams must not wait in a buffer."
    yield from text.block(
        f'map "$http_upgrade $http_accept" ${identifier}_is_stream',
        ['default "";', '"~*^websocket " 1;', '"~*text/event-stream" 1;'],
    )
    yield ""


def redirect(deployment: Deployment) -> Iterator[str]:
    """Yield a `server` block that redirects HTTP to HTTPS."""
    if deployment.tls_certificate is None:
        return
    address, port = deployment.listen_address
    if port != "443":
        return
    listen = "80" if address == "*" else f"{address}:80"
    yield from text.block(
        "server",
        [
            f"listen {listen};",
            *_names(deployment),
            "server_tokens off;",
            "return 301 https://$host$request_uri;",
        ],
    )
    yield ""


def server(deployment: Deployment) -> Iterator[str]:
    """Yield the first lines of the `server` block."""
    tls = deployment.tls_certificate is not None
    yield f"listen {deployment.listen}{' ssl' if tls else ''};"
    yield from _names(deployment)
    yield "server_tokens off;"
    if deployment.tls_certificate is not None and deployment.tls_key is not None:
        yield f"ssl_certificate {quoted(deployment.tls_certificate)};"
        yield f"ssl_certificate_key {quoted(deployment.tls_key)};"
        yield "ssl_protocols TLSv1.2 TLSv1.3;"
        yield "# The safe ciphers of TLS 1.2. All ciphers of TLS 1.3 are safe."
        yield f"ssl_ciphers {':'.join(_CIPHERS)};"
        yield "# Returning visitors skip the full handshake."
        yield f"ssl_session_cache shared:{deployment.identifier}_tls:1m;"
        yield _strict(deployment)
    if deployment.real_ip_from:
        yield "# A load balancer appends the visitor's address to this header."
        yield from (f"set_real_ip_from {address};" for address in deployment.real_ip_from)
        yield "real_ip_header X-Forwarded-For;"
    yield f"client_max_body_size {deployment.client_max_body_size};"
    yield "# Close a connection that has been idle for this long. A slow upload or download may"
    yield "# take longer in total."
    yield "client_header_timeout 20s;"
    yield "client_body_timeout 30s;"
    yield "send_timeout 30s;"
    yield "reset_timedout_connection on;"


def inherit(deployment: Deployment, lines: Iterable[str]) -> Iterator[str]:
    """Yield lines of the `server` block, and repeat its header in locations that add headers.

    An `add_header` in a location disables every `add_header` in the surrounding blocks.
    """
    opened = False
    for line in lines:
        if line.endswith("{"):
            opened = True
        elif opened and line.lstrip().startswith("add_header "):
            opened = False
            if deployment.tls_certificate is not None:
                yield line[: -len(line.lstrip())] + _strict(deployment)
        yield line


def no_directories() -> Iterator[str]:
    """Yield the block that responds to a directory with 404."""
    yield "# nginx would redirect a directory to its internal URL."
    yield from text.block("if (-d $request_filename)", ["return 404;"])


def static(prefix: str, path: str) -> Iterator[str]:
    """Yield the location of static files."""
    yield from text.block(
        f"location ^~ {quoted(prefix, dollar=False)}",
        [
            f"alias {directory(path)};",
            "# Compress only static files. The size of a compressed page can reveal secrets in it.",
            "gzip on;",
            "gzip_vary on;",
            f"gzip_types {' '.join(_COMPRESSIBLE)};",
        ],
    )


def _strict(deployment: Deployment) -> str:
    return f"add_header Strict-Transport-Security ${deployment.identifier}_strict always;"


def _names(deployment: Deployment) -> Iterator[str]:
    if deployment.domain is not None:
        yield f"server_name {deployment.domain};"
