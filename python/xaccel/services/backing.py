"""The services that an app needs in a Compose file: Celery's broker, and stores of buckets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from xaccel._s3.settings import for_bucket, parse_url
from xaccel.config import Config
from xaccel.exceptions import ConfigError

BUCKET_ENV = "bucket.env"
"""The file with the keys of the buckets. The app and the store use this file."""

_REDIS_PORT = 6379
_HTTP_PORT = 80


@dataclass(frozen=True, slots=True)
class Store:
    """A container that stores buckets."""

    host: str
    port: int
    buckets: tuple[str, ...]


def stores(config: Config) -> list[Store]:
    """Return the stores whose endpoint is a container, such as `http://s3:8333`."""
    urls = [
        *(each.location for each in config.source_locations),
        *([] if config.thumbnail_store is None else [config.thumbnail_store]),
        *config.remotes,
    ]
    found: dict[tuple[str, int], dict[str, None]] = {}
    for url in urls:
        if not url.lower().startswith("s3://"):
            continue
        bucket, _ = parse_url(url)
        endpoint = urlsplit(for_bucket(config.s3, bucket).endpoint or "")
        if endpoint.scheme == "http" and _is_container(endpoint.hostname):
            address = (endpoint.hostname or "", endpoint.port or _HTTP_PORT)
            found.setdefault(address, {})[bucket] = None
    return [Store(host, port, tuple(buckets)) for (host, port), buckets in found.items()]


def redis(broker: str | None) -> tuple[str, int] | None:
    """Return the host and the port of a broker that runs as a Redis container.

    Raises:
        ConfigError: The broker's URL is invalid.
    """
    if broker is None:
        return None
    try:
        url = urlsplit(broker)
        host, port = url.hostname, url.port or _REDIS_PORT
    except ValueError:
        raise ConfigError("the broker_url of the Celery app is not a URL") from None
    if url.scheme != "redis" or host is None or not _is_container(host):
        return None
    if url.password is not None:
        raise ConfigError(
            f"the broker_url of the Celery app has a password, but the container {host!r} is "
            "reachable only from the other containers: remove the password"
        )
    return host, port


def redis_command(port: int, directory: str) -> list[str]:
    """Return the command that starts Redis with its files in a directory."""
    return ["redis-server", "--port", str(port), "--dir", directory, "--appendonly", "yes"]


def store_arguments(store: Store, directory: str) -> Iterator[str]:
    """Yield the arguments of `weed`, which starts SeaweedFS with its files in a directory."""
    yield "mini"
    yield f"-dir={directory}"
    yield f"-bucket={','.join(store.buckets)}"
    yield f"-s3.port={store.port}"
    yield from ("-webdav=false", "-admin.ui=false")


def _is_container(host: str | None) -> bool:
    """Whether a host name belongs to a container rather than a machine."""
    return host is not None and "." not in host and ":" not in host and host != "localhost"
