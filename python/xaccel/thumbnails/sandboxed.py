"""Chooses whether an app decodes images in the sandbox."""

from __future__ import annotations

from xaccel.config import Config
from xaccel.thumbnails.backends import Backend


def sandbox(config: Config) -> Backend | None:
    """Return the backend for the sandbox, or `None` if the app does not use the sandbox."""
    if config.thumbnail_sandbox:
        # Apps without a sandbox do not load these modules.
        from xaccel.sandbox.support import is_possible  # noqa: PLC0415

        if is_possible():
            from xaccel.sandbox.backend import RenderProcesses  # noqa: PLC0415

            return RenderProcesses(
                config.limits(), config.thumbnail_decoders, config.thumbnail_fonts
            )
    return None
