"""Signatures that nginx verifies with `secure_link`, and signed links to private files."""

from __future__ import annotations

from collections.abc import Iterator

from xaccel.config import Config
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import basics, image_filter, scripts, spelling
from xaccel.servers.nginx.secrets_file import include_secrets
from xaccel.servers.nginx.syntax import (
    directory,
    disable_symlinks,
    escape_dollar,
    quoted,
)
from xaccel.servers.nginx.thumbnails import Verification


def verifies_links(config: Config) -> bool:
    """Whether nginx itself verifies links to private files."""
    return config.private_url is not None and config.signature == "secure-link-md5"


def is_used(config: Config, verification: Verification) -> bool:
    """Whether nginx verifies anything with `secure_link`."""
    return verifies_links(config) or verification == "secure-link" or image_filter.is_used(config)


def has_secret_of_each_key(config: Config) -> bool:
    """Whether the secrets file contains every key; the `http` block then includes it."""
    return image_filter.is_used(config) and len(config.secret_keys) > 1


def secrets(config: Config, deployment: Deployment) -> Iterator[str]:
    """Yield the lines with the secrets."""
    keys = (key.decode() if isinstance(key, bytes) else key for key in config.secret_keys)
    escaped = [*map(escape_dollar, keys)]
    if has_secret_of_each_key(config):
        yield from image_filter.secrets(deployment, escaped)
    else:
        yield from _message(escaped[0])


def _message(secret: str) -> Iterator[str]:
    yield "# The signature covers the expiry, if the URL has one, and the decoded path."
    message = quoted(f"$secure_link_expires$uri {secret}", dollar=False)
    yield f"secure_link_md5 {message};"


def http(deployment: Deployment) -> Iterator[str]:
    """Yield the lines in the `http` block."""
    key, expires = "key=(?<xaccel_key>[A-Za-z0-9_-]{21}[AQgw])", "(?<xaccel_expires>[1-9][0-9]*)"
    yield "# nginx would accept sixteen spellings of each signature, many of each path, and further"
    yield "# arguments. This map accepts only the URL that the app writes."
    yield from text.block(
        f"map $request_uri ${deployment.identifier}_link",
        [
            'default "";',
            rf'"~^{spelling.PATH}\?{key}$" $xaccel_key;',
            rf'"~^{spelling.PATH}\?{key}&expires={expires}$" "$xaccel_key,$xaccel_expires";',
        ],
    )
    yield ""


def locations(config: Config, deployment: Deployment) -> Iterator[str]:
    """Yield the locations for signed links to private files."""
    if not verifies_links(config):
        return
    for path, prefix in config.link_map().roots:
        yield ""
        yield from _location(config, deployment, config.mount + prefix, path)


def _location(config: Config, deployment: Deployment, prefix: str, path: str) -> Iterator[str]:
    yield "# Signed links: nginx verifies the signature and sends the file without asking the app."
    yield from text.block(
        f"location ^~ {quoted(prefix, dollar=False)}",
        [
            *check(config, deployment),
            f"alias {directory(path)};",
            *disable_symlinks(config, path),
            *basics.no_directories(),
            'add_header Cache-Control "private, no-cache";',
            "add_header X-Content-Type-Options nosniff always;",
            *scripts.policy_of_type(config, deployment),
        ],
    )


def check(config: Config, deployment: Deployment) -> Iterator[str]:
    """Yield the lines that verify the signature. The app checks older keys."""
    yield from check_newest(config, deployment)
    if len(config.secret_keys) > 1:
        yield "# nginx accepts only the newest key. The app also accepts older keys."
        yield "error_page 403 = @xaccel_app;"


def check_newest(config: Config, deployment: Deployment) -> Iterator[str]:
    """Yield lines that check a signature against the newest key: 403 if wrong, 410 if expired."""
    yield f"secure_link ${deployment.identifier}_link;"
    if has_secret_of_each_key(config):
        yield from _message(image_filter.key_variable(deployment))
    else:
        yield include_secrets(deployment)
    yield from text.block('if ($secure_link = "")', ["return 403;"])
    yield from text.block('if ($secure_link = "0")', ["return 410;"])
