"""The locations from which nginx sends finished thumbnails without asking the app.

nginx verifies a URL in one of four ways: with `secure_link`, with an njs script, by asking the app
once and caching its verdict, or, if only presets are served, with the list of presets. Maps
determine the name of the cached file and its lifetime in the same way as `xaccel.thumbnails` does.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from xaccel.config import Config
from xaccel.exceptions import ConfigError
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import log, spelling
from xaccel.servers.nginx.secrets_file import include_secrets
from xaccel.servers.nginx.syntax import directory, literal, pattern, quoted

SCRIPT = Path(__file__).with_name("xaccel.js")
"""The njs script that verifies URLs."""
MODULE = "modules/ngx_http_js_module.so"
"""The path of the njs module, relative to nginx's prefix."""

LINK_MAP = (
    'default "";',
    (
        r'"~^([A-Za-z0-9._~/,-]+) \1\?key=(?<xaccel_key>[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])'
        '(?:&expires=(?<xaccel_expires>[1-9][0-9]{0,18}))?$" "$xaccel_key$xaccel_expires$uri";'
    ),
)
"""The entries of a map that parses simple URLs, so that the script has less to do."""

Verification: TypeAlias = Literal["none", "app", "secure-link", "njs", "presets"]

_FORMATS = ("jpeg", "png", "webp", "avif", "gif")
_VERDICTS = "/_xaccel/verdict"


def verification_of(config: Config, deployment: Deployment) -> Verification:
    """Return how nginx verifies a thumbnail's URL; `none` if nginx does not send thumbnails itself.

    Raises:
        ConfigError: `--verify` does not match the setting `SIGNATURE`.
    """
    fitting = {"secure-link": "secure-link-md5", "njs": "hmac-sha256"}.get(deployment.verify or "")
    if fitting is not None and config.signature != fitting:
        raise ConfigError(
            f"--verify {deployment.verify} needs XACCEL['SIGNATURE'] {fitting!r}, "
            f"not {config.signature!r}"
        )
    if not config.has_thumbnail_endpoint or config.thumbnail_cache is None:
        return "none"
    if config.thumbnail_only_presets:
        return "presets"
    if deployment.verify is not None:
        return deployment.verify
    return "secure-link" if config.signature == "secure-link-md5" else "app"


def script_file(deployment: Deployment) -> str:
    """Return the name of the script's copy next to the configuration."""
    return f"{deployment.file_name}.js"


def script(deployment: Deployment) -> str:
    """Return the script with its variables renamed to the site's variables."""
    return SCRIPT.read_text().replace(".xaccel_", f".{deployment.identifier}_")


def secrets(config: Config, deployment: Deployment) -> str:
    """Return the line with the keys for njs. These derived keys do not reveal the secrets."""
    keys = ",".join(
        base64.urlsafe_b64encode(key).rstrip(b"=").decode()
        for key in config.signer().derived_keys()
    )
    return f'set ${deployment.identifier}_keys "{keys}";'


def http(config: Config, deployment: Deployment, caches: str) -> Iterator[str]:
    """Yield the lines in the `http` block; `caches` is the directory of nginx's caches."""
    verification, identifier = verification_of(config, deployment), deployment.identifier
    yield from _file_maps(config, identifier)
    yield from _header_maps(verification, identifier)
    if verification == "njs":
        yield "# The parts of a URL without percent-encoding, if it is in its canonical spelling."
        yield from text.block(f'map "$uri $request_uri" ${identifier}_link', LINK_MAP)
        yield "# On Debian this needs the package libnginx-mod-http-js."
        path = quoted(deployment.path_of(script_file(deployment)), dollar=False)
        yield f"js_import {identifier} from {path};"
        yield f"js_set ${identifier}_signature {identifier}.verify;"
        yield f"js_set ${identifier}_bounded {identifier}.bounded;"
    elif verification == "presets":
        yield "# Accept only one spelling of each URL, without a query."
        yield from text.block(
            f"map $request_uri ${identifier}_is_spelt",
            ['default "";', rf'"~^{spelling.PATH}$" 1;'],
        )
    elif verification == "app":
        yield "# The app's verdicts on URLs. Only positive verdicts are cached, for as long as the"
        yield "# app's response allows."
        yield (
            f"proxy_cache_path {quoted(f'{caches}/{deployment.file_name}-verdicts')} levels=1:2 "
            f"keys_zone={identifier}_verdicts:10m "
            "max_size=100m inactive=1d use_temp_path=off;"
        )
        yield from text.block(
            f"map $upstream_status ${identifier}_is_bad", ["default 1;", '200 "";']
        )
    yield ""


