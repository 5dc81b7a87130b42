"""nginx: `X-Accel-Redirect`, and a site file for `sites-available/` or `conf.d/`."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Iterator
from pathlib import Path

from xaccel._core import Location
from xaccel.config import CACHE_PREFIX, Config
from xaccel.remotes import Remote
from xaccel.servers import text
from xaccel.servers.deployment import Deployment

ETAG_IS_OURS = True
SITE_FILE = "xaccel.conf"
FULL_FILE = "nginx.conf"
SECRETS_FILE = "xaccel-secrets.conf"

_UPSTREAM = "xaccel_app"
_RESTORED = (
    "Vary",
    "Link",
    "Content-Language",
    "Content-Location",
    "Content-Security-Policy",
    "Content-Security-Policy-Report-Only",
    "Cross-Origin-Embedder-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
    "Permissions-Policy",
    "Referrer-Policy",
    "Strict-Transport-Security",
    "Timing-Allow-Origin",
    "X-Frame-Options",
    "X-Robots-Tag",
)
_REMOTE_REQUEST = (
    "Range",
    "If-Range",
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "If-Unmodified-Since",
)
_REMOTE_HIDDEN = (
    "Location",
    "Set-Cookie",
    "Content-Type",
    "Content-Disposition",
    "Cache-Control",
    "Expires",
    "X-Content-Type-Options",
    "x-amz-id-2",
    "x-amz-request-id",
)
_REMOTE_IGNORED = (
    "X-Accel-Redirect",
    "X-Accel-Limit-Rate",
    "X-Accel-Buffering",
    "X-Accel-Charset",
    "X-Accel-Expires",
)
_TLS = (
    "proxy_ssl_server_name on;",
    "proxy_ssl_verify on;",
    "proxy_ssl_verify_depth 4;",
    "proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;",
)
_PLAIN = re.compile(r"[A-Za-z0-9_./:@^~=*+-]+")


def offload(location: Location, *, limit_rate: int | None) -> tuple[tuple[str, str], ...]:
    """`X-Accel-Redirect` with the internal URL, which nginx percent-decodes once."""
    return redirect(location.url, limit_rate=limit_rate)


def redirect(url: str, *, limit_rate: int | None) -> tuple[tuple[str, str], ...]:
    """The same for any internal URL, such as that of a file on a remote."""
    headers = [("X-Accel-Redirect", url)]
    if limit_rate is not None:
        headers.append(("X-Accel-Limit-Rate", f"{limit_rate:d}"))
    return tuple(headers)


def site(config: Config, deployment: Deployment) -> str:
    """A site file: what belongs inside `http { … }`."""
    return text.document([text.HEADER, *_with_dollar(config, [*_http(config, deployment)])])


def full(config: Config, deployment: Deployment, directory: Path) -> str:
    """A whole `nginx.conf`, with its logs, its pid and its temporary files in `directory`."""
    temporary = (
        f"{kind}_temp_path {_quoted(str(directory / 'tmp' / kind), dollar=False)};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    http = [
        "types {",
        *text.indent(f"{kind} {' '.join(endings)};" for kind, endings in text.TYPES.items()),
        "}",
        "default_type application/octet-stream;",
        "sendfile on;",
        "tcp_nopush on;",
        f"access_log {_quoted(str(directory / 'access.log'))};",
        "# Everything stays below this directory, so that any user can start this nginx.",
        *temporary,
        "",
        *_http(config, deployment),
    ]
    return text.document(
        [
            text.HEADER,
            # nginx gives up root's rights unless told whose to take; anyone else it lets keep them.
            *([f"user {getpass.getuser()};"] if os.geteuid() == 0 else []),
            "worker_processes auto;",
            f"pid {_quoted(str(directory / 'nginx.pid'), dollar=False)};",
            f"error_log {_quoted(str(directory / 'error.log'), dollar=False)};",
            "",
            "events {",
            "    worker_connections 1024;",
            "}",
            "",
            "http {",
            *text.indent(_with_dollar(config, http)),
            "}",
        ]
    )


def secrets(config: Config) -> str | None:
    """The secret part of the configuration; `None` when there is none.

    Whoever reads it can sign URLs: keep it readable by root alone.
    """
    if not (_verifies_links(config) or _verifies_thumbnails(config)):
        return None
    key = config.secret_keys[0]
    secret = key.decode() if isinstance(key, bytes) else key
    message = f"$secure_link_expires$uri {_escape_dollar(secret)}"
    return text.document(
        [
            "# The signature covers the expiry, if there is one, and the decoded path.",
            f"secure_link_md5 {_quoted(message, dollar=False)};",
        ]
    )


def _verifies_links(config: Config) -> bool:
    """Whether nginx itself can tell a good link to a private file from a bad one."""
    return config.private_url is not None and config.signature == "secure-link-md5"


def _verifies_thumbnails(config: Config) -> bool:
    """Whether nginx itself can tell a good thumbnail URL from a bad one."""
    return (
        config.has_thumbnail_endpoint
        and config.thumbnail_cache is not None
        and config.signature == "secure-link-md5"
    )


def _http(config: Config, deployment: Deployment) -> Iterator[str]:
    yield from text.block(
        f"upstream {_UPSTREAM}",
        [f"server {deployment.upstream};", "keepalive 16;"],
    )
    yield ""
    if secrets(config) is not None:
        yield from _signature_map()
    if _verifies_thumbnails(config):
        yield from _thumbnail_maps(config)
    yield from text.block("server", _server(config, deployment))


def _with_dollar(config: Config, lines: list[str]) -> list[str]:
    """Define the variable for a dollar sign, if it is used."""
    if not any("${xaccel_dollar}" in line for line in [*lines, secrets(config) or ""]):
        return lines
    return [
        "# A dollar sign can't be written in a value in any other way.",
        *text.block("geo $xaccel_dollar", ['default "$";']),
        "",
        *lines,
    ]


def _server(config: Config, deployment: Deployment) -> Iterator[str]:
    yield f"listen {deployment.listen};"
    if deployment.domain is not None:
        yield f"server_name {deployment.domain};"
    yield f"client_max_body_size {deployment.client_max_body_size};"
    yield ""
    yield "# What the app would otherwise not know of the visitor."
    yield "proxy_set_header Host $http_host;"
    yield "proxy_set_header X-Real-IP $remote_addr;"
    yield "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
    yield "proxy_set_header X-Forwarded-Proto $scheme;"
    yield "# Keep connections to the app open between requests."
    yield "proxy_http_version 1.1;"
    yield 'proxy_set_header Connection "";'
    yield "# A long file name, percent-encoded, has to fit in X-Accel-Redirect."
    yield "proxy_buffer_size 16k;"
    yield "proxy_buffers 8 16k;"
    for prefix, directory in deployment.static.items():
        yield ""
        yield from text.block(
            f"location ^~ {_quoted(prefix, dollar=False)}", [f"alias {_directory(directory)};"]
        )
    for directory, prefix in config.served_roots.items():
        yield ""
        if prefix == CACHE_PREFIX:
            yield "# Finished thumbnails, when the app has to be asked."
        yield from _internal(config, prefix, directory)
    yield from _remotes(config)
    if _verifies_links(config):
        for directory, prefix in config.link_map().roots:
            yield ""
            yield from _link_location(config, prefix, directory)
    if _verifies_thumbnails(config):
        yield ""
        yield from _thumbnail_location(config)
    if _verifies_links(config) or _verifies_thumbnails(config):
        yield ""
        yield from text.block("location @xaccel_app", [f"proxy_pass http://{_UPSTREAM};"])
    yield ""
    yield from text.block("location /", [f"proxy_pass http://{_UPSTREAM};"])


def _internal(config: Config, prefix: str, directory: str) -> Iterator[str]:
    # The final slashes of the location and of the alias have to match: without the first,
    # /prefix../ would reach the directory's parent.
    yield from text.block(
        f"location ^~ {_quoted(prefix, dollar=False)}",
        [
            "# Only for X-Accel-Redirect.",
            "internal;",
            f"alias {_directory(directory)};",
            *_links(config, directory),
            "add_header X-Content-Type-Options nosniff always;",
            "# nginx drops these of the app's response. Add a line for any other that views set.",
            *(
                f"add_header {name} $upstream_http_{name.lower().replace('-', '_')} always;"
                for name in _RESTORED
            ),
        ],
    )


def _remotes(config: Config) -> Iterator[str]:
    for remote in config.remote_map().remotes:
        yield ""
        yield from _remote(remote)
    if config.remotes:
        yield ""
        yield from text.block("location @xaccel_absent", ["return 404;"])
        yield from text.block("location @xaccel_failed", ["return 502;"])


def _remote(remote: Remote) -> Iterator[str]:
    yield "# Files on another server. The address is fixed, so that nginx encodes their paths anew."
    yield from text.block(
        f"location ^~ {_quoted(remote.prefix, dollar=False)}",
        [
            "internal;",
            f"proxy_pass {_quoted(remote.url)};",
            "# A signed URL is signed for GET.",
            "proxy_method GET;",
            "# What the visitor sends is for the app: cookies and passwords are not passed on.",
            "proxy_pass_request_headers off;",
            "proxy_pass_request_body off;",
            'proxy_set_header Content-Length "";',
            f"proxy_set_header Host {_quoted(remote.authority)};",
            'proxy_set_header Connection "";',
            *(
                f"proxy_set_header {name} $http_{name.lower().replace('-', '_')};"
                for name in _REMOTE_REQUEST
            ),
            *(_TLS if remote.scheme == "https" else ()),
            "# What the app has said of the file counts.",
            *(f"proxy_hide_header {name};" for name in _REMOTE_HIDDEN),
            "add_header X-Content-Type-Options nosniff always;",
            "# The other server may not send visitors on to a private file of this one.",
            f"proxy_ignore_headers {' '.join(_REMOTE_IGNORED)};",
            "# Its words about an error are not for visitors. S3 says 403 for what is not there.",
            "proxy_intercept_errors on;",
            "error_page 300 301 302 303 307 308 400 401 403 404 405 410 =404 @xaccel_absent;",
            "error_page 500 501 502 503 504 =502 @xaccel_failed;",
            "# A big file is not written to the disk on its way.",
            "proxy_max_temp_file_size 0;",
        ],
    )


def _links(config: Config, directory: str) -> Iterator[str]:
    if not config.follow_symlinks:
        yield f"disable_symlinks on {_quoted('from=' + directory.rstrip('/') + '/')};"


def _signature_map() -> Iterator[str]:
    key, expires = "key=(?<xaccel_key>[A-Za-z0-9_-]{21}[AQgw])", "(?<xaccel_expires>[1-9][0-9]*)"
    yield "# nginx takes sixteen spellings of each signature, and any further argument; so the"
    yield "# arguments have to be spelt in the one way in which the app writes them."
    yield from text.block(
        "map $args $xaccel_link",
        [
            'default "";',
            f'"~^{key}$" $xaccel_key;',
            f'"~^{key}&expires={expires}$" "$xaccel_key,$xaccel_expires";',
        ],
    )
    yield ""


def _thumbnail_maps(config: Config) -> Iterator[str]:
    prefix = re.escape(config.thumbnail_url)
    yield "# The ending that the cached file of a thumbnail with a format option has."
    formats = ("jpeg", "png", "webp", "avif", "gif")
    yield from text.block(
        "map $uri $xaccel_ending",
        [
            'default "";',
            *(f'"~^{prefix}[^/]*,{name}[,/]" .{name};' for name in formats),
            f'"~^{prefix}[^/]*,auto[,/]" $xaccel_auto;',
        ],
    )
    yield from text.block(
        "map $http_accept $xaccel_auto",
        [
            "default $xaccel_unnegotiated;",
            *(f"~image/{name} .{name};" for name in config.thumbnail_formats),
        ],
    )
    yield from text.block(
        "map $uri $xaccel_unnegotiated",
        ["default .jpeg;", *(f"~*\\.{name}$ .{name};" for name in formats[1:])],
    )
    yield from text.block(
        "map $uri $xaccel_vary", ['default "";', f'"~^{prefix}[^/]*,auto[,/]" Accept;']
    )
    yield "# Good for a month; with the source's version in the URL, for ever; with an expiry,"
    yield "# only after asking here again."
    yield from text.block(
        "map $uri $xaccel_lifetime",
        [
            'default "public, max-age=2592000";',
            f'"~^{prefix}[^/]*,v-[A-Za-z0-9_-]{{8}}/" "public, max-age=31536000, immutable";',
        ],
    )
    yield from text.block(
        "map $arg_expires $xaccel_cache_control",
        ['"" $xaccel_lifetime;', 'default "public, no-cache";'],
    )
    yield ""


def _thumbnail_location(config: Config) -> Iterator[str]:
    yield "# A thumbnail: nginx checks the signature and sends the finished file. The app is asked"
    yield "# for one that is not there yet, and makes it."
    yield from text.block(
        f"location ^~ {_quoted(config.thumbnail_url, dollar=False)}",
        [
            *_check(config),
            f"root {_directory(config.thumbnail_cache or '')};",
            "types {",
            "    image/avif avif;",
            "    image/gif gif;",
            "    image/png png;",
            "    image/webp webp;",
            "}",
            "default_type image/jpeg;",
            "add_header Cache-Control $xaccel_cache_control;",
            "add_header Vary $xaccel_vary;",
            "add_header X-Content-Type-Options nosniff always;",
            "try_files $uri$xaccel_ending @xaccel_app;",
        ],
    )


def _link_location(config: Config, prefix: str, directory: str) -> Iterator[str]:
    yield "# Signed links: nginx checks the signature and sends the file, the app is not asked."
    yield from text.block(
        f"location ^~ {_quoted(prefix, dollar=False)}",
        [
            *_check(config),
            f"alias {_directory(directory)};",
            *_links(config, directory),
            'add_header Cache-Control "private, no-cache";',
            "add_header X-Content-Type-Options nosniff always;",
        ],
    )


def _check(config: Config) -> Iterator[str]:
    """Check the signature: 403 when it is wrong, 410 when its time has passed."""
    yield "secure_link $xaccel_link;"
    yield f"include {SECRETS_FILE};"
    yield from text.block('if ($secure_link = "")', ["return 403;"])
    yield from text.block('if ($secure_link = "0")', ["return 410;"])
    if len(config.secret_keys) > 1:
        yield "# nginx can check the newest key only; the app knows the older ones, too."
        yield "error_page 403 = @xaccel_app;"


def _directory(path: str) -> str:
    return _quoted(path.rstrip("/") + "/")


def _escape_dollar(value: str) -> str:
    return value.replace("$", "${xaccel_dollar}")


def _quoted(value: str, *, dollar: bool = True) -> str:
    """A value as one word of the configuration.

    `dollar` says whether the directive takes variables, so that a `$` needs care.

    Raises:
        ConfigError: There is no way to write it.
    """
    word = text.no_control(value, "nginx")
    if dollar:
        word = _escape_dollar(word)
    if _PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
