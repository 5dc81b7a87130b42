"""Check whether the server handles the offload header and hides it from visitors."""

from __future__ import annotations

from collections.abc import Iterator

from xaccel.doctor.client import Reply, Site
from xaccel.doctor.report import Result, finding, ok
from xaccel.servers import dialects
from xaccel.servers.dialects import Dialect, is_offload_header


def check_offload_header(_: Site, first: Reply) -> Iterator[Result]:
    """Check the response from the given address."""
    yield leak(first) or ok("header", "Visitors do not see the offload header.")


def leak(reply: Reply) -> Result | None:
    """Return a finding if the server passes an offload header on to visitors."""
    leaked = sorted(name for name in reply.headers if is_offload_header(name))
    if not leaked:
        return None
    dialect = dialect_of(reply)
    if dialect is not None and not any(
        name.lower().startswith(dialect.header_prefixes) for name in leaked
    ):
        fix = f"Set XACCEL['SERVER'] to {dialect.name!r} where the app runs, and restart the app."
    else:
        fix = (
            "Install the configuration that `xaccel config` writes for this server; Apache also "
            "needs mod_xsendfile and `XSendFile On`."
        )
    return finding(
        "header",
        f"The server passes {', '.join(leaked)} on to visitors.",
        "It does not send the file, and visitors see the file's location.",
        fix,
    )


def dialect_of(reply: Reply) -> Dialect | None:
    """Return the dialect of the server named in the `Server` header, if xaccel supports it."""
    product = (reply.headers["Server"] or "").lower()
    servers = (each for each in dialects.DIALECTS.values() if each.offloads)
    return next((dialect for dialect in servers if dialect.name in product), None)
