"""What any app behind nginx needs: addresses, TLS, the log, static files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xaccel.config import Config
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx.syntax import directory, quoted

_LOG = "/var/log/nginx/access.log"
_STRICT = "add_header Strict-Transport-Security $xaccel_strict always;"
_CIPHERS = tuple(
    f"ECDHE-{key}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA")
)
# nginx compresses HTML without being told.
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


def http(config: Config, deployment: Deployment, access_log: str | None) -> Iterator[str]:
    """What belongs in the `http` block; `access_log` is the log's file, if nothing else says it."""
    yield "# The port that the visitor sees, which may not be that on which nginx listens."
    yield from text.block(
        "map $http_host $xaccel_port",
        ['default "";', '"~(?<xaccel_visible>:[0-9]+)$" $xaccel_visible;'],
    )
    yield ""
    if deployment.tls_certificate is not None:
        yield "# Browsers shall not try without TLS for a year, unless the app says otherwise."
        yield from text.block(
            "map $upstream_http_strict_transport_security $xaccel_strict",
            ['"" max-age=31536000;', 'default "";'],
        )
        yield ""
    if deployment.log_header is not None:
        variable = _upstream_variable(deployment.log_header)
        if config.remotes:
            yield "# After a file from a remote it is the remote's headers that nginx remembers."
            yield from text.block(
                "map $xaccel_saved $xaccel_logged",
                [f'"" {variable};', "default $xaccel_saved;"],
            )
            variable = "$xaccel_logged"
        yield "# As `combined`, with what the app says. Of a file that the app offloads, too, it is"
        yield "# the visitor's request that is logged; $uri would be the file's internal URL."
        yield "log_format xaccel"
        yield "    '$remote_addr - $remote_user [$time_local] \"$request\" '"
        yield '    \'$status $body_bytes_sent "$http_referer" "$http_user_agent" \''
        yield f"    '\"{variable}\" $request_time $upstream_response_time';"
        yield f"access_log {quoted(access_log or _LOG)} xaccel;"
        yield ""
    elif access_log is not None:
        yield f"access_log {quoted(access_log)};"
        yield ""


def redirect(deployment: Deployment) -> Iterator[str]:
    """A `server` block that sends those who come without TLS to where there is."""
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


def server(config: Config, deployment: Deployment) -> Iterator[str]:
    """The first lines of the `server` block."""
    tls = deployment.tls_certificate is not None
    yield f"listen {deployment.listen}{' ssl' if tls else ''};"
    yield from _names(deployment)
    yield "server_tokens off;"
    if deployment.tls_certificate is not None and deployment.tls_key is not None:
        yield f"ssl_certificate {quoted(deployment.tls_certificate)};"
        yield f"ssl_certificate_key {quoted(deployment.tls_key)};"
        yield "ssl_protocols TLSv1.2 TLSv1.3;"
        yield "# Those that TLS 1.2 still may have; of TLS 1.3 all are good."
        yield f"ssl_ciphers {':'.join(_CIPHERS)};"
        yield "# Visitors who come back need no full handshake."
        yield "ssl_session_cache shared:xaccel_tls:1m;"
        yield _STRICT
    yield f"client_max_body_size {deployment.client_max_body_size};"
    if deployment.log_header is not None:
        yield f"proxy_hide_header {deployment.log_header};"
        if config.remotes:
            yield 'set $xaccel_saved "";'


def saved(deployment: Deployment) -> Iterator[str]:
    """What a location needs in which another server's headers take the place of the app's."""
    if deployment.log_header is not None:
        yield f"set $xaccel_saved {_upstream_variable(deployment.log_header)};"
        yield f"proxy_hide_header {deployment.log_header};"


def inherit(deployment: Deployment, lines: Iterable[str]) -> Iterator[str]:
    """Lines of the `server` block, its own header also in locations that have others.

    One `add_header` in a location is enough for those around it to be forgotten there.
    """
    opened = False
    for line in lines:
        if line.endswith("{"):
            opened = True
        elif opened and line.lstrip().startswith("add_header "):
            opened = False
            if deployment.tls_certificate is not None:
                yield line[: -len(line.lstrip())] + _STRICT
        yield line


def static(prefix: str, path: str) -> Iterator[str]:
    """The location of static files."""
    yield from text.block(
        f"location ^~ {quoted(prefix, dollar=False)}",
        [
            f"alias {directory(path)};",
            "# Not the app's pages: from their size one could guess the secrets in them.",
            "gzip on;",
            "gzip_vary on;",
            f"gzip_types {' '.join(_COMPRESSIBLE)};",
        ],
    )


def _names(deployment: Deployment) -> Iterator[str]:
    if deployment.domain is not None:
        yield f"server_name {deployment.domain};"


def _upstream_variable(header: str) -> str:
    return f"$upstream_http_{header.lower().replace('-', '_')}"
