"""The server that runs in a container in front of the app."""

from __future__ import annotations

NAME = "nginx"

IMAGE = "nginxinc/nginx-unprivileged:stable"
"""An image that runs as a user other than root."""

USER = 101
"""The ID of the user as which this image runs."""
