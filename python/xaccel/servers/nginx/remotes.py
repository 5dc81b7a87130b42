"""The internal locations for files on other servers."""

from __future__ import annotations

from collections.abc import Iterator

from xaccel.config import Config
from xaccel.delivery.remotes import Remote
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import basics, origins, scripts
from xaccel.servers.nginx.syntax import literal, quoted

_REQUEST = (
    "Range",
    "If-Range",
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "If-Unmodified-Since",
)
_HIDDEN = (
    "Location",
    "Set-Cookie",
    "Content-Type",
    "Content-Disposition",
    "Cache-Control",
    "Content-Security-Policy",
    "Expires",
    "X-Content-Type-Options",
    "x-amz-id-2",
    "x-amz-request-id",
)
_IGNORED = (
    "X-Accel-Redirect",
    "X-Accel-Limit-Rate",
    "X-Accel-Buffering",
    "X-Accel-Charset",
    "X-Accel-Expires",
)


def locations(config: Config, deployment: Deployment) -> Iterator[str]:
    """The internal locations of the remotes."""
    for remote in config.remote_map().remotes:
        yield ""
        yield from _location(config, deployment, remote)
    if config.remotes:
        yield ""
        yield from text.block("location @xaccel_absent", ["return 404;"])
        yield from text.block("location @xaccel_failed", ["return 502;"])


def _location(config: Config, deployment: Deployment, remote: Remote) -> Iterator[str]:
    yield "# Files on another server."
    yield from text.block(
        f"location ^~ {quoted(remote.prefix, dollar=False)}",
        [
            "internal;",
            *basics.saved(deployment),
            scripts.SAVED,
            *origins.fetch(
                deployment,
                scheme=remote.scheme,
                host=remote.host,
                authority=remote.authority,
                prefix=literal(remote.prefix),
                path=remote.path,
            ),
            "# Signed URLs are signed for GET.",
            "proxy_method GET;",
            "# The visitor's cookies and passwords are for the app only.",
            "proxy_pass_request_headers off;",
            "proxy_pass_request_body off;",
            'proxy_set_header Content-Length "";',
            'proxy_set_header Connection "";',
            *(
                f"proxy_set_header {name} $http_{name.lower().replace('-', '_')};"
                for name in _REQUEST
            ),
            "# The app has already set these headers for the file.",
            *(f"proxy_hide_header {name};" for name in _HIDDEN),
            "add_header X-Content-Type-Options nosniff always;",
            scripts.policy_of_app(config, deployment),
            "# The other server must not redirect to private files of this one.",
            f"proxy_ignore_headers {' '.join(_IGNORED)};",
            "# Hide its error pages from visitors. S3 answers 403 for a missing file.",
            "proxy_intercept_errors on;",
            "error_page 300 301 302 303 307 308 400 401 403 404 405 410 =404 @xaccel_absent;",
            "error_page 500 501 502 503 504 =502 @xaccel_failed;",
            "# Don't buffer large files on disk.",
            "proxy_max_temp_file_size 0;",
        ],
    )
