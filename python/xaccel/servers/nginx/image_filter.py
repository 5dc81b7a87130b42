"""Thumbnails that nginx makes by itself: a public caching server in front of a resizing server.

The caching server verifies the signature and caches the results. The resizing server reads the
original from a directory, or fetches it from an HTTP origin, and shrinks it with
`ngx_http_image_filter_module`. There are two servers because nginx can't cache the output of a
filter in the server that runs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import SplitResult, unquote, urlsplit

from xaccel.config import Config
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import origins
from xaccel.servers.nginx.syntax import disable_symlinks, escape_dollar, literal, pattern, quoted
from xaccel.thumbnails import engines

MODULE = "modules/ngx_http_image_filter_module.so"
"""The path of the filter's module, relative to nginx's prefix."""

_BYTES_PER_THUMBNAIL = 5 * 1024
_KEYS_PER_MEGABYTE = 8000
_SIDE = "[1-9][0-9]{0,3}|-"
_SIZE = f"(?<xaccel_width>{_SIDE})x(?<xaccel_height>{_SIDE})"
_FAILURES = "http_500 http_502 http_503 http_504"
# The caching server then sends a stale thumbnail, if it has one.
_FAILED = "error_page 500 501 502 503 504 =502 /empty.gif;"
# S3's headers, and headers that would let the origin control the cache.
_ORIGINS_OWN = (
    "Cache-Control",
    "Expires",
    "Set-Cookie",
    "Vary",
    "x-amz-id-2",
    "x-amz-request-id",
    "x-amz-version-id",
)


def key_variable(deployment: Deployment) -> str:
    """Return the variable that contains the current server's secret.

    It is used only if there are several keys.
    """
    return f"${deployment.identifier}_secret"


def is_used(config: Config) -> bool:
    """Whether nginx renders the thumbnails."""
    return config.thumbnail_engine == "image-filter"


def http(config: Config, deployment: Deployment, cache: str, check: list[str]) -> Iterator[str]:
    """Yield the lines in the `http` block.

    Args:
        config: The app's settings.
        deployment: Where the resizing server listens.
        cache: The directory for the cache if the settings do not specify one.
        check: The lines that verify the signature.

    Raises:
        ConfigError: nginx can't read the source, or can't verify the signatures.
    """
    engines.get(config)
    if config.thumbnail_cache is not None:
        # nginx deletes unknown files in a cache's directory.
        cache = f"{config.thumbnail_cache.rstrip('/')}/image-filter"
    megabytes = -(-config.thumbnail_cache_max_size // (_BYTES_PER_THUMBNAIL * _KEYS_PER_MEGABYTE))
    zone = _zone(deployment)
    yield "# The finished thumbnails."
    yield (
        f"proxy_cache_path {quoted(cache, dollar=False)} levels=1:2 "
        f"keys_zone={zone}:{megabytes}m inactive={config.thumbnail_cache_inactive}s "
        f"max_size={_size(config.thumbnail_cache_max_size)} use_temp_path=off;"
    )
    yield "# Browsers revalidate a thumbnail whose URL expires."
    yield from text.block(
        f"map $arg_expires ${deployment.identifier}_thumbnail_lifetime",
        ['"" "public, max-age=2592000";', 'default "public, no-cache";'],
    )
    yield ""
    yield "# The resizing server. Only the caching server uses it, so it does not verify"
    yield "# signatures."
    yield from text.block("server", _resizer(config, deployment))
    yield ""
    for number in range(1, len(config.secret_keys)):
        yield "# URLs signed with an older key. A server can verify signatures with only one key,"
        yield "# so each older key has its own server."
        lines = [
            f"listen {deployment.resizer_address};",
            f"server_name {_older(deployment, number)};",
            "server_tokens off;",
            "access_log off;",
            *_location(config, deployment, check, number),
        ]
        yield from text.block("server", lines)
        yield ""


def secrets(deployment: Deployment, secrets: list[str]) -> Iterator[str]:
    """Yield the map that assigns a secret to each server; `secrets` begins with the newest."""
    newest, *older = (quoted(secret, dollar=False) for secret in secrets)
    names = (f"{_older(deployment, number)} {secret};" for number, secret in enumerate(older, 1))
    yield from text.block(
        f"map $server_name {key_variable(deployment)}", [f"default {newest};", *names]
    )


def server(config: Config, deployment: Deployment, check: list[str]) -> Iterator[str]:
    """Yield the location of the thumbnails; `check` contains the lines that verify signatures."""
    yield "# Thumbnails: verify the signature, then look in the cache."
    yield from _location(config, deployment, check, 0)


def _zone(deployment: Deployment) -> str:
    """Return the name of the cache's key zone."""
    return f"{deployment.identifier}_thumbnails"


def _named(deployment: Deployment, name: str) -> str:
    """Return the name of one of this site's servers. Other sites may use the same address."""
    return f"{deployment.identifier.replace('_', '-')}-{name}"


def _older(deployment: Deployment, number: int) -> str:
    """Return the name of the server that verifies signatures made with an older key."""
    return _named(deployment, f"key-{number}")


