"""The facts of a request on which a response depends."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from xaccel._core import encode_path
from xaccel.delivery.rfc9110 import Conditions
from xaccel.exceptions import BadSignature

REQUEST = "xaccel.request"
"""The key in a WSGI environment or an ASGI scope under which the `Sendfile` middleware keeps a
request's facts, since it hides some headers from the app."""


_REDUNDANT = re.compile(r"//|/\.\.?(/|$)")


@dataclass(frozen=True, slots=True)
class Target:
    """The path of a URL, as the visitor sent it and as the application server decoded it."""

    raw: str
    """The path as it was sent, percent-encoded."""
    path: str
    """The decoded path, with the part at which the app is mounted."""


@dataclass(frozen=True, slots=True)
class Request:
    """The facts of a request on which a response depends."""

    conditions: Conditions
    accept: str | None = None
    target: Target | None = None
    """`None` if the application server does not tell how the path was spelled."""
    offloads: list[tuple[str, str]] = field(default_factory=list, compare=False)
    """The headers, in lower case, with which xaccel itself makes a server send a file."""

    @classmethod
    def from_headers(
        cls, method: str, get: Callable[[str], str | None], target: Target | None = None
    ) -> Request:
        """Collect the facts; `get` finds a header field by its name, such as `If-Range`."""
        return cls(
            Conditions(
                method=method,
                if_match=get("If-Match"),
                if_none_match=get("If-None-Match"),
                if_modified_since=get("If-Modified-Since"),
                if_unmodified_since=get("If-Unmodified-Since"),
                if_range=get("If-Range"),
                range=get("Range"),
            ),
            get("Accept"),
            target,
        )

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any]) -> Request:
        """Collect the facts from a WSGI environment (PEP 3333)."""
        known: Request | None = environ.get(REQUEST)
        if known is not None:
            return known

        def get(name: str) -> str | None:
            value: str | None = environ.get(environ_key(name))
            return value

        # Gunicorn and Werkzeug have the first, uWSGI and mod_wsgi the second.
        raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
        target = Target(_path_of(raw), wsgi_path(environ)) if raw else None
        return cls.from_headers(environ.get("REQUEST_METHOD", "GET"), get, target)

    @classmethod
    def from_scope(cls, scope: Mapping[str, Any]) -> Request:
        """Collect the facts from the scope of an ASGI request."""
        known: Request | None = scope.get(REQUEST)
        if known is not None:
            return known

        def get(name: str) -> str | None:
            wanted = name.lower().encode()
            values = [value for key, value in scope["headers"] if key.lower() == wanted]
            return b", ".join(values).decode("latin-1") if values else None

        raw = scope.get("raw_path")
        target = Target(_path_of(raw.decode("latin-1")), scope["path"]) if raw else None
        return cls.from_headers(scope["method"], get, target)

    def check_spelling(self, path: str) -> None:
        """Refuse any spelling of a signed path but the one that xaccel writes.

        Args:
            path: The decoded path as it was signed. The app may be mounted below another one.

        Raises:
            BadSignature: The visitor has sent another spelling, such as `%61` for `a`.
        """
        target = self.target
        if target is None or target.raw == encode_path(path):
            return
        is_ours = target.path.endswith(path) and not _REDUNDANT.search(target.path)
        if not is_ours or target.raw != encode_path(target.path):
            raise BadSignature(f"the path was sent in another spelling: {target.raw!r}")


@cache
def environ_key(header: str) -> str:
    """The key of a request header in a WSGI environment."""
    return "HTTP_" + header.upper().replace("-", "_")


def wsgi_path(environ: Mapping[str, Any]) -> str:
    """The decoded path of a request, with the part at which the app is mounted."""
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path.encode("latin-1", errors="replace").decode(errors="replace")


def below_mount(path: str, mount: str, prefix: str) -> str:
    """The path of a request as it was signed, in an app that may be mounted.

    Args:
        path: The decoded path, with the part at which the app is mounted.
        mount: That part, such as `/media`; empty if the app is not mounted.
        prefix: How signed paths begin, such as `/t/`. The app may be mounted there.
    """
    mount = mount.rstrip("/")
    if path.startswith(prefix) or not mount:
        return path
    rest = path.removeprefix(mount)
    return prefix + rest.removeprefix("/") if f"{mount}/".endswith(prefix) else rest


def _path_of(target: str) -> str:
    """The path of a request target, which a proxy may send as a whole URL (RFC 9112, 3.2.2)."""
    path = target.partition("?")[0]
    if path.startswith("/") or "://" not in path:
        return path
    return "/" + path.partition("://")[2].partition("/")[2]
