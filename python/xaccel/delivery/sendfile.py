"""The logic of the `Sendfile` middlewares: it determines which files the server sends.

The middleware is the Python equivalent of Ruby's Rack::Sendfile: if the app responds with a file
under a root, the web server sends it. This applies only to whole files. The response must have the
status 200 and the correct length, and must not be encoded. Its body must be a plain file object at
its first byte.

The server evaluates the visitor's ranges and preconditions, so they are hidden from the app. If the
server can't send the file after all, they are evaluated here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO

from xaccel._core import Location, PathMap
from xaccel._log import RateLimit, fields, one_line
from xaccel._observing import observer
from xaccel.config import Config
from xaccel.delivery.conditional import precondition_response, send_open_file
from xaccel.delivery.files import Delivery, hand_over
from xaccel.delivery.open_files import (
    has_plain_content,
    is_open_file,
    is_unread,
    path_of,
)
from xaccel.delivery.request import Request
from xaccel.delivery.response import Headers, Response
from xaccel.delivery.rfc9110 import Conditions, Validators
from xaccel.exceptions import ConfigError, FileNotFound
from xaccel.servers import dialects
from xaccel.servers.dialects import Dialect, is_offload_header

TYPE = "xaccel.sendfile_type"
"""The key of a WSGI environment or an ASGI scope that overrides the server for one request. Its
value is the name of the server's header, such as `X-Accel-Redirect`. An empty value means no
server."""

MAPPING = "xaccel.accel_mapping"
"""The key that overrides `ROOTS` for one request. Its value has the syntax of `PathMap.parse`."""

HIDDEN = ("Range", "If-Range", "If-Match", "If-Unmodified-Since")
"""The request headers that are hidden from the app."""

# Headers that depend on who sends the file. The sender sets them again.
_REPLACED = frozenset({"accept-ranges", "content-length", "etag", "last-modified"})
_OWN = frozenset({"accept-ranges", "content-length"})
_PARTIAL = frozenset({"content-encoding", "content-range", "transfer-encoding"})

_logger = logging.getLogger("xaccel.sendfile")
_logger.addFilter(RateLimit())


@dataclass(frozen=True, slots=True)
class Sender:
    """The server and the roots for the files of one request."""

    dialect: Dialect
    path_map: PathMap


class Offloader:
    """Replaces an app's file responses with responses that make the server send the file."""

    def __init__(self, config: Config, *, trust_request_headers: bool = False) -> None:
        self._delivery = Delivery(config)
        self._sender = Sender(self._delivery.dialect, self._delivery.path_map)
        self._observer = observer(config)
        self._trusts_headers = trust_request_headers
        self._parse = lru_cache(maxsize=64)(self._parse_mapping)

    def sender(
        self, method: str, overrides: Mapping[str, Any], header: Callable[[str], str | None]
    ) -> Sender | None:
        """Return the sender for one request, or `None` to leave the app's responses unchanged.

        Args:
            method: The request's method.
            overrides: The WSGI environment or the ASGI scope, with `TYPE` and `MAPPING`.
            header: Returns a request header by its name. It is called for `X-Sendfile-Type` and
                `X-Accel-Mapping` only if the operator trusts these headers and the settings do not
                provide the value.
        """
        sender: Sender | None = self._sender
        sendfile_type, mapping = overrides.get(TYPE), overrides.get(MAPPING)
        if self._trusts_headers and sendfile_type is None and mapping is None:
            sender = self._of_headers(header)
        elif sendfile_type is not None:
            sender = self._of_type(sendfile_type)
        if sender is not None and mapping:
            sender = self._mapped(sender, mapping)
        if sender is not None and method not in {"GET", "HEAD"} and not sender.dialect.offloads:
            return None
        return sender

    def offload(
        self, sender: Sender, request: Request, headers: Headers, file: BinaryIO
    ) -> Response | None:
        """Replace the response of an app that responds with 200 and an open file.

        Returns:
            The new response, which does not need `file`, or `None` to keep the app's response.
        """
        path = path_of(file) if _may_be_whole(headers) else None
        location = self._locate(sender, path) if path is not None else None
        if location is None or not _has_length(headers, location.size):
            return None
        if not is_open_file(location, file):
            return None
        return self._hand_over(sender, location, request, headers)

    def respond(
        self, sender: Sender, request: Request, headers: Headers, file: BinaryIO
    ) -> Response | None:
        """Like `offload()`. If the server can't send the file, the app sends it, with ranges.

        Returns:
            The new response, whose body may be `file`, or `None` to keep the app's response.
        """
        response = self.offload(sender, request, headers, file)
        if response is not None:
            return response
        if not (_hides(request) and _may_be_whole(headers)):
            return None
        if not (has_plain_content(file) and is_unread(file)):
            return _failed_precondition(request, headers)
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        return _send_open_file(file, request, headers) if _has_length(headers, size) else None

    def respond_with_path(
        self, sender: Sender | None, request: Request, headers: Headers, path: str
    ) -> Response:
        """Replace the response of an app that responds with 200 and the path of a file."""
        location = self._locate(sender, path) if sender is not None else None
        if (
            sender is not None
            and location is not None
            and _may_be_whole(headers)
            and _has_length(headers, location.size)
        ):
            response = self._hand_over(sender, location, request, headers)
            if response is not None:
                return response
        file = open(path, "rb")  # noqa: PTH123, SIM115 - its user closes it
        return _send_open_file(file, request, headers, path=path)

    def _hand_over(
        self, sender: Sender, location: Location, request: Request, headers: Headers
    ) -> Response | None:
        response = _hand_over(sender, location, request, headers)
        if response is not None and self._observer is not None:
            names = (name for name, each in dialects.DIALECTS.items() if each is sender.dialect)
            self._observer.sendfile(next(names, ""))
        return response

    def _locate(self, sender: Sender, path: str) -> Location | None:
        if sender.path_map.find(path) is None:
            _logger.debug(
                "%r is outside every root, so the app sends it",
                path,
                extra=fields("not_offloaded", path=path),
            )
            return None
        try:
            location = sender.path_map.locate(path)
            self._delivery.check_open(location.path)
            return location  # noqa: TRY300
        except FileNotFound as error:
            _logger.warning("%s", one_line(error), extra=fields("not_offloaded", path=path))
            return None

    def _of_headers(self, header: Callable[[str], str | None]) -> Sender | None:
        """Return the sender, with missing settings taken from the web server's request headers.

        If the web server sets only the mapping, a visitor can still set the type. Therefore, a
        mapping needs a server from the settings, or a type that takes a URL instead of a file path.
        """
        sender: Sender | None = self._sender
        is_named = self._sender.dialect.offloads
        if not is_named:
            sendfile_type = header("X-Sendfile-Type")
            sender = self._sender if sendfile_type is None else self._of_type(sendfile_type)
        elif self._sender.path_map.roots:
            return sender
        mapping = header("X-Accel-Mapping")
        if sender is None or not mapping or not sender.dialect.offloads:
            return sender
        if not (is_named or sender.dialect.takes_urls):
            _logger.warning(
                "this X-Sendfile-Type can be combined with X-Accel-Mapping only if SERVER is set",
                extra=fields("misconfigured", setting="SERVER", is_limited=True),
            )
            return None
        return self._mapped(sender, mapping)

    def _of_type(self, sendfile_type: object) -> Sender | None:
        if not sendfile_type:
            return None
        found = _dialects_of_type(str(sendfile_type).lower())
        if not found:
            # The value is logged as a literal, so that its line breaks can't forge log lines.
            _logger.warning(
                "unknown X-Sendfile-Type: %r",
                sendfile_type,
                extra=fields(
                    "header_ignored",
                    header="X-Sendfile-Type",
                    value=sendfile_type,
                    is_limited=True,
                ),
            )
            return None
        configured = self._delivery.dialect
        return Sender(configured if configured in found else found[0], self._sender.path_map)

    def _mapped(self, sender: Sender, mapping: str) -> Sender | None:
        try:
            return Sender(sender.dialect, self._parse(mapping))
        except ConfigError:
            _logger.warning(
                "X-Accel-Mapping is not a list of /directory/=/prefix/: %r",
                mapping,
                extra=fields(
                    "header_ignored", header="X-Accel-Mapping", value=mapping, is_limited=True
                ),
            )
            return None

    def _parse_mapping(self, mapping: str) -> PathMap:
        return PathMap.parse(mapping, follow_symlinks=self._delivery.config.follow_symlinks)


