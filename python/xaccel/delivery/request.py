"""The facts of a request on which a response depends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xaccel.delivery.rfc9110 import Conditions

REQUEST = "xaccel.request"
"""The key in a WSGI environment or an ASGI scope under which the `Sendfile` middleware keeps a
request's facts, since it hides some headers from the app."""


@dataclass(frozen=True, slots=True)
class Request:
    """The facts of a request on which a response depends."""

    conditions: Conditions
    accept: str | None = None
    offloads: list[tuple[str, str]] = field(default_factory=list, compare=False)
    """The headers, in lower case, with which xaccel itself makes a server send a file."""

    @classmethod
    def from_headers(cls, method: str, get: Callable[[str], str | None]) -> Request:
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
            accept=get("Accept"),
        )

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any]) -> Request:
        """Collect the facts from a WSGI environment (PEP 3333)."""
        known: Request | None = environ.get(REQUEST)
        if known is not None:
            return known
        # Spelled out for speed: every request comes here.
        field = environ.get
        return cls(
            Conditions(
                environ["REQUEST_METHOD"],
                field("HTTP_IF_MATCH"),
                field("HTTP_IF_NONE_MATCH"),
                field("HTTP_IF_MODIFIED_SINCE"),
                field("HTTP_IF_UNMODIFIED_SINCE"),
                field("HTTP_IF_RANGE"),
                field("HTTP_RANGE"),
            ),
            field("HTTP_ACCEPT"),
        )

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

        return cls.from_headers(scope["method"], get)