def server(
    config: Config, deployment: Deployment, check: list[str], forwarded: list[str], upstream: str
) -> Iterator[str]:
    """Yield the lines in the `server` block.

    Args:
        config: The app's settings.
        deployment: How nginx verifies a URL, and the names of its variables.
        check: The lines that verify a URL with `secure_link`.
        forwarded: The lines that send information about the visitor to the app.
        upstream: The name of the app's upstream.
    """
    yield "# Thumbnails: nginx sends the finished file. If the file does not exist yet, nginx asks"
    yield "# the app, which renders the thumbnail."
    verification, identifier = verification_of(config, deployment), deployment.identifier
    lines = [
        *(check if verification == "secure-link" else _check(deployment, verification)),
        *(["# The names of cached files do not include the app's path."] if config.mount else []),
        f"rewrite {_path(config)} $xaccel_path${identifier}_ending break;",
        f"root {directory(config.thumbnail_cache or '')};",
        "types {",
        "    image/avif avif;",
        "    image/gif gif;",
        "    image/png png svg svgz;",
        "    image/webp webp;",
        "}",
        "default_type image/jpeg;",
        f"add_header Cache-Control ${identifier}_cache_control;",
        f"add_header Vary ${identifier}_vary;",
        "add_header X-Content-Type-Options nosniff always;",
        "# Keep files open between requests, and check each time that they still exist.",
        "open_file_cache max=1000 inactive=20s;",
        "open_file_cache_valid 0;",
        "# Like try_files, but with one look-up fewer. A directory results in 301.",
        "error_page 301 404 = @xaccel_app;",
        "log_not_found off;",
    ]
    if verification == "presets":
        lines = ["return 404;", *text.block(f"location ~ {_presets(config)}", lines)]
    location = f"location ^~ {quoted(config.mount + config.thumbnail_url, dollar=False)}"
    yield from text.block(location, lines)
    if verification == "app":
        yield ""
        yield from text.block(
            f"location = {_VERDICTS}", _verdict(config, identifier, forwarded, upstream)
        )


def _presets(config: Config) -> str:
    """Return the pattern of the presets' paths."""
    specs = "|".join(map(literal, config.allowed_specs()))
    return pattern(f"^{literal(config.mount + config.thumbnail_url)}(?:{specs})/")


def _path(config: Config) -> str:
    """Return the pattern of a path, which captures the part below the mount."""
    if not config.mount:
        return "^(?<xaccel_path>.*)$"
    return pattern(f"^{literal(config.mount)}(?<xaccel_path>/.*)$")


def _check(deployment: Deployment, verification: Verification) -> Iterator[str]:
    identifier = deployment.identifier
    if verification == "presets":
        yield from text.block(f'if (${identifier}_is_spelt = "")', ["return 404;"])
    elif verification == "njs":
        yield include_secrets(deployment)
        yield from text.block(f'if (${identifier}_signature = "")', ["return 403;"])
        yield from text.block(f'if (${identifier}_signature = "0")', ["return 410;"])
    else:
        yield f"auth_request {_VERDICTS};"
        yield from log.verdict(deployment)
        yield "# For any other verdict, let the app answer."
        yield "error_page 500 = @xaccel_app;"


