"""`xaccel config kubernetes`: manifests for the app and nginx in one pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xaccel.config import Config
from xaccel.servers import containers, generators, text
from xaccel.servers.deployment import Deployment
from xaccel.services.app import App, read_only, writable
from xaccel.services.docker import (
    PORT,
    SERVER_PORT,
    USER,
    check,
    command,
    in_containers,
)

_CONFINED = (
    "securityContext:",
    "  allowPrivilegeEscalation: false",
    "  readOnlyRootFilesystem: true",
    "  runAsNonRoot: true",
    "  capabilities:",
    "    drop: [ALL]",
)


def files(config: Config, deployment: Deployment, app: App) -> Mapping[str, str]:
    """Return the texts of the manifests, by their file names."""
    check(config)
    site = in_containers(deployment, "127.0.0.1")
    server = generators.load(containers.NAME)
    configuration = {
        server.site_file(site): server.site(config, site),
        **server.further_files(site),
    }
    secrets = server.secrets(config, site)
    manifests = {
        "nginx.yaml": _map("ConfigMap", f"{app.name}-nginx", "data", configuration),
        "deployment.yaml": [*_deployment(config, site, app, has_secrets=secrets is not None)],
        "service.yaml": [*_service(app)],
    }
    if secrets is not None:
        named = {server.secrets_file(site): secrets}
        manifests["secret.yaml"] = _map("Secret", f"{app.name}-nginx", "stringData", named)
    return {name: text.document([text.HEADER, *lines]) for name, lines in manifests.items()}


def _head(version: str, kind: str, name: str) -> Iterator[str]:
    yield from (
        f"apiVersion: {version}",
        f"kind: {kind}",
        "metadata:",
        f"  name: {name}",
    )


def _map(kind: str, name: str, key: str, values: Mapping[str, str]) -> list[str]:
    lines = [*_head("v1", kind, name), f"{key}:"]
    for file, content in values.items():
        lines.append(f"  {file}: |")
        lines += [f"    {line}" if line else "" for line in content.splitlines()]
    return lines


def _service(app: App) -> Iterator[str]:
    yield from _head("v1", "Service", app.name)
    yield from (
        "spec:",
        "  selector:",
        f"    app: {app.name}",
        "  ports:",
        "    - port: 80",
        f"      targetPort: {SERVER_PORT}",
    )


def _deployment(config: Config, site: Deployment, app: App, *, has_secrets: bool) -> Iterator[str]:
    caches, directories = writable(config), read_only(config)
    mounts = [("cache", each, False) for each in caches]
    mounts += [(f"files-{number}", each, True) for number, each in enumerate(directories)]
    yield from _head("apps/v1", "Deployment", app.name)
    yield from (
        "spec:",
        "  replicas: 2",
        "  selector:",
        "    matchLabels:",
        f"      app: {app.name}",
        "  template:",
        "    metadata:",
        "      labels:",
        f"        app: {app.name}",
        "    spec:",
        "      automountServiceAccountToken: false",
        "      securityContext:",
        f"        runAsUser: {USER}",
        f"        runAsGroup: {USER}",
        f"        fsGroup: {USER}",
        "        seccompProfile:",
        "          type: RuntimeDefault",
        "      containers:",
    )
    yield from _container("app", f"{app.name}:latest", PORT, mounts, ["/tmp"])  # noqa: S108  in the container
    yield from _command("command", command(app))
    yield from (
        "          # Secrets of the app, such as SECRET_KEY.",
        "          envFrom:",
        "            - secretRef:",
        f"                name: {app.name}-env",
        "                optional: true",
    )
    served = [(name, path, True) for name, path, _ in mounts]
    served.append((containers.NAME, "/etc/nginx/conf.d", True))
    scratch = ["/tmp", "/var/cache"]  # noqa: S108  in the container
    yield from _container(containers.NAME, containers.IMAGE, SERVER_PORT, served, scratch)
    yield from _command("args", containers.command(config, site))
    yield "      volumes:"
    yield from ("        - name: scratch", "          emptyDir: {}")
    if caches:
        limit = config.thumbnail_cache_max_size * 5 // 4
        yield from (
            "        - name: cache",
            "          emptyDir:",
            f'            sizeLimit: "{limit}"',
        )
    for number in range(len(directories)):
        yield from (
            f"        - name: files-{number}",
            "          persistentVolumeClaim:",
            f"            claimName: {app.name}-files-{number}",
        )
    yield from (
        "        - name: nginx",
        "          projected:",
        "            sources:",
        "              - configMap:",
        f"                  name: {app.name}-nginx",
    )
    if has_secrets:
        yield "              - secret:"
        yield f"                  name: {app.name}-nginx"


def _command(key: str, words: list[str]) -> Iterator[str]:
    yield f"          {key}:"
    yield from (f'            - "{word}"' for word in words)


def _container(
    name: str, image: str, port: int, mounts: list[tuple[str, str, bool]], scratch: list[str]
) -> Iterator[str]:
    yield from (
        f"        - name: {name}",
        f"          image: {image}",
        "          ports:",
        f"            - containerPort: {port}",
        "          readinessProbe:",
        "            tcpSocket:",
        f"              port: {port}",
        *(f"          {line}" for line in _CONFINED),
        "          volumeMounts:",
    )
    for volume, path, is_read_only in mounts:
        yield f"            - name: {volume}"
        yield f"              mountPath: {path}"
        if is_read_only:
            yield "              readOnly: true"
    for path in scratch:
        yield "            - name: scratch"
        yield f"              mountPath: {path}"
        yield f"              subPath: {name}{path.replace('/', '-')}"
