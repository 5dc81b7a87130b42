"""`xaccel config systemd`: units for the app, its socket, and a timer that sweeps the cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xaccel.config import Config
from xaccel.servers import text
from xaccel.servers.deployment import Deployment
from xaccel.services.app import App, writable

_HARDENING = (
    "# These restrictions protect the machine if a visitor breaks into the app.",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "DevicePolicy=closed",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RemoveIPC=yes",
    "KeyringMode=private",
    "SystemCallArchitectures=native",
    "# The sandbox for renders needs the system calls of Landlock and seccomp.",
    "SystemCallFilter=@system-service seccomp",
    "SystemCallFilter=landlock_create_ruleset landlock_add_rule landlock_restrict_self",
    "SystemCallFilter=~@privileged",
    "SystemCallErrorNumber=EPERM",
    "# The web server is in this group, and reads the finished thumbnails.",
    "UMask=0027",
)


def files(config: Config, deployment: Deployment, app: App) -> Mapping[str, str]:
    """Return the texts of the units, by their file names."""
    units = {
        f"{app.name}.service": text.document([text.HEADER, *_service(config, app)]),
        f"{app.name}.socket": text.document([text.HEADER, *_socket(deployment, app)]),
    }
    if config.has_thumbnail_endpoint and config.thumbnail_cache is not None:
        units[f"{app.name}-sweep.service"] = text.document([text.HEADER, *_sweep(config, app)])
        units[f"{app.name}-sweep.timer"] = text.document([text.HEADER, *_timer(app)])
    return units


def _service(config: Config, app: App) -> Iterator[str]:
    yield from (
        "[Unit]",
        f"Description=The web app {app.name}",
        f"Requires={app.name}.socket",
        "After=network.target",
        "",
        "[Service]",
        f"Type={'simple' if app.is_asgi else 'notify'}",
    )
    yield "# The app takes over the socket, so that no visitor is refused while it restarts."
    if app.is_asgi:
        yield f"ExecStart={app.programs}/uvicorn {app.app} --fd 3"
    else:
        yield f"ExecStart={app.programs}/gunicorn {app.app}"
        yield "ExecReload=/bin/kill -HUP $MAINPID"
    yield "Restart=on-failure"
    yield "# A render may take THUMBNAIL_TIMEOUT seconds, and should end before the app does."
    yield f"TimeoutStopSec={config.thumbnail_timeout + 20}"
    yield "# Each visitor needs a connection and a file."
    yield "LimitNOFILE=65536"
    yield ""
    # The connections to sources, stores and databases.
    yield from _common(config, app, "AF_UNIX AF_INET AF_INET6")
    yield from ("", "[Install]", "WantedBy=multi-user.target")


def _socket(deployment: Deployment, app: App) -> Iterator[str]:
    address = deployment.upstream_socket
    yield from ("[Unit]", f"Description=The socket of the web app {app.name}", "", "[Socket]")
    if address is None:
        yield f"ListenStream={deployment.upstream}"
        yield "NoDelay=yes"
    else:
        yield f"ListenStream={address}"
        yield from (
            f"SocketUser={app.name}",
            "# Only the web server may connect.",
            "SocketGroup=www-data",
            "SocketMode=0660",
        )
    yield from ("Backlog=2048", "", "[Install]", "WantedBy=sockets.target")


def _sweep(config: Config, app: App) -> Iterator[str]:
    yield from (
        "[Unit]",
        f"Description=Sweep the thumbnails of {app.name}",
        "",
        "[Service]",
        "Type=oneshot",
        f"ExecStart={app.programs}/xaccel cache sweep {app.option}",
        "Nice=19",
        "IOSchedulingClass=idle",
        "",
    )
    yield from _common(config, app, "AF_UNIX AF_INET AF_INET6")


def _timer(app: App) -> Iterator[str]:
    yield from (
        "[Unit]",
        f"Description=Sweep the thumbnails of {app.name} every night",
        "",
        "[Timer]",
        "OnCalendar=*-*-* 04:00:00",
        "# A random delay, so that the machines of a site do not all sweep at once.",
        "RandomizedDelaySec=1h",
        "Persistent=yes",
        "",
        "[Install]",
        "WantedBy=timers.target",
    )


def _common(config: Config, app: App, families: str) -> Iterator[str]:
    yield f"User={app.name}"
    yield "Group=www-data"
    yield f"WorkingDirectory={app.directory}"
    yield "# Secrets of the app, such as SECRET_KEY=…; readable only by root."
    yield f"EnvironmentFile=-/etc/{app.name}.env"
    yield ""
    yield from _HARDENING
    yield f"RestrictAddressFamilies={families}"
    directories = writable(config)
    if directories:
        yield "# Add the directories of uploads and of a SQLite database."
        yield f"ReadWritePaths={' '.join(f'-{each}' for each in directories)}"