def _verdict(config: Config, identifier: str, forwarded: list[str], upstream: str) -> Iterator[str]:
    yield "# The status of the app's response is the verdict. The app also renders the thumbnail."
    yield "internal;"
    yield f"proxy_pass http://{upstream}$request_uri;"
    yield "proxy_pass_request_body off;"
    yield "proxy_ignore_headers X-Accel-Redirect Set-Cookie Vary;"
    yield from forwarded
    yield 'proxy_set_header Content-Length "";'
    yield f"proxy_cache {identifier}_verdicts;"
    yield "# The cache key contains the visitor's own spelling of the URL and a fingerprint of the"
    yield "# secret keys, because new secret keys need new verdicts."
    yield f'proxy_cache_key "{_fingerprint(config)} $request_uri";'
    yield "proxy_cache_lock on;"
    yield f"proxy_no_cache ${identifier}_is_bad;"


def _fingerprint(config: Config) -> str:
    """Return a string that changes with the keys but reveals nothing about them."""
    mac = hmac.new(b"xaccel verdicts v1", digestmod="sha256")
    for key in config.secret_keys:
        secret = key.encode() if isinstance(key, str) else key
        mac.update(hmac.digest(secret, b"xaccel verdicts v1", "sha256"))
    return mac.hexdigest()[:16]


def _file_maps(config: Config, identifier: str) -> Iterator[str]:
    formats = "|".join(_FORMATS)
    written = f"~^{literal(config.mount + config.thumbnail_url)}[^/,]*(?<xaccel_written>,[^/]*)/"
    yield "# The options in a thumbnail's spec, each with a comma before it."
    yield from text.block(
        f"map $uri ${identifier}_options",
        [
            'default "";',
            f"{pattern(written)} $xaccel_written;",
        ],
    )
    yield "# The extension of the cached file, if the spec has a format."
    yield from text.block(
        f"map ${identifier}_options ${identifier}_ending",
        [
            'default "";',
            '"" "";',
            f'"~,(?<xaccel_format>{formats})(,|$)" .$xaccel_format;',
            f'"~,auto(,|$)" ${identifier}_auto;',
        ],
    )
    yield from text.block(
        f"map $http_accept ${identifier}_auto",
        [
            f"default ${identifier}_unnegotiated;",
            *(f"~image/{name} .{name};" for name in config.thumbnail_formats),
        ],
    )
    yield from text.block(
        f"map $uri ${identifier}_unnegotiated",
        [
            "default .jpeg;",
            *(f"~*\\.{name}$ .{name};" for name in _FORMATS[1:]),
            "~*\\.svgz?$ .png;",
        ],
    )


def _header_maps(verification: Verification, identifier: str) -> Iterator[str]:
    yield from text.block(
        f"map ${identifier}_options ${identifier}_vary",
        ['default "";', '"" "";', '"~,auto(,|$)" Accept;'],
    )
    yield "# Browsers keep a thumbnail for a month, or for a year if its URL has a version. If the"
    yield "# URL expires, they keep the thumbnail until then, or revalidate it each time."
    yield from text.block(
        f"map ${identifier}_options ${identifier}_lifetime",
        [
            'default "public, max-age=2592000";',
            '"" "public, max-age=2592000";',
            '"~,v-[A-Za-z0-9_-]{8}$" "public, max-age=31536000, immutable";',
        ],
    )
    expiring = f"${identifier}_expiring" if verification == "njs" else '"public, no-cache"'
    if verification == "njs":
        yield from text.block(
            f"map ${identifier}_bounded ${identifier}_expiring",
            [
                'default "public, no-cache";',
                r'"~^(?<xaccel_checked>[a-z0-9=, -]+)$" $xaccel_checked;',
            ],
        )
    yield from text.block(
        f"map $arg_expires ${identifier}_cache_control",
        [f'"" ${identifier}_lifetime;', f"default {expiring};"],
    )
