"""The file with the secrets, which the rest of the configuration includes."""

from __future__ import annotations

from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx.syntax import include


def secrets_file(deployment: Deployment) -> str:
    """Return the name of the file.

    The lines of the file are valid only in particular places, so the name must not match a
    directive such as `include conf.d/*.conf`.
    """
    return f"{deployment.file_name}-secrets.inc"


def include_secrets(deployment: Deployment) -> str:
    """Return the line that includes the file."""
    return include(deployment.path_of(secrets_file(deployment)))
