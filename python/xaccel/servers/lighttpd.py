"""lighttpd's configuration; see `xaccel.servers.generators.Generator`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from xaccel._core import encode_path
from xaccel.config import Config
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.dialects.lighttpd import Lighttpd, check_value

FULL_FILE = "lighttpd.conf"
OPTIONS: frozenset[str] = frozenset()

_DIALECT = Lighttpd()
_KIBI = 1024


def site_file(deployment: Deployment) -> str:
    """Return the file name for the output of `site()`."""
    return f"{deployment.file_name}.conf"


def secrets_file(deployment: Deployment) -> str:
    """Return the file name for the output of `secrets()`."""
    return f"{deployment.file_name}-secrets.conf"


def site(config: Config, deployment: Deployment) -> str:
    """Return the configuration that serves the app, for inclusion in `lighttpd.conf`."""
    _DIALECT.check(config)
    lines = [
        text.HEADER,
        '# In lighttpd.conf, set server.http-parseopts = ( "url-normalize" => "disable" ), so that',
        "# the app gets URLs as the visitor spelt them.",
        f"server.modules += ( {_modules(config, deployment)} )",
        *_tls_socket(deployment),
        *_site(config, deployment),
    ]
    return text.document(lines)


def full(config: Config, deployment: Deployment, directory: Path) -> str:
    """Return a complete `lighttpd.conf`, with its log and its temporary files in `directory`."""
    _DIALECT.check(config)
    address, port = deployment.listen_address
    temporary = _quoted(str(directory / "tmp"))
    types = (
        f"{_quoted('.' + ending)} => {_quoted(_with_charset(kind))},"
        for kind, endings in text.TYPES.items()
        for ending in endings
    )
    lines = [
        text.HEADER,
        f"server.modules = ( {_modules(config, deployment)} )",
        f"server.port = {port}",
        *([] if address == "*" else [f"server.bind = {_quoted(address)}"]),
        *_tls(deployment),
        *_plain_socket(deployment),
        f"server.document-root = {temporary}",
        f"server.upload-dirs = ( {temporary} )",
        f"server.errorlog = {_quoted(str(directory / 'error.log'))}",
        f"server.pid-file = {_quoted(str(directory / 'lighttpd.pid'))}",
        "# Pass on URLs as the visitor spelt them: signatures cover the spelling.",
        'server.http-parseopts = ( "url-normalize" => "disable" )',
        *_array("mimetype.assign =", types),
        *_site(config, deployment),
    ]
    return text.document(lines)


def secrets(config: Config, deployment: Deployment) -> None:
    """Return `None`, because the app, not lighttpd, verifies the signatures."""


def further_files(deployment: Deployment) -> Mapping[str, str]:  # noqa: ARG001 - the interface
    """Return an empty mapping, because no more files are needed."""
    return {}


def _modules(config: Config, deployment: Deployment) -> str:
    modules = ["proxy", "alias", "setenv"]
    if deployment.tls_certificate is not None:
        modules.append("openssl")
    if _redirects(deployment) or config.mount:
        modules.append("redirect")
    return ", ".join(_quoted(f"mod_{module}") for module in modules)


def _redirects(deployment: Deployment) -> bool:
    """Whether HTTP is redirected to HTTPS."""
    return deployment.tls_certificate is not None and deployment.listen_address[1] == "443"


def _socket(deployment: Deployment, port: str) -> str:
    address = deployment.listen_address[0].replace("*", "")
    return f'$SERVER["socket"] == {_quoted(f"{address}:{port}")}'


def _tls(deployment: Deployment) -> Iterator[str]:
    if deployment.tls_certificate is not None and deployment.tls_key is not None:
        yield 'ssl.engine = "enable"'
        yield f"ssl.pemfile = {_quoted(deployment.tls_certificate)}"
        yield f"ssl.privkey = {_quoted(deployment.tls_key)}"


def _tls_socket(deployment: Deployment) -> Iterator[str]:
    """Yield the TLS socket, in addition to the port that the including configuration opens."""
    lines = [*_tls(deployment)]
    if lines:
        yield from text.block(_socket(deployment, deployment.listen_address[1]), lines)


def _plain_socket(deployment: Deployment) -> Iterator[str]:
    """Yield the socket for HTTP, which redirects to HTTPS."""
    if _redirects(deployment):
        yield from text.block(_socket(deployment, "80"), ['ssl.engine = "disable"'])


def _site(config: Config, deployment: Deployment) -> Iterator[str]:
    lines = [*_serve(config, deployment)]
    names = ".+?"
    if deployment.domain is not None:
        patterns = (re.escape(name) for name in deployment.domain.split())
        names = "|".join(pattern.replace(r"\*", "[^:]*") for pattern in patterns)
    host = f'$HTTP["host"] =~ {_quoted(f"^({names})(:[0-9]+)?$")}'
    if deployment.domain is not None:
        lines = [*text.block(host, lines)]
    if _redirects(deployment):
        target = 'url.redirect = ( "" => "https://%1${url.path}${qsa}" )'
        yield from text.block('$HTTP["scheme"] == "http"', text.block(host, [target]))
        lines = [*text.block('$HTTP["scheme"] == "https"', lines)]
    yield from lines


def _serve(config: Config, deployment: Deployment) -> Iterator[str]:
    if deployment.tls_certificate is not None:
        yield "# Browsers use only TLS for a year. If the app also sends a policy, that one comes"
        yield "# first, and browsers ignore the second (RFC 6797, section 8.1)."
        yield from _array(
            "setenv.add-response-header =", ['"Strict-Transport-Security" => "max-age=31536000",']
        )
    yield "# In KiB; 0 means no limit."
    yield f"server.max-request-size = {-(-deployment.max_body_bytes // _KIBI)}"
    if not config.follow_symlinks and all(os.path.realpath(d) == d for d in config.served_roots):
        yield "# Refuse private files with a symbolic link anywhere in their path. Remove this line"
        yield "# if you replace a directory above them with a link."
        yield 'server.follow-symlink = "disable"'
    proxy = [*_proxy(config, deployment)]
    if deployment.static:
        yield from _array(
            "alias.url +=",
            (
                f"{_quoted(prefix)} => {_quoted(directory.rstrip('/') + '/')},"
                for prefix, directory in deployment.static.items()
            ),
        )
        prefixes = "|".join(re.escape(prefix) for prefix in deployment.static)
        proxy = [*text.block(f'$HTTP["url"] !~ {_quoted(f"^({prefixes})")}', proxy)]
    yield from _root_of_mount(config)
    yield from proxy


def _root_of_mount(config: Config) -> Iterator[str]:
    """Yield a redirect from the app's mount to its first page."""
    if config.mount:
        # A percent sign or a dollar sign would begin a reference.
        path = encode_path(f"{config.mount}/").replace("%", "%%")
        yield from text.block(
            f'$HTTP["url"] == {_quoted(config.mount)}',
            [f'url.redirect = ( "" => {_quoted(path + "${qsa}")} )'],
        )


