"""The `server` block of the app, and the internal locations of its private files."""

from __future__ import annotations

from collections.abc import Iterator

from xaccel._core import encode_path
from xaccel.config import CACHE_PREFIX, Config
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import (
    basics,
    image_filter,
    log,
    proxy,
    remotes,
    scripts,
    secure_link,
    thumbnails,
)
from xaccel.servers.nginx.syntax import directory, disable_symlinks, quoted

_RESTORED = (
    "Vary",
    "Link",
    "Content-Language",
    "Content-Location",
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


def upstream(deployment: Deployment) -> str:
    """Return the name of the app's `upstream` block."""
    return f"{deployment.identifier}_app"


def server(config: Config, deployment: Deployment, access_log: str | None) -> Iterator[str]:
    """Yield the lines in the block. `access_log` is a file; `None` means nginx's default."""
    yield from basics.server(deployment)
    yield from log.server(config, deployment, access_log)
    yield ""
    yield from proxy.server(deployment)
    yield from proxy.timeouts(config)
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
        yield from _internal(config, deployment, prefix, path)
    yield from remotes.locations(config, deployment)
    yield from secure_link.locations(config, deployment)
    verification = thumbnails.verification_of(config, deployment)
    if verification != "none":
        yield ""
        yield from thumbnails.server(
            config,
            deployment,
            [*secure_link.check(config, deployment)],
            [*proxy.forwarded(deployment), 'proxy_set_header Connection "";'],
            upstream(deployment),
        )
    if image_filter.is_used(config):
        yield ""
        check = [*secure_link.check_newest(config, deployment)]
        yield from image_filter.server(config, deployment, check)
    if secure_link.verifies_links(config) or verification != "none":
        yield ""
        yield from text.block(
            "location @xaccel_app",
            [
                "# The original URL, without the changes that nginx has made.",
                f"proxy_pass http://{upstream(deployment)}$request_uri;",
                *proxy.if_app_is_down(deployment),
            ],
        )
    yield ""
    prefix = quoted(f"{config.mount}/", dollar=False)
    yield from proxy.location(deployment, prefix, upstream(deployment))
    if config.mount:
        yield from text.block(
            f"location = {quoted(config.mount, dollar=False)}",
            [
                "# The visitor's port may differ from the one on which nginx listens.",
                "absolute_redirect off;",
                f"return 301 {encode_path(config.mount)}/$is_args$args;",
            ],
        )
        yield "# The app serves nothing outside of its path."
        yield from text.block("location /", ["return 404;"])
    yield ""
    yield from proxy.named_locations(deployment, upstream(deployment))


def _internal(config: Config, deployment: Deployment, prefix: str, path: str) -> Iterator[str]:
    # Both the location and the alias need a final slash. Without the slash in the location,
    # /prefix../ would give access to the directory's parent.
    yield from text.block(
        f"location ^~ {quoted(prefix, dollar=False)}",
        [
            "# Only X-Accel-Redirect leads here. Visitors can't request these URLs.",
            "internal;",
            f"alias {directory(path)};",
            *disable_symlinks(config, path),
            *basics.no_directories(),
            "add_header X-Content-Type-Options nosniff always;",
            scripts.SAVED,
            scripts.policy_of_app(config, deployment),
            "# nginx would drop these headers of the app's response. Add any others that your",
            "# views set.",
            *(
                f"add_header {name} $upstream_http_{name.lower().replace('-', '_')} always;"
                for name in _RESTORED
            ),
        ],
    )
