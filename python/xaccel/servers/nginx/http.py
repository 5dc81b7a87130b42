"""The `http` block: maps, the app's `upstream`, caches and servers."""

from __future__ import annotations

from collections.abc import Iterator

from xaccel.config import Config
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import basics, image_filter, log, proxy, scripts, secure_link, thumbnails
from xaccel.servers.nginx.secrets_file import include_secrets
from xaccel.servers.nginx.server import server, upstream


def http(
    config: Config, deployment: Deployment, caches: str, access_log: str | None
) -> Iterator[str]:
    """Yield the lines in the block.

    Args:
        config: The app's settings.
        deployment: Where the app and nginx listen.
        caches: The directory for nginx's caches.
        access_log: The log file; `None` means nginx's default.
    """
    verification = thumbnails.verification_of(config, deployment)
    yield from basics.http(deployment)
    yield from log.http(config, deployment, access_log, has_verdicts=verification == "app")
    yield from proxy.http(deployment)
    yield from text.block(
        f"upstream {upstream(deployment)}",
        [f"server {deployment.upstream};", "keepalive 16;"],
    )
    yield ""
    yield from scripts.http(config, deployment)
    if secure_link.is_used(config, verification):
        yield from secure_link.http(deployment)
    if secure_link.has_secret_of_each_key(config):
        yield include_secrets(deployment)
        yield ""
    if verification != "none":
        yield from thumbnails.http(config, deployment, caches)
    if image_filter.is_used(config):
        cache = f"{caches}/{deployment.file_name}-thumbnails"
        check = [*secure_link.check_newest(config, deployment)]
        yield from image_filter.http(config, deployment, cache, check)
    yield from basics.redirect(deployment)
    yield from text.block(
        "server", basics.inherit(deployment, server(config, deployment, access_log))
    )