def _proxy(config: Config, deployment: Deployment) -> Iterator[str]:
    docroots = (f"{_quoted(directory)}," for directory in config.served_roots)
    upstream = [
        *_upstream(deployment),
        "# The app's X-Sendfile may name files below these directories.",
        '"x-sendfile" => "enable",',
        *_array('"x-sendfile-docroot" =>', docroots, end=","),
    ]
    mount = _quoted(f"{config.mount}/" if config.mount else "")
    yield "# A visitor must not choose how the app offloads files."
    yield from _array(
        "setenv.set-request-header =",
        (f'{_quoted(name)} => "",' for name in text.OFFLOAD_REQUEST_HEADERS),
    )
    yield from _array("proxy.server =", [f"{mount} => ((", *text.indent(upstream), "))"])
    yield "# Pass on WebSockets."
    yield 'proxy.header = ( "upgrade" => "enable" )'
    yield "# Pass on event streams and large pages while the app writes them."
    yield "server.stream-response-body = 1"


def _upstream(deployment: Deployment) -> Iterator[str]:
    socket = deployment.upstream_socket
    if socket is not None:
        yield f'"socket" => {_quoted(socket)},'
        return
    host, port = deployment.upstream_address
    yield f'"host" => {_quoted(host)},'
    yield f'"port" => {port},'


def _with_charset(kind: str) -> str:
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _array(head: str, lines: Iterable[str], *, end: str = "") -> Iterator[str]:
    yield f"{head} ("
    yield from text.indent(lines)
    yield f"){end}"


def _quoted(value: str) -> str:
    escaped = check_value(value).replace('"', '\\"')
    return f'"{escaped}"'
