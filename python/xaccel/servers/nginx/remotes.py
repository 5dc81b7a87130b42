"""The internal locations for files on other servers."""

from __future__ import annotations

from collections.abc import Iterator

from xaccel.config import Config
from xaccel.delivery.origins import Remote
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import log, origins, scripts
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
# The headers of https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html and of
# SeaweedFS. nginx can't hide all headers with a given prefix, such as the metadata headers.
_HIDDEN_OF_BUCKETS = (
    "seaweed-x-amz-etag",
    "seaweed-x-amz-owner",
    "x-amz-bucket-region",
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
    "x-amz-checksum-type",
    "x-amz-delete-marker",
    "x-amz-expiration",
    "x-amz-missing-meta",
    "x-amz-mp-parts-count",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-replication-status",
    "x-amz-request-charged",
    "x-amz-restore",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key-md5",
    "x-amz-storage-class",
    "x-amz-tagging-count",
    "x-amz-version-id",
    "x-amz-website-redirect-location",
)
# The bodies of these error responses would reveal the name of the bucket.
_ERRORS_OF_BUCKETS = (
    "error_page 412 =412 @xaccel_changed;",
    "error_page 416 =416 @xaccel_range;",
)
_IGNORED = (
    "X-Accel-Redirect",
    "X-Accel-Limit-Rate",
    "X-Accel-Buffering",
    "X-Accel-Charset",
    "X-Accel-Expires",
)


def locations(config: Config, deployment: Deployment) -> Iterator[str]:
    """Yield the internal locations of the remotes."""
    for remote in config.remote_map().remotes:
        yield ""
        yield from _location(config, deployment, remote)
    if config.remotes:
        yield ""
        yield from text.block("location @xaccel_absent", ["return 404;"])
        yield from text.block("location @xaccel_failed", ["return 502;"])
    if any(remote.is_bucket for remote in config.remote_map().remotes):
        yield from text.block("location @xaccel_changed", ["return 412;"])
        yield from text.block(
            "location @xaccel_range",
            ["add_header Content-Range $upstream_http_content_range always;", "return 416;"],
        )


def _location(config: Config, deployment: Deployment, remote: Remote) -> Iterator[str]:
    if remote.is_bucket:
        yield "# Files in a bucket."
    else:
        yield "# Files on another server."
    yield from text.block(
        f"location ^~ {quoted(remote.prefix, dollar=False)}",
        [
            "internal;",
            *log.saved(deployment),
            scripts.SAVED,
            *_fetch(deployment, remote),
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
            *(_hidden_of_bucket() if remote.is_bucket else ()),
            "add_header X-Content-Type-Options nosniff always;",
            scripts.policy_of_app(config, deployment),
            "# The other server must not redirect to private files of this one.",
            f"proxy_ignore_headers {' '.join(_IGNORED)};",
            "# Hide the other server's error pages from visitors. S3 sends 403 for a missing file.",
            "proxy_intercept_errors on;",
            "error_page 300 301 302 303 307 308 400 401 403 404 405 410 =404 @xaccel_absent;",
            "error_page 500 501 502 503 504 =502 @xaccel_failed;",
            *(_ERRORS_OF_BUCKETS if remote.is_bucket else ()),
            "# Don't buffer large files on disk.",
            "proxy_max_temp_file_size 0;",
        ],
    )


def _hidden_of_bucket() -> Iterator[str]:
    yield "# Make room for these names, some of which are long."
    yield "proxy_headers_hash_max_size 1024;"
    yield "proxy_headers_hash_bucket_size 128;"
    yield from (f"proxy_hide_header {name};" for name in _HIDDEN_OF_BUCKETS)


def _fetch(deployment: Deployment, remote: Remote) -> Iterator[str]:
    if remote.is_bucket:
        yield from origins.fetch_signed(deployment, remote)
        return
    yield from origins.fetch(
        deployment,
        scheme=remote.scheme,
        host=remote.host,
        authority=remote.authority,
        prefix=literal(remote.prefix),
        path=remote.path,
    )
    yield "# Signed URLs are signed for GET."
    yield "proxy_method GET;"
