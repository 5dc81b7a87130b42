"""Whether the server acts on the header that offloads a file, and hides it from visitors."""

from __future__ import annotations

from collections.abc import Iterator

from xaccel.delivery.presentation import is_offload_header
from xaccel.doctor.client import Reply, Site
from xaccel.doctor.report import Result, finding, ok

_DIALECTS = {
    "nginx": "x-accel",
    "caddy": "x-accel",
    "apache": "x-sendfile",
    "lighttpd": "x-sendfile",
}


def check_offload_header(_: Site, first: Reply) -> Iterator[Result]:
    """The answer from the address that was given."""
    yield leak(first) or ok("header", "Visitors see no header that offloads files.")


def leak(reply: Reply) -> Result | None:
    """The finding, if the server passes such a header on."""
    leaked = sorted(name for name in reply.headers if is_offload_header(name))
    if not leaked:
        return None
    server = server_name(reply)
    if server is not None and not any(_DIALECTS[server] in name.lower() for name in leaked):
        fix = f"Set XACCEL['SERVER'] to {server!r} where the app runs, and restart the app."
    else:
        fix = (
            "Install what `xaccel config` writes for this server; Apache also needs mod_xsendfile "
            "and `XSendFile On`."
        )
    return finding(
        "header",
        f"The server passes {', '.join(leaked)} on to visitors.",
        "It does not send the file, and visitors see where the app keeps it.",
        fix,
    )


def server_name(reply: Reply) -> str | None:
    """The web server that the header `Server` names, if it is one that xaccel knows."""
    product = (reply.headers["Server"] or "").lower()
    return next((name for name in _DIALECTS if name in product), None)
