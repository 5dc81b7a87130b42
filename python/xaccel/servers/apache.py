"""Apache's configuration, a virtual host; see `xaccel.servers.generators.Generator`."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from xaccel._core import encode_path
from xaccel.config import Config
from xaccel.delivery import scripts
from xaccel.exceptions import ConfigError
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.dialects.apache import Apache
from xaccel.servers.dialects.values import no_control

FULL_FILE = "httpd.conf"
OPTIONS: frozenset[str] = frozenset()

_DIALECT = Apache()
_MODULES = (
    "mpm_event",
    "authz_core",
    "mime",
    "alias",
    "headers",
    "proxy",
    "proxy_http",
    "xsendfile",
)
_MODULE_DIRECTORIES = (
    "/usr/lib/apache2/modules",
    "/usr/lib64/httpd/modules",
    "/usr/lib/httpd/modules",
    "/usr/local/apache2/modules",
)
_WORKERS = ("www-data", "apache", "http", "_www", "nobody")


def site_file(deployment: Deployment) -> str:
    """Return the file name for the output of `site()`."""
    return f"{deployment.file_name}.conf"


def secrets_file(deployment: Deployment) -> str:
    """Return the file name for the output of `secrets()`."""
    return f"{deployment.file_name}-secrets.conf"


def site(config: Config, deployment: Deployment) -> str:
    """Return a virtual host for `sites-available/` or `conf.d/`."""
    _DIALECT.check(config)
    modules = " ".join([*_modules(deployment)][3:])
    lines = [
        text.HEADER,
        f"# Enable these modules: {modules}",
        "",
        *_redirects(deployment),
        *_virtual_host(config, deployment),
    ]
    return text.document(_with_dollar(lines))


def full(config: Config, deployment: Deployment, directory: Path) -> str:
    """Return a complete `httpd.conf`, with its logs and its pid file in `directory`."""
    _DIALECT.check(config)
    address, port = deployment.listen_address
    directory_of_modules = _module_directory()
    ports = ["80", port] if [*_redirects(deployment)] else [port]
    lines = [
        f"ServerRoot {_quoted(str(directory))}",
        f"PidFile {_quoted(str(directory / 'httpd.pid'))}",
        f"ErrorLog {_quoted(str(directory / 'error.log'))}",
        f"DefaultRuntimeDir {_quoted(str(directory / 'tmp'))}",
        f"ServerName {(deployment.domain or 'localhost').split()[0]}",
        *(f"Listen {'' if address == '*' else f'{address}:'}{port}" for port in ports),
        *_user(),
        "",
    ]
    for module in _modules(deployment):
        path = _quoted(f"{directory_of_modules}/mod_{module}.so")
        lines += _section("IfModule", f"!{module}_module", [f"LoadModule {module}_module {path}"])
    lines += [
        "",
        "TypesConfig /dev/null",
        *(
            f"AddType {kind} {' '.join(f'.{ending}' for ending in endings)}"
            for kind, endings in text.TYPES.items()
        ),
        "",
        *_section("Directory", "/", ["Require all denied", "AllowOverride None"]),
        "",
        *_redirects(deployment),
        *_virtual_host(config, deployment),
    ]
    return text.document([text.HEADER, *_with_dollar(lines)])


def secrets(config: Config, deployment: Deployment) -> None:
    """Return `None`, because the app, not Apache, verifies the signatures."""


def further_files(deployment: Deployment) -> Mapping[str, str]:  # noqa: ARG001 - the interface
    """Return an empty mapping, because no more files are needed."""
    return {}


def _modules(deployment: Deployment) -> Iterator[str]:
    yield from _MODULES
    if deployment.tls_certificate is not None:
        yield "ssl"
    if [*_redirects(deployment)]:
        yield "rewrite"


def _redirects(deployment: Deployment) -> Iterator[str]:
    """Yield virtual hosts that redirect HTTP to HTTPS."""
    address, port = deployment.listen_address
    if deployment.tls_certificate is None or port != "443":
        return
    for name in (deployment.domain or "").split():
        if "*" not in name:
            lines = [
                f"ServerName {name}",
                "# Keep the URL's spelling. Redirect would decode it and encode it again.",
                "AllowEncodedSlashes NoDecode",
                "RewriteEngine On",
                'RewriteCond %{THE_REQUEST} "^[A-Z]+ (/[^ ?]*)"',
                f'RewriteRule ^ "https://{name}%1" [R=permanent,NE,L]',
            ]
            yield from _section("VirtualHost", f"{address}:80", lines)
            yield ""


def _tls(deployment: Deployment) -> Iterator[str]:
    if deployment.tls_certificate is None or deployment.tls_key is None:
        return
    yield "SSLEngine On"
    yield f"SSLCertificateFile {_quoted(deployment.tls_certificate)}"
    yield f"SSLCertificateKeyFile {_quoted(deployment.tls_key)}"
    yield "SSLProtocol -all +TLSv1.2 +TLSv1.3"
    yield "# Browsers use only TLS for a year, unless the app sends a policy of its own."
    yield "Header setifempty Strict-Transport-Security max-age=31536000"


def _virtual_host(config: Config, deployment: Deployment) -> Iterator[str]:
    address, port = deployment.listen_address
    return _section("VirtualHost", f"{address}:{port}", _host(config, deployment))


def _host(config: Config, deployment: Deployment) -> Iterator[str]:
    if deployment.domain is not None:
        first, *others = deployment.domain.split()
        yield f"ServerName {first}"
        if others:
            yield f"ServerAlias {' '.join(others)}"
    yield from _tls(deployment)
    if deployment.max_body_bytes:
        yield "# LimitRequestBody has no effect on proxied requests."
        too_long = f'"%{{HTTP:Content-Length}} -gt {deployment.max_body_bytes}"'
        yield from _section("If", too_long, ["Redirect 413 /"])
    yield ""
    yield "# Pass on what only Apache knows about the visitor. mod_proxy adds X-Forwarded-For."
    yield "ProxyPreserveHost On"
    yield "RequestHeader set X-Real-IP expr=%{REMOTE_ADDR}"
    yield "RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}"
    yield "# A visitor must not choose how the app offloads files."
    yield from (f"RequestHeader unset {name}" for name in text.OFFLOAD_REQUEST_HEADERS)
    yield "# Pass on URLs as the visitor spelt them: signatures cover the spelling."
    yield "AllowEncodedSlashes NoDecode"
    yield "MergeSlashes Off"
    yield ""
    yield "# The app's X-Sendfile may name files below these directories."
    yield "XSendFile On"
    for directory in config.served_roots:
        yield f"XSendFilePath {_quoted(directory)}"
    yield "# mod_xsendfile 1.0 would decode the path; 0.12 never does."
    yield from _section("IfDirective", "XSendFileUnescape", ["XSendFileUnescape Off"])
    yield "# The module removes the header only from responses with the status 200."
    yield 'Header unset X-Sendfile "expr=%{REQUEST_STATUS} != 200"'
    yield from _policy(config)
    yield ""
    for prefix, directory in deployment.static.items():
        target = _quoted(directory.rstrip("/") + "/")
        yield f"Alias {_quoted(prefix)} {target}"
        yield f'ProxyPass {_quoted(prefix)} "!"'
        yield from _section(
            "Directory", _quoted(_literal(directory.rstrip("/") + "/")), ["Require all granted"]
        )
    yield "# Apache merges slashes at the start of a path, which would give a file a second URL."
    for prefix in filter(None, (config.private_url, config.thumbnail_url)):
        condition = (
            "%{THE_REQUEST} =~ m#^[A-Z]+ //# && "
            f"%{{REQUEST_URI}} =~ m#^{_pattern(config.mount + prefix)}#"
        )
        yield from _section("If", f'"{condition}"', ["Require all denied"])
    if config.mount:
        # Apache encodes the path. A dollar sign in the path could begin a reference.
        path = _quoted(config.mount.replace("$", r"\$") + "/")
        yield f'RedirectMatch permanent "^{_pattern(config.mount)}$" {path}'
    yield "# Pass on WebSockets, too."
    mount = f"{config.mount}/"
    target = f"{_upstream(deployment)}{encode_path(mount).removeprefix('/')}"
    yield f"ProxyPass {_quoted(mount)} {_quoted(target)} nocanon upgrade=websocket"


def _policy(config: Config) -> Iterator[str]:
    """Yield the header that prevents private files from running scripts on the site's origin."""
    if config.allow_scripts:
        return
    endings = "|".join(scripts.ENDINGS)
    by_type = f"resp('Content-Type') =~ m#^{scripts.TYPES}#i"
    by_name = f"resp('Content-Type') == '' && resp('X-Sendfile') =~ m#\\.({endings})$#i"
    yield "# Browsers must not run scripts in a private file, such as an uploaded HTML or SVG file."
    yield (
        f'Header setifempty Content-Security-Policy "{scripts.SANDBOX}" '
        f"\"expr=-n resp('X-Sendfile') && ({by_type} || ({by_name}))\""
    )


