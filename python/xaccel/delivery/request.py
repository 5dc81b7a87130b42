"""The parts of a request that a response depends on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from xaccel._core import encode_path
from xaccel.delivery.rfc9110 import Conditions
from xaccel.exceptions import BadSignature

REQUEST = "xaccel.request"
"""The key in a WSGI environment or an ASGI scope under which the `Sendfile` middleware keeps the
original `Request`. The middleware hides some of its headers from the app."""


_CONDITIONS = (
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "If-Unmodified-Since",
    "If-Range",
    "Range",
)
"""The header fields of `Conditions`, in the order of its attributes."""

_REDUNDANT = re.compile(r"//|/\.\.?(/|$)")


class Target(NamedTuple):
    """The path of a URL, both as the visitor sent it and as the application server decoded it."""

    raw: str
    """The path as it was sent, percent-encoded."""
    path: str
    """The decoded path, including the path at which the app is mounted."""


@dataclass(frozen=True, slots=True)
class Request:
    """The parts of a request that a response depends on."""

    conditions: Conditions
    accept: str | None = None
    target: Target | None = None
    """`None` if the application server does not provide the undecoded path."""
    offloads: list[tuple[str, str]] = field(default_factory=list, compare=False)
    """The headers that xaccel has set to make a server send a file, with lower-case names."""

    @classmethod
    def from_headers(
        cls, method: str, get: Callable[[str], str | None], target: Target | None = None
    ) -> Request:
        """Build a `Request`. `get` returns a header field by its name, such as `If-Range`."""
        return cls(Conditions(method, *map(get, _CONDITIONS)), get("Accept"), target)

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any], *, path: str | None = None) -> Request:
        """Build a `Request` from a WSGI environment (PEP 3333).

        Args:
            environ: The environment.
            path: The decoded path, if a framework has changed the paths in the environment.
        """
        known: Request | None = environ.get(REQUEST)
        if known is not None:
            return known

        # Gunicorn and Werkzeug set the first key, and uWSGI and mod_wsgi set the second.
        raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
        target = Target(_path_of(raw), path or wsgi_path(environ)) if raw else None
        method = environ.get("REQUEST_METHOD", "GET")
        conditions = Conditions(method, *map(environ.get, _CONDITIONS_IN_ENVIRON))
        return cls(conditions, environ.get("HTTP_ACCEPT"), target)

    @classmethod
    def from_scope(cls, scope: Mapping[str, Any]) -> Request:
        """Build a `Request` from the scope of an ASGI request."""
        known: Request | None = scope.get(REQUEST)
        if known is not None:
            return known

        fields: dict[bytes, bytes | None] = dict.fromkeys(_FIELDS_IN_SCOPE)
        for key, value in scope["headers"]:
            name = key.lower()
            if name in fields:
                earlier = fields[name]
                fields[name] = value if earlier is None else b", ".join((earlier, value))
        *conditions, accept = (
            None if value is None else value.decode("latin-1") for value in fields.values()
        )
        raw = scope.get("raw_path")
        target = Target(_path_of(raw.decode("latin-1")), scope["path"]) if raw else None
        return cls(Conditions(scope["method"], *conditions), accept, target)

    def check_spelling(self, path: str) -> None:
        """Refuse a signed path that is not spelled exactly as xaccel writes it.

        Args:
            path: The decoded path that was signed. The app may be mounted at another path.

        Raises:
            BadSignature: The visitor sent a different spelling, such as `%61` for `a`.
        """
        target = self.target
        if target is None or target.raw == encode_path(path):
            return
        is_ours = target.path.endswith(path) and not _REDUNDANT.search(target.path)
        if not is_ours or target.raw != encode_path(target.path):
            raise BadSignature(f"the path was sent in another spelling: {target.raw!r}")


@cache
def environ_key(header: str) -> str:
    """Return the key of a request header in a WSGI environment."""
    return "HTTP_" + header.upper().replace("-", "_")


_CONDITIONS_IN_ENVIRON = tuple(map(environ_key, _CONDITIONS))
_FIELDS_IN_SCOPE = tuple(name.lower().encode() for name in (*_CONDITIONS, "Accept"))


def wsgi_path(environ: Mapping[str, Any]) -> str:
    """Return the decoded path of a request, including the path at which the app is mounted."""
    return _decoded(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))


def _decoded(path: str) -> str:
    """Decode a path from a WSGI environment, in which each character stands for a byte."""
    if path.isascii():
        return path
    return path.encode("latin-1", errors="replace").decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Address:
    """The address at which the visitor reaches the app."""

    origin: str
    """The scheme and the host, such as `https://example.com`."""
    mount: str
    """The decoded path at which the app is mounted, such as `/shop`, or empty."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any]) -> Address:
        """Get the address from a WSGI environment, as in PEP 3333, section "URL Reconstruction"."""
        scheme = environ["wsgi.url_scheme"]
        host = environ.get("HTTP_HOST")
        if not host:
            host = _authority(scheme, environ["SERVER_NAME"], environ.get("SERVER_PORT"))
        return cls(f"{scheme}://{host}", environ_mount(environ))

    @classmethod
    def from_scope(cls, scope: Mapping[str, Any]) -> Address:
        """Get the address from the scope of an ASGI request."""
        scheme = scope.get("scheme", "http")
        hosts = [value for key, value in scope["headers"] if key.lower() == b"host"]
        if hosts:
            host = hosts[0].decode("latin-1")
        else:
            host = _authority(scheme, *(scope.get("server") or ("localhost", None)))
        return cls(f"{scheme}://{host}", scope_mount(scope))


def _authority(scheme: str, host: str, port: str | int | None) -> str:
    """Return a host with its port, unless it is the scheme's default port."""
    is_default = port is None or str(port) == {"http": "80", "https": "443"}.get(scheme)
    return host if is_default else f"{host}:{port}"


def environ_mount(environ: Mapping[str, Any]) -> str:
    """Return the decoded path at which a WSGI app is mounted, without a final slash."""
    return _decoded(environ.get("SCRIPT_NAME", "")).rstrip("/")


def scope_mount(scope: Mapping[str, Any]) -> str:
    """Return the decoded path at which an ASGI app is mounted, without a final slash.

    Starlette changes `root_path` for its own mounts, but also keeps the original value.
    """
    mount: str = scope.get("app_root_path", scope.get("root_path", ""))
    return mount.rstrip("/")


def split_mount(path: str, mount: str, prefix: str) -> tuple[str, str]:
    """Split a request's path into two parts: the path at which the app is mounted, and the rest.

    Args:
        path: The whole decoded path.
        mount: The path at which the app is mounted, such as `/media`; empty if it is not mounted.
        prefix: The prefix of the rest, such as `/t/`. The app may also be mounted at this prefix.
    """
    mount = mount.rstrip("/")
    if f"{mount}/".endswith(prefix):
        mount = f"{mount}/".removesuffix(prefix)
    if not mount or not path.startswith(f"{mount}/"):
        return mount, path
    rest = path.removeprefix(mount)
    if path.startswith(prefix) and not rest.startswith(prefix):
        return "", path
    return mount, rest


def _path_of(target: str) -> str:
    """Return the path of a request target. A proxy may send a whole URL (RFC 9112, 3.2.2)."""
    path = target.partition("?")[0]
    if path.startswith("/") or "://" not in path:
        return path
    return "/" + path.partition("://")[2].partition("/")[2]
