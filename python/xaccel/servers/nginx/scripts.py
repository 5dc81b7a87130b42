"""The header that prevents private files from running scripts on the site's origin.

Without this header, an uploaded HTML or SVG file that a browser shows would have the same rights as
the site's pages.
"""

from __future__ import annotations

from collections.abc import Iterator

from xaccel.config import Config
from xaccel.delivery import scripts
from xaccel.servers import text
from xaccel.servers.deployment import Deployment

_HEADER = "Content-Security-Policy"


def http(config: Config, deployment: Deployment) -> Iterator[str]:
    """Yield the lines in the `http` block."""
    if config.allow_scripts or not (config.served_roots or config.remotes):
        return
    identifier = deployment.identifier
    yield "# Browsers must not run scripts in a private file, such as an uploaded HTML or SVG file."
    yield from text.block(
        f"map $sent_http_content_type ${identifier}_sandbox",
        ['default "";', f'"~*^{scripts.TYPES}" "{scripts.SANDBOX}";'],
    )
    yield from text.block(
        f"map $xaccel_csp ${identifier}_policy",
        [f'"" ${identifier}_sandbox;', "default $xaccel_csp;"],
    )
    yield ""


SAVED = "set $xaccel_csp $upstream_http_content_security_policy;"
"""The line that saves the app's policy. It precedes any `rewrite` and any other upstream."""


def policy_of_app(config: Config, deployment: Deployment) -> str:
    """Return the header for an internal location: the app's policy, or one for the file's type."""
    name = "xaccel_csp" if config.allow_scripts else f"{deployment.identifier}_policy"
    return f"add_header {_HEADER} ${name} always;"


def policy_of_type(config: Config, deployment: Deployment) -> Iterator[str]:
    """Yield the header for a location from which nginx sends files without asking the app."""
    if not config.allow_scripts:
        yield f"add_header {_HEADER} ${deployment.identifier}_sandbox always;"
