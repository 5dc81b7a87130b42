"""nginx: `X-Accel-Redirect`, and a site file for `sites-available/` or `conf.d/`."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from pathlib import Path

from xaccel._core import Location
from xaccel.config import CACHE_PREFIX, Config
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import (
    basics as nginx_basics,
    image_filter,
    remotes as nginx_remotes,
    thumbnails as nginx_thumbnails,
)
from xaccel.servers.nginx.syntax import (
    directory as _directory,
    escape_dollar as _escape_dollar,
    quoted as _quoted,
)

ETAG_IS_OURS = True
SITE_FILE = "xaccel.conf"
FULL_FILE = "nginx.conf"
SECRETS_FILE = "xaccel-secrets.conf"

_UPSTREAM = "xaccel_app"
_CACHES = "/var/cache"
_FORWARDED = (
    "proxy_set_header Host $host$xaccel_port;",
    "proxy_set_header X-Real-IP $remote_addr;",
    "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    "proxy_set_header X-Forwarded-Proto $scheme;",
)
_KEEP_OPEN = 'proxy_set_header Connection "";'
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
    return text.document(
        [
            text.HEADER,
            *_with_dollar(config, deployment, [*_http(config, deployment, _CACHES, None)]),
        ]
    )


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
        "# Everything stays below this directory, so that any user can start this nginx.",
        *temporary,
        "",
        *_http(config, deployment, str(directory / "tmp"), str(directory / "access.log")),
    ]
    return text.document(
        [
            text.HEADER,
            # nginx gives up root's rights unless told whose to take; anyone else it lets keep them.
            *([f"user {getpass.getuser()};"] if os.geteuid() == 0 else []),
            *_modules(config, deployment),
            "worker_processes auto;",
            "# A file and a connection to the app, or two, for each visitor.",
            "worker_rlimit_nofile 4096;",
            "pcre_jit on;",
            f"pid {_quoted(str(directory / 'nginx.pid'), dollar=False)};",
            f"error_log {_quoted(str(directory / 'error.log'), dollar=False)};",
            "",
            "events {",
            "    worker_connections 1024;",
            "}",
            "",
            "http {",
            *text.indent(_with_dollar(config, deployment, http)),
            "}",
        ]
    )


def _modules(config: Config, deployment: Deployment) -> Iterator[str]:
    if nginx_thumbnails.way(config, deployment) == "njs":
        yield f"load_module {nginx_thumbnails.MODULE};"
    if image_filter.is_used(config):
        yield f"load_module {image_filter.MODULE};"


def secrets(config: Config, deployment: Deployment) -> str | None:
    """The secret part of the configuration; `None` when there is none.

    Whoever reads it can sign URLs: keep it readable by root alone.
    """
    how = nginx_thumbnails.way(config, deployment)
    if how == "njs":
        return text.document([nginx_thumbnails.secrets(config)])
    if not _checks_secure_link(config, how):
        return None
    keys = (key.decode() if isinstance(key, bytes) else key for key in config.secret_keys)
    escaped = [*map(_escape_dollar, keys)]
    if _has_secret_of_each_key(config):
        return text.document(image_filter.secrets(escaped))
    return text.document(_message(escaped[0]))


def _has_secret_of_each_key(config: Config) -> bool:
    """Whether the file with the secrets has all, for the `http` block, and not just the newest."""
    return image_filter.is_used(config) and len(config.secret_keys) > 1


def _message(secret: str) -> Iterator[str]:
    yield "# The signature covers the expiry, if there is one, and the decoded path."
    message = _quoted(f"$secure_link_expires$uri {secret}", dollar=False)
    yield f"secure_link_md5 {message};"


def _verifies_links(config: Config) -> bool:
    """Whether nginx itself can tell a good link to a private file from a bad one."""
    return config.private_url is not None and config.signature == "secure-link-md5"


def _checks_secure_link(config: Config, how: nginx_thumbnails.Way) -> bool:
    """Whether nginx checks signatures with `secure_link` anywhere."""
    return _verifies_links(config) or how == "secure-link" or image_filter.is_used(config)


def _http(
    config: Config, deployment: Deployment, caches: str, access_log: str | None
) -> Iterator[str]:
    how = nginx_thumbnails.way(config, deployment)
    yield from nginx_basics.http(config, deployment, access_log)
    yield from text.block(
        f"upstream {_UPSTREAM}",
        [f"server {deployment.upstream};", "keepalive 16;"],
    )
    yield ""
    if _checks_secure_link(config, how):
        yield from _signature_map()
    if _has_secret_of_each_key(config):
        yield f"include {SECRETS_FILE};"
        yield ""
    if how != "none":
        yield from nginx_thumbnails.http(config, how, f"{caches}/xaccel-verdicts")
    if image_filter.is_used(config):
        cache = f"{caches}/xaccel-thumbnails"
        yield from image_filter.http(config, deployment, cache, [*_secure_link(config)])
    yield from nginx_basics.redirect(deployment)
    yield from text.block("server", nginx_basics.inherit(deployment, _server(config, deployment)))


def _with_dollar(config: Config, deployment: Deployment, lines: list[str]) -> list[str]:
    """Define the variable for a dollar sign, if it is used."""
    secret = secrets(config, deployment) or ""
    if not any("${xaccel_dollar}" in line for line in [*lines, secret]):
        return lines
    return [
        "# A dollar sign can't be written in a value in any other way.",
        *text.block("geo $xaccel_dollar", ['default "$";']),
        "",
        *lines,
    ]


def _server(config: Config, deployment: Deployment) -> Iterator[str]:
    yield from nginx_basics.server(config, deployment)
    yield ""
    yield "# What the app would otherwise not know of the visitor."
    yield from _FORWARDED
    yield "# Keep connections to the app open between requests."
    yield "proxy_http_version 1.1;"
    yield _KEEP_OPEN
    yield "# A long file name, percent-encoded, has to fit in X-Accel-Redirect."
    yield "proxy_buffer_size 16k;"
    yield "proxy_buffers 8 16k;"
    for prefix, directory in deployment.static.items():
        yield ""
        yield from nginx_basics.static(prefix, directory)
    for directory, prefix in config.served_roots.items():
        yield ""
        if prefix == CACHE_PREFIX:
            yield "# Finished thumbnails, when the app has to be asked."
        yield from _internal(config, prefix, directory)
    yield from nginx_remotes.locations(config, deployment)
    if _verifies_links(config):
        for directory, prefix in config.link_map().roots:
            yield ""
            yield from _link_location(config, prefix, directory)
    how = nginx_thumbnails.way(config, deployment)
    if how != "none":
        yield ""
        yield from nginx_thumbnails.server(
            config, how, [*_check(config)], [*_FORWARDED, _KEEP_OPEN], _UPSTREAM
        )
    if image_filter.is_used(config):
        yield ""
        yield from image_filter.server(config, deployment, [*_secure_link(config)])
    if _verifies_links(config) or how != "none":
        yield ""
        yield from text.block(
            "location @xaccel_app",
            [
                "# As the visitor spelt it, whatever became of it here.",
                f"proxy_pass http://{_UPSTREAM}$request_uri;",
            ],
        )
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
    """Check the signature, by the app's older keys with the app's help."""
    yield from _secure_link(config)
    if len(config.secret_keys) > 1:
        yield "# nginx can check the newest key only; the app knows the older ones, too."
        yield "error_page 403 = @xaccel_app;"


def _secure_link(config: Config) -> Iterator[str]:
    """Check the signature: 403 when it is wrong, 410 when its time has passed."""
    yield "secure_link $xaccel_link;"
    if _has_secret_of_each_key(config):
        yield from _message(image_filter.KEY_VARIABLE)
    else:
        yield f"include {SECRETS_FILE};"
    yield from text.block('if ($secure_link = "")', ["return 403;"])
    yield from text.block('if ($secure_link = "0")', ["return 410;"])
