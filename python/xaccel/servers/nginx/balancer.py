"""The load balancer in front of several machines that each have the whole configuration.

All thumbnails of one image go to one machine, which renders them and keeps them in its cache. Every
other request goes to the machine with the fewest open connections.
"""

from __future__ import annotations

from collections.abc import Iterator

from xaccel.config import Config
from xaccel.exceptions import ConfigError
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import basics, image_filter, log, proxy
from xaccel.servers.nginx.syntax import literal, pattern, quoted

_MACHINES_OWN = ("static", "verify", "resizer", "resolver", "log_header", "json_log")


def http(config: Config, deployment: Deployment, access_log: str | None) -> Iterator[str]:
    """Yield the lines in the `http` block.

    Args:
        config: The app's settings.
        deployment: The machines, and where the load balancer listens.
        access_log: The log file; `None` means nginx's default.

    Raises:
        ConfigError: The deployment contains a value that only the machines use.
    """
    _check(deployment)
    identifier = deployment.identifier
    yield from basics.http(deployment)
    yield from log.http(config, deployment, access_log, has_verdicts=False)
    yield from proxy.http(deployment)
    if _has_thumbnails(config):
        yield "# The name of a thumbnail's image: the path of its URL after the spec."
        named = f"~(?s)^{literal(config.mount + config.thumbnail_url)}[^/]+/(?<xaccel_image>.+)$"
        yield from text.block(
            f"map $uri ${identifier}_image", ["default $uri;", f"{pattern(named)} $xaccel_image;"]
        )
        yield "# One machine makes all thumbnails of an image, so that each is made only once. If a"
        yield "# machine is added or lost, only its share of the images moves."
        yield from _upstream(deployment, "thumbnails", f"hash ${identifier}_image consistent;")
        yield ""
    yield from _upstream(deployment, "machines", "least_conn;")
    yield ""
    yield from basics.redirect(deployment)
    yield from text.block("server", basics.inherit(deployment, _server(config, deployment)))


def _check(deployment: Deployment) -> None:
    given = [name for name in _MACHINES_OWN if getattr(deployment, name)]
    if deployment.upstream != Deployment.upstream:
        given.append("upstream")
    if given:
        raise ConfigError(
            f"the load balancer does not use {given[0]}: set it in the configuration of the "
            "machines, which is generated without balance"
        )


def _has_thumbnails(config: Config) -> bool:
    return config.has_thumbnail_endpoint or image_filter.is_used(config)


def _upstream(deployment: Deployment, name: str, method: str) -> Iterator[str]:
    machines = (f"server {address} max_fails=3 fail_timeout=10s;" for address in deployment.balance)
    yield from text.block(
        f"upstream {deployment.identifier}_{name}",
        [
            "# All workers share the state of the machines.",
            f"zone {deployment.identifier}_{name} 128k;",
            method,
            *machines,
            "keepalive 32;",
        ],
    )


def _server(config: Config, deployment: Deployment) -> Iterator[str]:
    machines = f"{deployment.identifier}_machines"
    yield from basics.server(deployment)
    yield ""
    yield from proxy.server(deployment)
    yield "# Make room for large headers, such as cookies."
    yield "proxy_buffer_size 16k;"
    yield "proxy_buffers 8 16k;"
    yield "# Files pass through without a copy on this disk."
    yield "proxy_max_temp_file_size 0;"
    yield ""
    yield "# If a machine does not answer, ask the next one. Once nginx has sent a request that may"
    yield "# change something, such as a POST, it does not repeat the request."
    yield "proxy_next_upstream error timeout;"
    yield "# A page that is slow on one machine is slow on the others."
    yield "proxy_next_upstream_timeout 10s;"
    yield "proxy_connect_timeout 2s;"
    longest = proxy.longest_response(config)
    yield f"# This is longer than the {longest} s that a machine waits for its app."
    yield f"proxy_read_timeout {longest + 10}s;"
    yield "proxy_send_timeout 70s;"
    if _has_thumbnails(config):
        yield ""
        yield from text.block(
            f"location ^~ {quoted(config.mount + config.thumbnail_url, dollar=False)}",
            [f"proxy_pass http://{deployment.identifier}_thumbnails;"],
        )
    yield ""
    yield from proxy.location(deployment, "/", machines)
    yield ""
    yield from proxy.named_locations(deployment, machines)
