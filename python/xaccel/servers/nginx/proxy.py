"""The lines that pass requests on, either to the app or from a load balancer to machines."""

from __future__ import annotations

from collections.abc import Iterator

from xaccel.config import Config
from xaccel.servers import text
from xaccel.servers.deployment import Deployment

_LONGEST_SILENCE = "1h"
_STREAM = "@xaccel_stream"
_DOWN = "@xaccel_down"


def http(deployment: Deployment) -> Iterator[str]:
    """Yield the lines in the `http` block that determine the scheme behind a load balancer."""
    if not deployment.real_ip_from:
        return
    identifier = deployment.identifier
    yield "# Only a load balancer may say whether the visitor uses TLS."
    yield from text.block(
        f"geo $realip_remote_addr ${identifier}_is_balanced",
        ['default "";', *(f"{address} 1;" for address in deployment.real_ip_from)],
    )
    yield from text.block(
        f'map "${identifier}_is_balanced $http_x_forwarded_proto" ${identifier}_scheme',
        ["default $scheme;", '"1 http" http;', '"1 https" https;'],
    )
    yield ""


def server(deployment: Deployment) -> Iterator[str]:
    """Yield the lines of the `server` block that apply to every request that nginx passes on."""
    yield from forwarded(deployment)
    yield "proxy_http_version 1.1;"
    yield f"proxy_set_header Upgrade ${deployment.identifier}_upgrade;"
    yield f"proxy_set_header Connection ${deployment.identifier}_connection;"
    if deployment.real_ip_from and not deployment.balance:
        yield "# Use the error page for failures even after another error page has passed the"
        yield "# request on."
        yield "recursive_error_pages on;"


def timeouts(config: Config) -> Iterator[str]:
    """Yield the lines of a machine's `server` block that say how long nginx waits for the app."""
    yield "# The app is on this machine or near it. A render may have to wait for its turn."
    yield "proxy_connect_timeout 5s;"
    yield f"proxy_read_timeout {longest_response(config)}s;"


def longest_response(config: Config) -> int:
    """Return how many seconds a machine waits for data from its app."""
    return 50 + config.thumbnail_timeout


def forwarded(deployment: Deployment) -> Iterator[str]:
    """Yield the lines that send information about the visitor to the app."""
    scheme = f"${deployment.identifier}_scheme" if deployment.real_ip_from else "$scheme"
    yield "# Pass on what only nginx knows about the visitor."
    yield f"proxy_set_header Host $host${deployment.identifier}_port;"
    yield "proxy_set_header X-Real-IP $remote_addr;"
    yield "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
    yield f"proxy_set_header X-Forwarded-Proto {scheme};"
    yield "# A visitor must not choose how the app offloads files."
    yield from (f'proxy_set_header {name} "";' for name in text.OFFLOAD_REQUEST_HEADERS)


def if_app_is_down(deployment: Deployment) -> Iterator[str]:
    """Yield the line that, in a location, makes a load balancer try another machine."""
    if deployment.real_ip_from and not deployment.balance:
        yield f"error_page 502 = {_DOWN};"


def location(deployment: Deployment, prefix: str, upstream: str) -> Iterator[str]:
    """Yield the location that passes all other requests to the upstream with this name."""
    yield from text.block(
        f"location {prefix}",
        [
            f"error_page 418 = {_STREAM};",
            *if_app_is_down(deployment),
            *text.block(f"if (${deployment.identifier}_is_stream)", ["return 418;"]),
            f"proxy_pass http://{upstream};",
        ],
    )


def named_locations(deployment: Deployment, upstream: str) -> Iterator[str]:
    """Yield the locations to which other locations redirect."""
    yield "# WebSockets and event streams."
    yield from text.block(
        f"location {_STREAM}",
        [
            f"proxy_pass http://{upstream}$request_uri;",
            *if_app_is_down(deployment),
            "proxy_buffering off;",
            "# Either side may be silent for this long.",
            f"proxy_read_timeout {_LONGEST_SILENCE};",
            f"proxy_send_timeout {_LONGEST_SILENCE};",
        ],
    )
    if deployment.real_ip_from and not deployment.balance:
        yield ""
        yield "# The app is not running. Close the connection without a response, so that the load"
        yield "# balancer tries another machine. The load balancer would pass on a response"
        yield "# unchanged."
        yield from text.block(f"location {_DOWN}", ["return 444;"])
