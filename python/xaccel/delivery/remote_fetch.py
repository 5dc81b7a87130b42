"""Fetch a file from a remote: what the app does where its web server does not."""

from __future__ import annotations

import contextlib
import http.client
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse

from xaccel.delivery.remotes import RemoteFile
from xaccel.exceptions import RemoteError

CHUNK = 64 * 1024
_TIMEOUT = 30


class RemoteBody:
    """The content of a file on a remote, in constant memory. Iterate once, which closes it."""

    def __init__(self, connection: http.client.HTTPConnection, response: HTTPResponse) -> None:
        self._connection = connection
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with contextlib.closing(self):
            while chunk := self._response.read(CHUNK):
                yield chunk
            if self._response.length:
                raise OSError("the remote server ended the file early")

    def close(self) -> None:
        """Close the connection."""
        self._response.close()
        self._connection.close()


@dataclass(frozen=True, slots=True)
class RemoteResponse:
    """What a remote has answered."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: RemoteBody


def fetch(file: RemoteFile, headers: Mapping[str, str]) -> RemoteResponse:
    """Ask a remote for a file.

    Args:
        file: The file.
        headers: The request's headers: nothing of the visitor's that is not among them is sent.

    Raises:
        RemoteError: It can't be reached.
    """
    remote = file.remote
    host = remote.host.strip("[]")
    connection = (
        http.client.HTTPSConnection(
            host, remote.port, timeout=_TIMEOUT, context=ssl.create_default_context()
        )
        if remote.scheme == "https"
        else http.client.HTTPConnection(host, remote.port, timeout=_TIMEOUT)
    )
    try:
        # A signed URL is signed for GET: HEAD would be refused.
        connection.request("GET", file.path, headers={"Host": remote.authority, **headers})
        response = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise RemoteError(f"{remote.url} can't be reached: {error!r}") from None
    fields = {name.lower(): value for name, value in response.getheaders()}
    return RemoteResponse(response.status, fields, RemoteBody(connection, response))
