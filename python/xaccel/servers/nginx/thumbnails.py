"""The thumbnails in nginx's configuration: it sends the finished ones without asking the app.

That a URL is good is found out in one of four ways: by `secure_link`, by a script in njs, by
asking the app once and remembering what it said, or, when there are presets only, by the list of
them. How the cached file is called and how long it may be kept is up to maps, which come to the
same as `xaccel.thumbnails` does.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from xaccel.config import Config
from xaccel.exceptions import ConfigError
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx.syntax import directory, quoted

SCRIPT = Path(__file__).with_name("xaccel.js")
"""The verifier for njs."""
SCRIPT_FILE = "xaccel.js"
"""The name of its copy beside the configuration."""
MODULE = "modules/ngx_http_js_module.so"
"""Where nginx finds njs, from its own prefix."""

LINK_MAP = (
    'default "";',
    (
        r'"~^([A-Za-z0-9._~/,-]+) \1\?key=(?<xaccel_key>[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])'
        '(?:&expires=(?<xaccel_expires>[1-9][0-9]{0,18}))?$" "$xaccel_key$xaccel_expires$uri";'
    ),
)
"""What the script takes for read already."""

Way: TypeAlias = Literal["none", "app", "secure-link", "njs", "presets"]

_FORMATS = ("jpeg", "png", "webp", "avif", "gif")
_VERDICTS = "/_xaccel/verdict"


def way(config: Config, deployment: Deployment) -> Way:
    """How nginx finds out that a thumbnail's URL is good; `none` when it sends none by itself.

    Raises:
        ConfigError: What the deployment asks for does not fit the signature.
    """
    fitting = {"secure-link": "secure-link-md5", "njs": "hmac-sha256"}.get(deployment.verify or "")
    if fitting is not None and config.signature != fitting:
        raise ConfigError(
            f"--verify {deployment.verify} checks XACCEL['SIGNATURE'] {fitting!r}, "
            f"not {config.signature!r}"
        )
    if not config.has_thumbnail_endpoint or config.thumbnail_cache is None:
        return "none"
    if config.thumbnail_only_presets:
        return "presets"
    if deployment.verify is not None:
        return deployment.verify
    return "secure-link" if config.signature == "secure-link-md5" else "app"


def secrets(config: Config) -> str:
    """The line with the keys for njs, from which the app's secrets can't be computed."""
    keys = ",".join(
        base64.urlsafe_b64encode(key).rstrip(b"=").decode()
        for key in config.signer().derived_keys()
    )
    return f'set $xaccel_keys "{keys}";'


def http(config: Config, how: Way, verdicts: str) -> Iterator[str]:
    """What belongs in the `http` block; `verdicts` is a directory that nginx may write in."""
    yield from _file_maps(config)
    yield from _header_maps(how)
    if how == "njs":
        yield "# A URL in its one spelling, with nothing in it that is percent-encoded."
        yield from text.block('map "$uri $request_uri" $xaccel_link', LINK_MAP)
        yield "# Debian: libnginx-mod-http-js."
        yield f"js_import xaccel from {SCRIPT_FILE};"
        yield "js_set $xaccel_signature xaccel.verify;"
        yield "js_set $xaccel_bounded xaccel.bounded;"
    elif how == "app":
        yield "# What the app says of a URL is remembered for as long as its answer says, and"
        yield "# only when it is that the URL is good."
        yield (
            f"proxy_cache_path {quoted(verdicts)} levels=1:2 keys_zone=xaccel_verdicts:10m "
            "max_size=100m inactive=1d use_temp_path=off;"
        )
        yield from text.block("map $upstream_status $xaccel_is_bad", ["default 1;", '200 "";'])
    yield ""


def server(
    config: Config, how: Way, check: list[str], forwarded: list[str], upstream: str
) -> Iterator[str]:
    """What belongs in the `server` block.

    Args:
        config: The app's settings.
        how: How nginx finds out that a URL is good.
        check: The lines that do it, with `secure_link`.
        forwarded: The lines that tell the app of the visitor.
        upstream: The name of the app's upstream.
    """
    yield "# A thumbnail: nginx sends the finished file. The app is asked for one that is not there"
    yield "# yet, and makes it."
    lines = [
        *(check if how == "secure-link" else _check(how)),
        "rewrite ^(?<xaccel_path>.*)$ $xaccel_path$xaccel_ending break;",
        f"root {directory(config.thumbnail_cache or '')};",
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
        "# Files stay open between requests; each time it is looked whether they still exist.",
        "open_file_cache max=1000 inactive=20s;",
        "open_file_cache_valid 0;",
        "# As try_files, which would look for the file once more. A directory is none either.",
        "error_page 301 404 = @xaccel_app;",
        "log_not_found off;",
    ]
    if how == "presets":
        lines = ["return 404;", *text.block(f"location ~ {_presets(config)}", lines)]
    location = f"location ^~ {quoted(config.thumbnail_url, dollar=False)}"
    yield from text.block(location, lines)
    if how == "app":
        yield ""
        yield from text.block(f"location = {_VERDICTS}", _verdict(config, forwarded, upstream))


def _presets(config: Config) -> str:
    """The pattern of the only thumbnails' paths."""
    specs = "|".join(re.escape(spec) for spec in config.thumbnail_presets.values())
    return f'"^{re.escape(config.thumbnail_url)}(?:{specs})/"'


