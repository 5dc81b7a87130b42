"""What nginx logs: a header of the app and, for metrics, whether each request involved the app."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xaccel.config import CACHE_PREFIX, Config
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import image_filter
from xaccel.servers.nginx.syntax import literal, pattern, quoted

_DEFAULT = "/var/log/nginx/access.log"
_NUMBERS = ("status", "body_bytes_sent", "request_time")
_STRINGS = (
    "upstream_status",
    "upstream_response_time",
    "upstream_cache_status",
    "remote_addr",
    "request",
    "http_referer",
    "http_user_agent",
)


def http(
    config: Config, deployment: Deployment, access_log: str | None, *, has_verdicts: bool
) -> Iterator[str]:
    """Yield the lines in the `http` block.

    Args:
        config: The app's settings.
        deployment: What to log.
        access_log: The log file; `None` means nginx's default.
        has_verdicts: Whether nginx asks the app for verdicts on the URLs of thumbnails.
    """
    if deployment.log_header is not None:
        yield from _with_header(config, deployment, deployment.log_header)
    if deployment.json_log is not None:
        yield from _json(config, deployment, has_verdicts=has_verdicts)
    if access_log is not None:
        yield f"access_log {quoted(access_log)};"
        yield ""


def server(config: Config, deployment: Deployment, access_log: str | None) -> Iterator[str]:
    """Yield the lines in the `server` block."""
    header, identifier = deployment.log_header, deployment.identifier
    if header is None and deployment.json_log is None:
        return
    access_format = "" if header is None else f" {identifier}"
    yield f"access_log {quoted(access_log or _DEFAULT)}{access_format};"
    if deployment.json_log is not None:
        yield f"access_log {quoted(deployment.json_log)} {identifier}_json;"
    if header is not None:
        yield f"proxy_hide_header {header};"
        if config.remotes:
            yield 'set $xaccel_saved "";'


def saved(deployment: Deployment) -> Iterator[str]:
    """Yield the lines that save the app's header for the log. A remote may replace the header."""
    if deployment.log_header is not None:
        yield f"set $xaccel_saved {_upstream_variable(deployment.log_header)};"
        yield f"proxy_hide_header {deployment.log_header};"


def verdict(deployment: Deployment) -> Iterator[str]:
    """Yield the line that saves the status of the app's verdict on a thumbnail's URL."""
    if deployment.json_log is not None:
        yield f"auth_request_set {_verdict(deployment)} $upstream_status;"


def _with_header(config: Config, deployment: Deployment, header: str) -> Iterator[str]:
    variable = _upstream_variable(header)
    if config.remotes:
        yield "# After a file from a remote, $upstream_http_* contains the remote's headers."
        yield from text.block(
            f"map $xaccel_saved ${deployment.identifier}_logged",
            [f'"" {variable};', "default $xaccel_saved;"],
        )
        variable = f"${deployment.identifier}_logged"
    yield "# The format `combined`, and the app's header. $request is the visitor's request,"
    yield "# even for an offloaded file, where $uri is the file's internal URL."
    yield f"log_format {deployment.identifier}"
    yield "    '$remote_addr - $remote_user [$time_local] \"$request\" '"
    yield '    \'$status $body_bytes_sent "$http_referer" "$http_user_agent" \''
    yield f"    '\"{variable}\" $request_time $upstream_response_time';"
    yield ""


def _json(config: Config, deployment: Deployment, *, has_verdicts: bool) -> Iterator[str]:
    identifier = deployment.identifier
    thumbnails = [CACHE_PREFIX, config.mount + config.thumbnail_url]
    if config.mount:
        # The cache has no mount.
        thumbnails.append(config.thumbnail_url)
    files = [prefix for prefix in config.served_roots.values() if prefix != CACHE_PREFIX]
    files += [remote.prefix for remote in config.remote_map().remotes]
    links = [] if config.private_url is None else [config.mount + config.private_url]
    yield "# The purpose of a request. For a file that the app offloads, $uri is its internal URL."
    yield from text.block(
        f"map $uri ${identifier}_kind",
        [
            "default other;",
            *_beginning(thumbnails, "thumbnail"),
            *_beginning([*files, *links], "private_file"),
            *_beginning(deployment.static, "static"),
        ],
    )
    yield from text.block(
        f"map $uri ${identifier}_is_offloaded",
        ['default "";', *_beginning([CACHE_PREFIX, *files], "1")],
    )
    verdict = _verdict(deployment) if has_verdicts else ""
    yield "# Who handled the request: nginx alone, the app, or both, if nginx sent the response"
    yield "# after it had asked the app."
    yield from text.block(
        f'map "${identifier}_kind $upstream_status,{verdict},${identifier}_is_offloaded" '
        f"${identifier}_handled_by",
        [
            "default app;",
            *(['"~^thumbnail " nginx;'] if image_filter.is_used(config) else []),
            '"~ ,,$" nginx;',
            '"~ ,|,1$" offload;',
        ],
    )
    fields = [
        '"time":"$time_iso8601"',
        f'"kind":"${identifier}_kind"',
        f'"handled_by":"${identifier}_handled_by"',
        *(f'"{name}":${name}' for name in _NUMBERS),
        *([f'"verdict_status":"{verdict}"'] if has_verdicts else []),
        *(f'"{name}":"${name}"' for name in _STRINGS),
    ]
    yield f"log_format {identifier}_json escape=json"
    start = "{"
    for field in fields[:-1]:
        yield f"    '{start}{field},'"
        start = ""
    yield f"    '{fields[-1]}}}';"
    yield ""


def _beginning(prefixes: Iterable[str], value: str) -> Iterator[str]:
    """Yield the lines of a map for values that begin with a prefix."""
    for prefix in prefixes:
        yield f"{pattern(f'~^{literal(prefix)}')} {value};"


def _verdict(deployment: Deployment) -> str:
    return f"${deployment.identifier}_verdict_status"


def _upstream_variable(header: str) -> str:
    return f"$upstream_http_{header.lower().replace('-', '_')}"
