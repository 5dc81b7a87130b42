"""The messages between the app's process and a worker, over a socket.

A job is pickled, because a worker trusts the app. A reply is JSON and bytes, because the app must
not trust a worker: an image may have taken it over. For the same reason, the app receives no
descriptors from a worker.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import socket
import struct
from dataclasses import dataclass
from inspect import signature
from typing import Any, cast

from xaccel._core import ImageInfo, Thumbnail
from xaccel.exceptions import (
    BadSize,
    ConfigError,
    CorruptImage,
    FileNotFound,
    ImageTooLarge,
    RenderStopped,
    RenderTimeout,
    SpecError,
    ThumbnailError,
    UnsupportedImage,
    XaccelError,
)

_JOB = struct.Struct("!I")
"""The length of a pickled job."""
_REPLY = struct.Struct("!IQ")
"""The lengths of the JSON and of the bytes of a reply."""

_INFO = tuple(signature(ImageInfo).parameters)

_PIECE = 256 * 1024
_LONGEST_HEAD = 64 * 1024
_LONGEST_MESSAGE = 4096
_LARGEST_ERRNO = 4095
_LONGEST_DATA = 256 * 1024**2
"""The maximum number of bytes of a thumbnail."""

_ERRORS: dict[str, type[XaccelError]] = {
    kind.__name__: kind
    for kind in (
        BadSize,
        ConfigError,
        CorruptImage,
        FileNotFound,
        ImageTooLarge,
        RenderStopped,
        RenderTimeout,
        SpecError,
        ThumbnailError,
        UnsupportedImage,
    )
}


class InvalidReply(Exception):
    """A worker has sent something else than a reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply. `head` is decoded JSON, which may have any content."""

    head: Any
    data: bytes


class _JobPickler(pickle.Pickler):
    """Pickles the strings of frameworks as plain strings. Workers do not load frameworks."""

    def reducer_override(self, value: object) -> Any:
        if isinstance(value, str):
            return str, (str.__str__(value),)
        return NotImplemented


def send_job(connection: socket.socket, job: object, descriptor: int) -> None:
    """Send a job with the descriptor of its image."""
    buffer = io.BytesIO()
    _JobPickler(buffer, pickle.HIGHEST_PROTOCOL).dump(job)
    content = buffer.getvalue()
    message = _JOB.pack(len(content)) + content
    sent = socket.send_fds(connection, [message], [descriptor])
    if sent < len(message):
        connection.sendall(message[sent:])


def receive_job(connection: socket.socket) -> tuple[Any, int] | None:
    """Wait for a job. Returns the job and its descriptor, or `None` at the end."""
    content, descriptors, _, _ = socket.recv_fds(connection, _PIECE, 1)
    if not content:
        return None
    message = bytearray(content)
    (length,) = _JOB.unpack_from(message)
    while len(message) < _JOB.size + length:
        message += connection.recv(_PIECE)
    return pickle.loads(memoryview(message)[_JOB.size :]), descriptors[0]  # noqa: S301


def send_result(connection: socket.socket, result: Thumbnail | ImageInfo | str) -> None:
    """Reply with the result of a job."""
    if isinstance(result, str):
        _send(connection, {"text": True}, result.encode())
    elif isinstance(result, ImageInfo):
        _send(connection, {"info": {name: getattr(result, name) for name in _INFO}})
    else:
        head = {
            "width": result.width,
            "height": result.height,
            "format": result.format,
            "is_complete": result.is_complete,
        }
        _send(connection, head, result.data)


def send_error(connection: socket.socket, error: BaseException) -> None:
    """Reply with the error of a job."""
    head: dict[str, object] = {"message": str(error)[:_LONGEST_MESSAGE]}
    if type(error).__name__ in _ERRORS:
        head["error"] = type(error).__name__
    elif isinstance(error, MemoryError):
        head |= {"error": RenderStopped.__name__, "message": "the image needs too much memory"}
    elif isinstance(error, OSError):
        head["errno"] = error.errno or 0
    else:
        name = type(error).__name__
        head |= {"error": ThumbnailError.__name__, "message": f"{name}: {head['message']}"}
    _send(connection, head)


def send_ready(connection: socket.socket, problem: str | None) -> None:
    """Report that the worker is in its cage, or why it isn't."""
    _send(connection, {"problem": problem})


def _send(connection: socket.socket, head: object, data: bytes = b"") -> None:
    text = json.dumps(head).encode()
    connection.sendall(b"".join((_REPLY.pack(len(text), len(data)), text, data)))


def receive(connection: socket.socket) -> Reply:
    """Wait for a reply.

    Raises:
        EOFError: The worker has ended.
        TimeoutError: The reply was not sent in the socket's timeout.
        OSError: The connection has failed.
        InvalidReply: The worker has sent something else.
    """
    start = connection.recv(_PIECE)
    message = bytearray(start)
    _fill(connection, message, _REPLY.size)
    head_length, length = _REPLY.unpack_from(message)
    if head_length > _LONGEST_HEAD or length > _LONGEST_DATA:
        raise InvalidReply("its length is invalid")
    _fill(connection, message, _REPLY.size + head_length + length)
    if len(message) > _REPLY.size + head_length + length:
        raise InvalidReply("it is too long")
    whole = memoryview(message)[_REPLY.size :]
    try:
        head: object = json.loads(bytes(whole[:head_length]))
    except (ValueError, RecursionError):
        raise InvalidReply("it is not JSON") from None
    return Reply(head, bytes(whole[head_length:]))


def _fill(connection: socket.socket, message: bytearray, length: int) -> None:
    while len(message) < length:
        piece = connection.recv(min(max(_PIECE, length - len(message)), 16 * _PIECE))
        if not piece:
            raise EOFError
        message += piece


def problem(reply: Reply) -> str | None:
    """Return the problem that a worker reports instead of being ready.

    Raises:
        InvalidReply: The reply is a different one.
    """
    match reply.head:
        case {"problem": None}:
            return None
        case {"problem": str(text)}:
            return text
    raise InvalidReply("it is not the first one")


def outcome(reply: Reply) -> Thumbnail | ImageInfo | str | XaccelError | OSError:
    """Return the result of a job, or its error. An `OSError` means that the image can't be read.

    Raises:
        InvalidReply: The reply is neither a result nor an error.
    """
    match reply.head:
        case {"error": str(name), "message": str(message)} if name in _ERRORS:
            return _ERRORS[name](message)
        case {"errno": int(number), "message": str(message)} if 0 <= number <= _LARGEST_ERRNO:
            return OSError(number, os.strerror(number) if number else message)
        case {"text": True}:
            try:
                return reply.data.decode()
            except UnicodeDecodeError:
                raise InvalidReply("its text is not UTF-8") from None
        case {"info": dict() as values}:
            try:
                return ImageInfo(**cast("dict[str, Any]", values))
            except (TypeError, ValueError, OverflowError):
                raise InvalidReply("it does not describe an image") from None
        case {
            "width": int(width),
            "height": int(height),
            "format": str(name),
            "is_complete": bool(is_complete),
        }:
            try:
                return Thumbnail(reply.data, width, height, name, is_complete=is_complete)
            except (ValueError, OverflowError):
                raise InvalidReply("it is not a thumbnail") from None
    raise InvalidReply("its content is invalid")