def _location(
    config: Config, deployment: Deployment, check: list[str], number: int
) -> Iterator[str]:
    older = [f"proxy_pass http://{deployment.resizer_address};"]
    older.append(f"proxy_set_header Host {_older(deployment, number + 1)};")
    has_older = number + 1 < len(config.secret_keys)
    yield from text.block(
        f"location ^~ {quoted(config.mount + config.thumbnail_url, dollar=False)}",
        [
            *text.block("limit_except GET", ["deny all;"]),
            *check,
            *(["error_page 403 = @xaccel_older;"] if has_older else []),
            *_without_mount(config),
            f"proxy_pass http://{deployment.resizer_address};",
            f"proxy_set_header Host {_named(deployment, 'resizer')};",
            f"proxy_cache {_zone(deployment)};",
            "# The path alone is the key: the arguments do not change the thumbnail.",
            "proxy_cache_key $uri;",
            "# If several requests ask for the same thumbnail at once, pass on only the first.",
            "proxy_cache_lock on;",
            "proxy_cache_valid 200 30d;",
            "proxy_cache_valid any 15s;",
            "# Send a stale thumbnail while it is updated, and when the update fails.",
            f"proxy_cache_use_stale error timeout invalid_header updating {_FAILURES};",
            f"proxy_ignore_headers X-Accel-Expires {' '.join(_ORIGINS_OWN[:4])};",
            *(f"proxy_hide_header {name};" for name in _ORIGINS_OWN),
            f"add_header Cache-Control ${deployment.identifier}_thumbnail_lifetime;",
            "add_header X-Content-Type-Options nosniff always;",
            "add_header X-Cache-Status $upstream_cache_status;",
        ],
    )
    if has_older:
        yield from text.block("location @xaccel_older", older)


def _without_mount(config: Config) -> Iterator[str]:
    """Yield the line that, after the check, removes the mount from the cache key and the source."""
    if config.mount:
        path = pattern(f"^{literal(config.mount)}(?<xaccel_path>/.*)$")
        yield f"rewrite {path} $xaccel_path break;"


def _resizer(config: Config, deployment: Deployment) -> Iterator[str]:
    prefix = literal(config.thumbnail_url)
    default = " default_server" if len(config.secret_keys) > 1 else ""
    yield f"listen {deployment.resizer_address}{default};"
    yield f"server_name {_named(deployment, 'resizer')};"
    yield "server_tokens off;"
    yield "access_log off;"
    yield ""
    yield "# The maximum size of an original. The response for a larger one is a 404."
    yield f"image_filter_buffer {_size(config.thumbnail_max_bytes)};"
    yield f"image_filter_jpeg_quality {config.thumbnail_quality['jpeg']};"
    yield f"image_filter_webp_quality {config.thumbnail_quality['webp']};"
    yield "image_filter_interlace on;"
    yield ""
    yield "# An empty image, for a missing or unsupported source (404) and for failures (502)."
    yield from text.block("location = /empty.gif", ["internal;", "empty_gif;"])
    yield ""
    for place in config.source_locations:
        # Only the names of THUMBNAIL_SOURCES begin with a tilde.
        start = literal(place.prefix) or "(?!~)"
        source = place.location
        if place.is_directory:
            yield from text.block(
                f"location ~ {pattern(f'^{prefix}{_SIZE}/{start}(?<xaccel_source>.+)$')}",
                _directory(config, source),
            )
        else:
            yield from text.block(
                f"location ~ {pattern(f'^{prefix}{_SIZE}/{start}')}",
                _origin(urlsplit(source), f"{prefix}[^/]+/{literal(place.prefix)}", deployment),
            )
        yield ""
    yield from text.block("location /", ["return 404;"])


def _directory(config: Config, source: str) -> Iterator[str]:
    yield "image_filter resize $xaccel_width $xaccel_height;"
    path = escape_dollar(source.rstrip("/"))
    yield f"alias {quoted(f'{path}/$xaccel_source', dollar=False)};"
    yield from disable_symlinks(config, source)
    yield "error_page 301 403 404 415 =404 /empty.gif;"
    yield _FAILED


def _origin(origin: SplitResult, prefix: str, deployment: Deployment) -> Iterator[str]:
    """Yield the lines that fetch originals; `prefix` is a pattern for the text before a name."""
    yield "image_filter resize $xaccel_width $xaccel_height;"
    yield "# Don't pass on the visitor's arguments."
    yield 'set $args "";'
    yield from origins.fetch(
        deployment,
        scheme=origin.scheme,
        host=origin.hostname or "",
        authority=origin.netloc,
        prefix=prefix,
        path=unquote(origin.path).rstrip("/") + "/",
    )
    yield "# Don't pass on any information about the visitor."
    yield "proxy_method GET;"
    yield "proxy_pass_request_body off;"
    yield "proxy_pass_request_headers off;"
    yield "proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate X-Accel-Charset;"
    yield "# S3 sends 403 for a missing file. Redirects are not followed."
    yield "proxy_intercept_errors on;"
    yield "error_page 301 302 303 307 308 400 401 403 404 410 415 =404 /empty.gif;"
    yield _FAILED


def _size(number: int) -> str:
    """Return a number of bytes in nginx's shortest notation."""
    for unit, shift in (("g", 30), ("m", 20), ("k", 10)):
        if number % (1 << shift) == 0:
            return f"{number >> shift}{unit}"
    return str(number)
