"""The decisions of the `Sendfile` middlewares: which file responses the server sends.

The middleware does for Python what Rack::Sendfile does for Ruby: the app responds with a file,
and if the file is under a root, the web server sends it. Only whole files qualify: status 200,
from the first byte, with the right length, without encoding, read by a plain file object.

The server evaluates the visitor's ranges and preconditions itself, so the app does not see
them. If the server can't send the file after all, they are evaluated here.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, BinaryIO

from xaccel._core import Location, PathMap
from xaccel._log import one_line
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
"""The key of a WSGI environment or an ASGI scope that overrides the server for one request: the
name of the header that the server understands, such as `X-Accel-Redirect`; empty for none."""

MAPPING = "xaccel.accel_mapping"
"""The key that overrides `ROOTS` for one request, in the grammar of `PathMap.parse`."""

HIDDEN = ("Range", "If-Range", "If-Match", "If-Unmodified-Since")
"""The request headers that the app does not see."""

# The headers that depend on who sends the file; the sender sets them again.
_REPLACED = frozenset({"accept-ranges", "content-length", "etag", "last-modified"})
_OWN = frozenset({"accept-ranges", "content-length"})
_PARTIAL = frozenset({"content-encoding", "content-range", "transfer-encoding"})

_logger = logging.getLogger("xaccel.sendfile")


@dataclasses.dataclass(frozen=True, slots=True)
class Sender:
    """What sends the files of one request, and from where."""

    dialect: Dialect
    path_map: PathMap


class Offloader:
    """Replaces file responses of an app by responses that make the server send the file."""

    def __init__(self, config: Config, *, trust_request_headers: bool = False) -> None:
        self._delivery = Delivery(config)
        self._sender = Sender(self._delivery.dialect, self._delivery.path_map)
        self._trusts_headers = trust_request_headers
        self._parse = lru_cache(maxsize=64)(self._parse_mapping)

    def sender(
        self, method: str, overrides: Mapping[str, Any], header: Callable[[str], str | None]
    ) -> Sender | None:
        """What sends the files of one request; `None` to leave the app's responses alone.

        Args:
            method: The request's method.
            overrides: The WSGI environment or the ASGI scope, with `TYPE` and `MAPPING`.
            header: Finds a request header by its name. It is asked for `X-Sendfile-Type` and
                `X-Accel-Mapping` only if the operator trusts them, and only for what the settings
                leave open.
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
        """Answer instead of an app whose response is 200 with an open file.

        Returns:
            The response, which does not need `file`. `None` to keep the app's response.
        """
        path = path_of(file) if _may_be_whole(headers) else None
        location = self._locate(sender, path) if path is not None else None
        if location is None or not _has_length(headers, location.size):
            return None
        if not is_open_file(location, file):
            return None
        return _hand_over(sender, location, request, headers)

    def respond(
        self, sender: Sender, request: Request, headers: Headers, file: BinaryIO
    ) -> Response | None:
        """As `offload()`; a file that the server can't send is sent here, with its ranges.

        Returns:
            The response; its body may be `file`. `None` to keep the app's response.
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
        """Answer instead of an app whose response is 200 with the path of a file."""
        location = self._locate(sender, path) if sender is not None else None
        if (
            sender is not None
            and location is not None
            and _may_be_whole(headers)
            and _has_length(headers, location.size)
        ):
            return _hand_over(sender, location, request, headers)
        file = open(path, "rb")  # noqa: PTH123, SIM115 - its user closes it
        return _send_open_file(file, request, headers, path=path)

    def _locate(self, sender: Sender, path: str) -> Location | None:
        if sender.path_map.find(path) is None:
            _logger.debug("%r is under no root: the app sends it itself", path)
            return None
        try:
            location = sender.path_map.locate(path)
            self._delivery.check_open(location.path)
            return location  # noqa: TRY300
        except FileNotFound as error:
            _logger.warning("%s", one_line(error))
            return None

    def _of_headers(self, header: Callable[[str], str | None]) -> Sender | None:
        """The sender that the server's request headers name, as far as the settings do not.

        The server may set only the mapping, and a visitor the type. So a type that makes a server
        take a path does not go with a mapping, unless the settings name the server.
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
            _logger.warning("X-Accel-Mapping goes with this X-Sendfile-Type only if SERVER is set")
            return None
        return self._mapped(sender, mapping)

    def _of_type(self, sendfile_type: object) -> Sender | None:
        if not sendfile_type:
            return None
        found = _dialects_of_type(str(sendfile_type).lower())
        if not found:
            # As a literal, so that line breaks in it can't forge lines of the log.
            _logger.warning("unknown X-Sendfile-Type: %r", sendfile_type)
            return None
        configured = self._delivery.dialect
        return Sender(configured if configured in found else found[0], self._sender.path_map)

    def _mapped(self, sender: Sender, mapping: str) -> Sender | None:
        try:
            return Sender(sender.dialect, self._parse(mapping))
        except ConfigError:
            _logger.warning("X-Accel-Mapping is not a list of /directory/=/prefix/: %r", mapping)
            return None

    def _parse_mapping(self, mapping: str) -> PathMap:
        return PathMap.parse(mapping, follow_symlinks=self._delivery.config.follow_symlinks)


def _dialects_of_type(sendfile_type: str) -> tuple[Dialect, ...]:
    return tuple(
        dialect for dialect in dialects.DIALECTS.values() if sendfile_type in dialect.sendfile_types
    )


def without_foreign(headers: Headers, request: Request) -> Headers:
    """Remove the headers that would make the server send a file, except those of xaccel."""
    return tuple(
        (name, value)
        for name, value in headers
        if not is_offload_header(name) or (name.lower(), value) in request.offloads
    )


def _may_be_whole(headers: Headers) -> bool:
    return not any(name.lower() in _PARTIAL for name, _ in headers)


def _has_length(headers: Headers, size: int) -> bool:
    """Whether the length in the headers, if any, is that of the file."""
    return all(value == str(size) for name, value in headers if name.lower() == "content-length")


def _hides(request: Request) -> bool:
    conditions = request.conditions
    return not (
        conditions.range is None
        and conditions.if_match is None
        and conditions.if_unmodified_since is None
    )


def _hand_over(sender: Sender, location: Location, request: Request, headers: Headers) -> Response:
    kept = tuple(
        (name, value)
        for name, value in headers
        if name.lower() not in _REPLACED and not is_offload_header(name)
    )
    return hand_over(location, request, kept, sender.dialect)


def _failed_precondition(request: Request, headers: Headers) -> Response | None:
    """The 412 that an app could not send because it has not seen the condition."""
    return precondition_response(_unseen(request), Validators.of_headers(headers), headers)


def _send_open_file(
    file: BinaryIO, request: Request, headers: Headers, *, path: str | None = None
) -> Response:
    kept = tuple((name, value) for name, value in headers if name.lower() not in _OWN)
    return send_open_file(file, _unseen(request), without_foreign(kept, request), path=path)


def _unseen(request: Request) -> Conditions:
    """The conditions that the app has not seen. It has evaluated the others."""
    return dataclasses.replace(request.conditions, if_none_match=None, if_modified_since=None)
