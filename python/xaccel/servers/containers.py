"""The server that runs in a container in front of the app."""

from __future__ import annotations

from xaccel.config import Config
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx.configuration import modules

NAME = "nginx"

IMAGE = "nginxinc/nginx-unprivileged:stable"
"""An image that runs as a user other than root."""

USER = 101
"""The ID of the user as which this image runs."""


def command(config: Config, deployment: Deployment) -> list[str]:
    """Return the command that starts the server with the modules that its configuration needs.

    The main configuration is that of the image, so only the command can load modules.
    """
    loaded = "".join(f" load_module {path};" for path in modules(config, deployment))
    return ["nginx", "-g", f"daemon off;{loaded}"]
