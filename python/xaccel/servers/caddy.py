"""Caddy's configuration, a site block; see `xaccel.servers.generators.Generator`."""

from __future__ import annotations

import re
import string
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from xaccel._core import encode_path
from xaccel.config import Config
from xaccel.delivery import scripts
from xaccel.exceptions import ConfigError
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.dialects.caddy import Caddy
from xaccel.servers.dialects.values import no_control

FULL_FILE = "Caddyfile"
OPTIONS: frozenset[str] = frozenset()

_DIALECT = Caddy()
_NO_INDEX = "index .xaccel-no-index"
# Caddy sets these headers itself when it sends the file.
_NOT_COPIED = (
    "X-Accel-Redirect",
    "Content-Length",
    "Accept-Ranges",
    "ETag",
    "Last-Modified",
    "Connection",
    "Keep-Alive",
    "Transfer-Encoding",
    "Date",
    "Server",
)


def site_file(deployment: Deployment) -> str:
    """Return the file name for the output of `site()`."""
    return f"{deployment.file_name}.caddy"


def secrets_file(deployment: Deployment) -> str:
    """Return the file name for the output of `secrets()`."""
    return f"{deployment.file_name}-secrets.caddy"


def site(config: Config, deployment: Deployment) -> str:
    """Return a site block to import in the `Caddyfile`."""
    _DIALECT.check(config)
    return _document([text.HEADER, *_site(config, deployment)])


def full(config: Config, deployment: Deployment, directory: Path) -> str:
    """Return a complete `Caddyfile`, with Caddy's log and its data in `directory`."""
    _DIALECT.check(config)
    log = [f"output file {_quoted(str(directory / 'error.log'))}", "level WARN"]
    options = [
        "admin off",
        *([] if _gets_certificate(deployment) else ["auto_https off"]),
        f"storage file_system {_quoted(str(directory / 'tmp'))}",
        *text.block("log", log),
    ]
    lines = [text.HEADER, "{", *text.indent(options), "}", "", *_site(config, deployment)]
    return _document(lines)


def secrets(config: Config, deployment: Deployment) -> None:
    """Return `None`, because the app, not Caddy, verifies the signatures."""


def further_files(deployment: Deployment) -> Mapping[str, str]:  # noqa: ARG001 - the interface
    """Return an empty mapping, because no more files are needed."""
    return {}


def _site(config: Config, deployment: Deployment) -> Iterator[str]:
    address, port = deployment.listen_address
    names = (deployment.domain or "").split() or [""]
    if _gets_certificate(deployment):
        yield "# Caddy obtains the certificate itself, and redirects HTTP to HTTPS."
    secure = _gets_certificate(deployment) or deployment.tls_certificate is not None
    yield from text.block(
        ", ".join(f"{'https' if secure else 'http'}://{name}:{port}" for name in names),
        [
            *([] if address == "*" else [f"bind {address}"]),
            *(_tls(deployment) if secure else ()),
            *_max_body(deployment),
            *_handlers(config, deployment),
        ],
    )


def _gets_certificate(deployment: Deployment) -> bool:
    """Whether Caddy has to obtain a certificate."""
    _, port = deployment.listen_address
    if port != "443" or deployment.tls_certificate is not None:
        return False
    if deployment.domain is None:
        raise ConfigError(f"{_DIALECT.title} needs a host name to get a certificate: add --domain")
    return True


def _tls(deployment: Deployment) -> Iterator[str]:
    if deployment.tls_certificate is not None and deployment.tls_key is not None:
        yield f"tls {_quoted(deployment.tls_certificate)} {_quoted(deployment.tls_key)}"
    yield "# Browsers use only TLS for a year, unless the app sends a policy of its own."
    yield "header ?Strict-Transport-Security max-age=31536000"


def _max_body(deployment: Deployment) -> Iterator[str]:
    if deployment.max_body_bytes:
        yield from text.block("request_body", [f"max_size {deployment.max_body_bytes}"])


