"""`xaccel config docker`: a Dockerfile, and a Compose file for the app behind nginx."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from xaccel.config import Config
from xaccel.exceptions import ConfigError
from xaccel.servers import containers, generators, text
from xaccel.servers.deployment import Deployment
from xaccel.services import backing
from xaccel.services.app import App, read_only, writable

USER = 10001
"""The ID of the app's user in its container. The system's own users have lower IDs."""

PORT = 8000
SERVER_PORT = 8080

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_OURS = frozenset({"app", "worker", containers.NAME, "cache"})
# Docker's own DNS server, which knows the names of the containers.
_RESOLVER = "127.0.0.11"
_REDIS_IMAGE = "redis:8-alpine"
_STORE_IMAGE = "chrislusf/seaweedfs:latest"


def files(config: Config, deployment: Deployment, app: App) -> Mapping[str, str]:
    """Return the texts of the files, by their file names."""
    check(config)
    site = in_containers(deployment, "app")
    if site.resolver is None:
        site = replace(site, resolver=_RESOLVER)
    server = generators.load(containers.NAME)
    further = server.further_files(site)
    secrets = server.secrets(config, site)
    return {
        "Dockerfile": text.document([text.HEADER, *_dockerfile(app)]),
        ".dockerignore": text.document([".git", ".venv", "**/__pycache__", "*.env"]),
        "compose.yaml": text.document(
            [text.HEADER, *_compose(config, site, app, has_secrets=secrets is not None)]
        ),
        f"nginx/{server.site_file(site)}": server.site(config, site),
        **{f"nginx/{name}": content for name, content in further.items()},
        **({} if secrets is None else {f"nginx/{server.secrets_file(site)}": secrets}),
    }


def check(config: Config) -> None:
    """Refuse settings that do not work with nginx in a container.

    Raises:
        ConfigError: Another server sends the files, or nginx resizes the images.
    """
    if config.server not in {"direct", containers.NAME}:
        raise ConfigError(
            f"the containers run nginx, so XACCEL['SERVER'] must be {containers.NAME!r}, "
            f"not {config.server!r}"
        )
    if config.thumbnail_engine == "image-filter":
        raise ConfigError(
            "XACCEL['THUMBNAIL_ENGINE'] 'image-filter' is not available in the containers, because "
            "nginx can't write to the cache there"
        )


def in_containers(deployment: Deployment, host: str) -> Deployment:
    """Return the deployment for a container of nginx, which reaches the app at this host."""
    return replace(
        deployment,
        upstream=f"{host}:{PORT}",
        listen=str(SERVER_PORT),
        directory=Path("/etc/nginx/conf.d"),
    )


def command(app: App) -> list[str]:
    """Return the command that starts the app in its container."""
    if app.is_asgi:
        return ["/venv/bin/uvicorn", app.app, "--host", "0.0.0.0", "--port", str(PORT)]  # noqa: S104
    return ["/venv/bin/gunicorn", app.app, "--bind", f"0.0.0.0:{PORT}", "--worker-tmp-dir", "/tmp"]  # noqa: S108  in the container


def _dockerfile(app: App) -> Iterator[str]:
    image = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    yield from (
        f"FROM {image} AS build",
        "RUN python -m venv /venv",
        "# The packages are installed again only if this file changes.",
        "COPY requirements.txt /tmp/requirements.txt",
        "RUN /venv/bin/pip install --no-cache-dir --requirement /tmp/requirements.txt",
        "",
        f"FROM {image}",
        f"RUN useradd --no-log-init --system --uid {USER} app",
        "COPY --from=build /venv /venv",
        "WORKDIR /app",
        "# The app can't change its own code, which belongs to root.",
        "COPY . /app",
        "ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1",
        f"USER {USER}",
        f"EXPOSE {PORT}",
        f"CMD [{_words(command(app))}]",
    )


def _compose(config: Config, site: Deployment, app: App, *, has_secrets: bool) -> Iterator[str]:
    caches, directories = writable(config), read_only(config)
    stores, broker = backing.stores(config), backing.redis(app.broker)
    needed = [store.host for store in stores] + ([] if broker is None else [broker[0]])
    _check_names(needed)
    files = [f"cache:{each}" for each in caches] + [f"{each}:{each}:ro" for each in directories]
    runs = [
        "    restart: unless-stopped",
        f'    user: "{USER}:{USER}"',
        "    # Secrets of the app, such as SECRET_KEY=…",
        *_env_files("app.env", *([backing.BUCKET_ENV] if stores else [])),
        *_depends(needed),
        *_confined("/tmp"),  # noqa: S108  in the container
        *_volumes(files),
    ]
    yield f"name: {app.name}"
    yield "services:"
    yield from ("  app:", "    build: .", *runs)
    if app.celery is not None:
        words = _words(_worker_command(app.celery))
        yield from ("  worker:", "    build: .", f"    command: [{words}]", *runs)
    yield from (
        "  nginx:",
        f"    image: {containers.IMAGE}",
        f"    command: [{_words(containers.command(config, site))}]",
        "    restart: unless-stopped",
        *_depends(["app"]),
        "    ports:",
        f'      - "80:{SERVER_PORT}"',
        *_confined("/tmp", "/var/cache"),  # noqa: S108  in the container
    )
    if has_secrets:
        file = f"nginx/{generators.load(containers.NAME).secrets_file(site)}"
        yield "    # nginx must be able to read the file with the keys:"
        yield f"    # sudo chown {containers.USER} {file}"
    yield from _volumes(
        ["./nginx:/etc/nginx/conf.d:ro"]
        + [f"cache:{each}:ro" for each in caches]
        + [f"{each}:{each}:ro" for each in directories]
    )
    if broker is not None:
        yield from _redis(*broker)
    for store in stores:
        yield from _store(store)
    if caches or needed:
        yield "volumes:"
    if caches:
        yield from (
            "  cache:",
            "    driver_opts:",
            "      type: tmpfs",
            "      device: tmpfs",
            "      # The cache belongs to the user of the app. It is empty after a restart.",
            f'      o: "uid={USER},mode=0755,size={config.thumbnail_cache_max_size * 5 // 4}"',
        )
    yield from (f"  {name}: {{}}" for name in needed)


def _check_names(names: list[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name) or name in _OURS or names.count(name) > 1:
            raise ConfigError(
                f"the broker or the bucket can't be in a container named {name!r}: in its URL, use "
                "another name that contains only the characters a-z, 0-9, - and _"
            )


def _worker_command(celery: str) -> list[str]:
    return ["/venv/bin/celery", "--app", celery, "worker", "--loglevel", "INFO"]


def _redis(host: str, port: int) -> Iterator[str]:
    words = _words(backing.redis_command(port, "/data"))
    yield from (
        f"  {host}:",
        f"    image: {_REDIS_IMAGE}",
        f"    command: [{words}]",
        "    restart: unless-stopped",
        "    user: redis",
        *_confined("/tmp"),  # noqa: S108  in the container
        *_volumes([f"{host}:/data"]),
    )


def _store(store: backing.Store) -> Iterator[str]:
    words = _words(backing.store_arguments(store, "/buckets"))
    yield from (
        f"  {store.host}:",
        f"    image: {_STORE_IMAGE}",
        '    entrypoint: ["/usr/bin/weed"]',
        f"    command: [{words}]",
        "    restart: unless-stopped",
        "    # The volume belongs to root. This user has no capabilities.",
        '    user: "0:0"',
        "    # AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…",
        *_env_files(backing.BUCKET_ENV),
        *_confined("/tmp"),  # noqa: S108  in the container
        *_volumes([f"{store.host}:/buckets"]),
    )


def _words(command: Iterable[str]) -> str:
    """Return a command as the items of a list in JSON."""
    return ", ".join(f'"{word}"' for word in command)


def _env_files(*files: str) -> Iterator[str]:
    yield "    env_file:"
    for file in files:
        yield f"      - path: {file}"
        yield f"        required: {'false' if file == 'app.env' else 'true'}"


def _depends(names: list[str]) -> Iterator[str]:
    if names:
        yield "    depends_on:"
        yield from (f"      - {name}" for name in names)


def _confined(*directories: str) -> Iterator[str]:
    yield from (
        "    read_only: true",
        "    tmpfs:",
        *(f"      - {directory}" for directory in directories),
        "    cap_drop:",
        "      - ALL",
        "    security_opt:",
        "      - no-new-privileges:true",
    )


def _volumes(volumes: list[str]) -> Iterator[str]:
    if volumes:
        yield "    volumes:"
        yield from (f'      - "{each}"' for each in volumes)