def _dialects_of_type(sendfile_type: str) -> tuple[Dialect, ...]:
    return tuple(
        dialect for dialect in dialects.DIALECTS.values() if sendfile_type in dialect.sendfile_types
    )


def without_foreign(headers: Headers, request: Request) -> Headers:
    """Remove headers that would make the server send a file, unless xaccel has set them."""
    return tuple(
        (name, value)
        for name, value in headers
        if not is_offload_header(name) or (name.lower(), value) in request.offloads
    )


def _may_be_whole(headers: Headers) -> bool:
    return not any(name.lower() in _PARTIAL for name, _ in headers)


def _has_length(headers: Headers, size: int) -> bool:
    """Whether the length in the headers, if any, is the file's size."""
    return all(value == str(size) for name, value in headers if name.lower() == "content-length")


def _hides(request: Request) -> bool:
    conditions = request.conditions
    return not (
        conditions.range is None
        and conditions.if_match is None
        and conditions.if_unmodified_since is None
    )


def _hand_over(
    sender: Sender, location: Location, request: Request, headers: Headers
) -> Response | None:
    """Return the response that makes the server send a file; `None` if the file was replaced."""
    kept = tuple(
        (name, value)
        for name, value in headers
        if name.lower() not in _REPLACED and not is_offload_header(name)
    )
    try:
        return hand_over(location, request, kept, sender.dialect)
    except FileNotFound as error:
        _logger.warning("%s", one_line(error), extra=fields("not_offloaded", path=location.path))
        return None


def _failed_precondition(request: Request, headers: Headers) -> Response | None:
    """Return the 412 response that the app could not send, because it did not see the condition."""
    return precondition_response(_unseen(request), Validators.of_headers(headers), headers)


def _send_open_file(
    file: BinaryIO, request: Request, headers: Headers, *, path: str | None = None
) -> Response:
    kept = tuple((name, value) for name, value in headers if name.lower() not in _OWN)
    return send_open_file(file, _unseen(request), without_foreign(kept, request), path=path)


def _unseen(request: Request) -> Conditions:
    """Return the conditions that were hidden from the app. The app evaluates the others."""
    return request.conditions._replace(if_none_match=None, if_modified_since=None)