def _check(how: Way) -> Iterator[str]:
    if how == "presets":
        yield "# Not even a cached one has a query; the app answers."
        yield from text.block("if ($is_args)", ["return 404;"])
    elif how == "njs":
        yield "include xaccel-secrets.conf;"
        yield from text.block('if ($xaccel_signature = "")', ["return 403;"])
        yield from text.block('if ($xaccel_signature = "0")', ["return 410;"])
    else:
        yield "set $xaccel_target $uri$is_args$args;"
        yield f"auth_request {_VERDICTS};"
        yield "# Neither good nor forbidden: the app says what it is."
        yield "error_page 500 = @xaccel_app;"


def _verdict(config: Config, forwarded: list[str], upstream: str) -> Iterator[str]:
    yield "# The app makes the thumbnail on this occasion; it is its answer's status that counts."
    yield "internal;"
    yield f"proxy_pass http://{upstream}$request_uri;"
    yield "proxy_pass_request_body off;"
    yield "proxy_ignore_headers X-Accel-Redirect Set-Cookie Vary;"
    yield from forwarded
    yield 'proxy_set_header Content-Length "";'
    yield "proxy_cache xaccel_verdicts;"
    yield "# Of what was verified, and by which keys: with other ones everything is asked anew."
    yield f'proxy_cache_key "{_fingerprint(config)} $xaccel_target";'
    yield "proxy_cache_lock on;"
    yield "proxy_no_cache $xaccel_is_bad;"


def _fingerprint(config: Config) -> str:
    """What changes with the keys, and tells nothing of them."""
    mac = hmac.new(b"xaccel verdicts v1", digestmod="sha256")
    for key in config.secret_keys:
        secret = key.encode() if isinstance(key, str) else key
        mac.update(hmac.digest(secret, b"xaccel verdicts v1", "sha256"))
    return mac.hexdigest()[:16]


def _file_maps(config: Config) -> Iterator[str]:
    formats = "|".join(_FORMATS)
    prefix = re.escape(config.thumbnail_url)
    yield "# The options of a thumbnail's spec, with a comma before each."
    yield from text.block(
        "map $uri $xaccel_options",
        [
            'default "";',
            f'"~^{prefix}[^/,]*(?<xaccel_written>,[^/]*)/" $xaccel_written;',
        ],
    )
    yield "# The ending that the cached file of a thumbnail with a format option has."
    yield from text.block(
        "map $xaccel_options $xaccel_ending",
        [
            'default "";',
            '"" "";',
            f'"~,(?<xaccel_format>{formats})(,|$)" .$xaccel_format;',
            '"~,auto(,|$)" $xaccel_auto;',
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
        ["default .jpeg;", *(f"~*\\.{name}$ .{name};" for name in _FORMATS[1:])],
    )


def _header_maps(how: Way) -> Iterator[str]:
    yield from text.block(
        "map $xaccel_options $xaccel_vary",
        ['default "";', '"" "";', '"~,auto(,|$)" Accept;'],
    )
    yield "# Good for a month; with the source's version in the URL, for ever; with an expiry, no"
    yield "# longer than that, or only after asking here again."
    yield from text.block(
        "map $xaccel_options $xaccel_lifetime",
        [
            'default "public, max-age=2592000";',
            '"" "public, max-age=2592000";',
            '"~,v-[A-Za-z0-9_-]{8}$" "public, max-age=31536000, immutable";',
        ],
    )
    expiring = "$xaccel_bounded" if how == "njs" else '"public, no-cache"'
    yield from text.block(
        "map $arg_expires $xaccel_cache_control",
        ['"" $xaccel_lifetime;', f"default {expiring};"],
    )
