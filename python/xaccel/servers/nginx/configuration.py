"""The files of nginx's configuration; see `xaccel.servers.generators.Generator`."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from xaccel.config import Config
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.dialects.nginx import Nginx
from xaccel.servers.nginx import balancer, image_filter, secure_link, thumbnails
from xaccel.servers.nginx.http import http
from xaccel.servers.nginx.secrets_file import secrets_file
from xaccel.servers.nginx.syntax import quoted

__all__ = [
    "FULL_FILE",
    "OPTIONS",
    "full",
    "further_files",
    "secrets",
    "secrets_file",
    "site",
    "site_file",
]

FULL_FILE = "nginx.conf"
OPTIONS = frozenset({"verify", "log_header", "json_log", "resolver", "balance", "real_ip_from"})

_CACHES = "/var/cache"
_DIALECT = Nginx()


def site_file(deployment: Deployment) -> str:
    """Return the file name for the output of `site()`."""
    return f"{deployment.file_name}.conf"


def site(config: Config, deployment: Deployment) -> str:
    """Return a site file: the part to include in `http { … }`."""
    _DIALECT.check(config)
    return text.document(
        [
            text.HEADER,
            *_with_dollar(config, deployment, [*_http(config, deployment, _CACHES, None)]),
        ]
    )


def full(config: Config, deployment: Deployment, directory: Path) -> str:
    """Return a complete `nginx.conf`, with its logs, pid and temporary files in `directory`."""
    _DIALECT.check(config)
    deployment = replace(deployment, directory=directory)
    temporary = (
        f"{kind}_temp_path {quoted(str(directory / 'tmp' / kind), dollar=False)};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    lines = [
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
            # If root starts nginx, its workers would otherwise run as its default user.
            *([f"user {getpass.getuser()};"] if os.geteuid() == 0 else []),
            *(f"load_module {path};" for path in modules(config, deployment)),
            "worker_processes auto;",
            "# Each visitor needs a connection, and either a file or a connection to the app.",
            "worker_rlimit_nofile 4096;",
            "pcre_jit on;",
            f"pid {quoted(str(directory / 'nginx.pid'), dollar=False)};",
            f"error_log {quoted(str(directory / 'error.log'), dollar=False)};",
            "",
            "events {",
            "    worker_connections 1024;",
            "}",
            "",
            "http {",
            *text.indent(_with_dollar(config, deployment, lines)),
            "}",
        ]
    )


def secrets(config: Config, deployment: Deployment) -> str | None:
    """Return the secret part of the configuration; `None` if nothing in it is secret.

    The secrets can be used to sign URLs. Make the file readable only by root.

    Raises:
        ConfigError: No key is set, or nginx's configuration can't express a key.
    """
    _DIALECT.check(config)
    if deployment.balance:
        return None
    verification = thumbnails.verification_of(config, deployment)
    if verification == "njs":
        return text.document([thumbnails.secrets(config, deployment)])
    if not secure_link.is_used(config, verification):
        return None
    config.signer()
    return text.document(secure_link.secrets(config, deployment))


def further_files(deployment: Deployment) -> Mapping[str, str]:
    """Return the njs script, if nginx uses it to verify signatures."""
    if deployment.verify != "njs":
        return {}
    return {thumbnails.script_file(deployment): thumbnails.script(deployment)}


def _http(
    config: Config, deployment: Deployment, caches: str, access_log: str | None
) -> Iterator[str]:
    """Yield the lines in the `http` block of a load balancer or of a machine."""
    if deployment.balance:
        return balancer.http(config, deployment, access_log)
    return http(config, deployment, caches, access_log)


def modules(config: Config, deployment: Deployment) -> Iterator[str]:
    """Yield the paths of the modules that the configuration needs, relative to nginx's prefix."""
    if deployment.balance:
        return
    if thumbnails.verification_of(config, deployment) == "njs":
        yield thumbnails.MODULE
    if image_filter.is_used(config):
        yield image_filter.MODULE


def _with_dollar(config: Config, deployment: Deployment, lines: list[str]) -> list[str]:
    """Define the variable for a dollar sign, if anything uses it."""
    secret = secrets(config, deployment) or ""
    if not any("${xaccel_dollar}" in line for line in [*lines, secret]):
        return lines
    return [
        "# nginx has no escape for a dollar sign in a value, so this variable stands for one.",
        *text.block("geo $xaccel_dollar", ['default "$";']),
        "",
        *lines,
    ]