def _upstream(deployment: Deployment) -> str:
    socket = deployment.upstream_socket
    if socket is not None:
        return f"unix:{no_control(socket, _DIALECT.title)}|http://localhost/"
    host, port = deployment.upstream_address
    return f"http://{host}:{port}/"


def _module_directory() -> str:
    for directory in _MODULE_DIRECTORIES:
        if Path(directory).is_dir():
            return directory
    raise ConfigError(f"can't find Apache's modules in {', '.join(_MODULE_DIRECTORIES)}")


def _user() -> Iterator[str]:
    if os.geteuid() != 0:
        return
    known = {entry.pw_name for entry in pwd.getpwall()}
    name = next((name for name in _WORKERS if name in known), None)
    if name is None:
        raise ConfigError(
            f"Apache's workers need a user other than root: create one of {', '.join(_WORKERS)}"
        )
    yield "# Apache refuses to run its workers as root."
    yield f"User {name}"
    yield f'Group "#{pwd.getpwnam(name).pw_gid}"'


def _section(kind: str, argument: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"<{kind} {argument}>"
    yield from text.indent(lines)
    yield f"</{kind}>"


def _literal(path: str) -> str:
    """Escape the wildcards in a path. Without wildcards, a backslash is literal."""
    if set(path).isdisjoint("*?["):
        return path
    return re.sub(r"[*?\[]", r"[\g<0>]", path.replace("\\", r"\\"))


def _pattern(value: str) -> str:
    """Return a regular expression for a literal string, safe in any quotes and delimiters."""
    return re.sub(
        rb"[^A-Za-z0-9/]", lambda byte: rb"\x%02x" % ord(byte[0]), value.encode()
    ).decode()


def _with_dollar(lines: list[str]) -> list[str]:
    if not any("${xaccel_dollar}" in line for line in lines):
        return lines
    return [
        "# Apache has no escape for a dollar sign before a brace, so this variable stands for one.",
        'Define xaccel_dollar "$"',
        "",
        *lines,
    ]


def _quoted(value: str) -> str:
    escaped = no_control(value, _DIALECT.title).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("${", "${xaccel_dollar}{") + '"'
