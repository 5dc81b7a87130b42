"""The `server` block of the app, and the internal locations of its private files."""

from __future__ import annotations

from collections.abc import Iterator

from xaccel.config import CACHE_PREFIX, Config
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import basics, image_filter, remotes, secure_link, thumbnails
from xaccel.servers.nginx.syntax import directory, disable_symlinks, quoted

UPSTREAM = "xaccel_app"
"""The name of the app's `upstream` block."""

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


def server(config: Config, deployment: Deployment) -> Iterator[str]:
    """The lines within the block."""
    yield from basics.server(config, deployment)
    yield ""
    yield "# Pass on what only nginx knows about the visitor."
    yield from _FORWARDED
    yield "# Keep connections to the app open between requests."
    yield "proxy_http_version 1.1;"
    yield _KEEP_OPEN
    yield "# Make room for a long, percent-encoded file name in X-Accel-Redirect."
    yield "proxy_buffer_size 16k;"
    yield "proxy_buffers 8 16k;"
    for prefix, path in deployment.static.items():
        yield ""
        yield from basics.static(prefix, path)
    for path, prefix in config.served_roots.items():
        yield ""
        if prefix == CACHE_PREFIX:
            yield "# Finished thumbnails that the app offloads."
        yield from _internal(config, prefix, path)
    yield from remotes.locations(config, deployment)
    yield from secure_link.locations(config)
    verifier = thumbnails.verifier_of(config, deployment)
    if verifier != "none":
        yield ""
        yield from thumbnails.server(
            config, verifier, [*secure_link.check(config)], [*_FORWARDED, _KEEP_OPEN], UPSTREAM
        )
    if image_filter.is_used(config):
        yield ""
        yield from image_filter.server(config, deployment, [*secure_link.check_newest(config)])
    if secure_link.verifies_links(config) or verifier != "none":
        yield ""
        yield from text.block(
            "location @xaccel_app",
            [
                "# The original URL, without the changes that nginx has made.",
                f"proxy_pass http://{UPSTREAM}$request_uri;",
            ],
        )
    yield ""
    yield from text.block("location /", [f"proxy_pass http://{UPSTREAM};"])


def _internal(config: Config, prefix: str, path: str) -> Iterator[str]:
    # Both the location and the alias need a final slash. Without the first, /prefix../ would
    # reach the directory's parent.
    yield from text.block(
        f"location ^~ {quoted(prefix, dollar=False)}",
        [
            "# Only X-Accel-Redirect leads here, no visitor's URL.",
            "internal;",
            f"alias {directory(path)};",
            *disable_symlinks(config, path),
            "add_header X-Content-Type-Options nosniff always;",
            "# nginx drops these headers of the app's response. Add any other that your views set.",
            *(
                f"add_header {name} $upstream_http_{name.lower().replace('-', '_')} always;"
                for name in _RESTORED
            ),
        ],
    )