def _handlers(config: Config, deployment: Deployment) -> Iterator[str]:
    for prefix, directory in deployment.static.items():
        yield from text.block(
            f"handle_path {_quoted(prefix + '*')}",
            [f"root * {_quoted(directory)}", "file_server"],
        )
    # A matcher compares percent-encoded characters with the encoded path.
    mount = config.mount.replace("%", "%25")
    if mount:
        path = _quoted(mount)
        yield f"redir {path} {_quoted(encode_path(config.mount) + '/')} permanent"
    yield from text.block(
        f"handle {_quoted(f'{mount}/*')}" if mount else "handle",
        [
            "# Only WebSockets may change the protocol of a connection to the app.",
            "@plain not header_regexp Upgrade (?i)^websocket$",
            "request_header @plain -Upgrade",
            *_proxy(config, deployment),
        ],
    )
    if config.mount:
        yield from text.block(
            "handle", ["# The app serves nothing outside of its path.", "respond 404"]
        )


def _proxy(config: Config, deployment: Deployment) -> Iterator[str]:
    return text.block(
        f"reverse_proxy {_upstream(deployment)}",
        [
            "header_up X-Real-IP {remote_host}",
            "# A visitor must not choose how the app offloads files.",
            *(f"header_up -{name}" for name in text.OFFLOAD_REQUEST_HEADERS),
            "# Never show this header to visitors.",
            "header_down -X-Accel-Redirect",
            *_responses(config),
        ],
    )


def _upstream(deployment: Deployment) -> str:
    socket = deployment.upstream_socket
    if socket is not None:
        return _quoted(f"unix/{socket}")
    return ":".join(deployment.upstream_address)


def _responses(config: Config) -> Iterator[str]:
    roots = [(prefix, directory) for directory, prefix in config.served_roots.items()]
    # The first match wins, so a prefix inside another prefix comes first.
    for index, (prefix, directory) in enumerate(sorted(roots, reverse=True)):
        yield ""
        yield f"@root{index} header X-Accel-Redirect {_quoted(prefix + '*')}"
        yield from text.block(f"handle_response @root{index}", _send(config, prefix, directory))


def _send(config: Config, prefix: str, directory: str) -> Iterator[str]:
    yield from text.block("copy_response_headers", [f"exclude {' '.join(_NOT_COPIED)}"])
    yield from _policy(config)
    yield "# The file server refuses other methods."
    yield "@changes not method GET HEAD"
    yield "method @changes GET"
    yield "rewrite * {rp.header.X-Accel-Redirect}"
    # Caddy compares the value with the encoded path, byte by byte.
    stripped = urllib.parse.quote(prefix.rstrip("/"), safe=string.printable)
    yield f"uri strip_prefix {_quoted(stripped)}"
    yield f"root * {_quoted(directory)}"
    yield "# The visitor's URL differs from the file's, so there is nothing to canonicalise."
    yield from text.block(
        "file_server", ["disable_canonical_uris", "# A directory is not a file.", _NO_INDEX]
    )


def _policy(config: Config) -> Iterator[str]:
    """Yield the header that prevents private files from running scripts on the site's origin."""
    if config.allow_scripts:
        return
    endings = "|".join(scripts.ENDINGS)
    yield "# Browsers must not run scripts in a private file, such as an uploaded HTML or SVG file."
    yield f'@typed vars_regexp {{rp.header.Content-Type}} "(?i)^{scripts.TYPES}"'
    yield from text.block(
        "@named",
        [
            'not vars_regexp {rp.header.Content-Type} "^[A-Za-z]"',
            f'vars_regexp {{rp.header.X-Accel-Redirect}} "(?i)\\.({endings})$"',
        ],
    )
    for matcher in ("@typed", "@named"):
        yield f'header {matcher} ?Content-Security-Policy "{scripts.SANDBOX}"'


def _quoted(value: str) -> str:
    """Quote a value as one word.

    A backslash prevents a brace from starting a placeholder. A brace followed by a dollar sign
    would start an environment variable, so such a brace is written as the default value of a
    variable that does not exist.
    """
    # Without an opening brace, there are no placeholders, and Caddy keeps backslashes.
    special = '[{}"]' if "{" in value else '"'
    escaped = re.sub(special, r"\\\g<0>", no_control(value, _DIALECT.title))
    return '"' + escaped.replace(r"\{$", r"{$XACCEL_NO_SUCH_VARIABLE:\{}$") + '"'


def _document(lines: Iterable[str]) -> str:
    """Return the text, indented with tabs like the output of `caddy fmt`."""
    return re.sub(
        r"(?m)^( {4})+", lambda spaces: "\t" * (len(spaces[0]) // 4), text.document(lines)
    )
