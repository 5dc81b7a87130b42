"""Original images on another web server.

Images are fetched only from the configured origin and from the URLs to which it redirects.
`xaccel._http` checks the addresses.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from xaccel import _http
from xaccel._core import __version__, encode_path
from xaccel.delivery.rfc9110 import parse_http_date
from xaccel.exceptions import ConfigError, FileNotFound, ImageTooLarge, SourceUnavailable
from xaccel.thumbnails.sources.base import Image, Original, StreamedOriginal, is_plain

MAX_REDIRECTS = 3

_HEADERS = {"Accept": "image/*", "User-Agent": f"xaccel/{__version__}"}


class HttpSource:
    """Images below one URL.

    Args:
        base: The URL, such as `https://media.example.org/photos/`.
        max_bytes: The maximum size of an image in bytes.
        timeout: The maximum number of seconds for a fetch, including redirects.
        allow_private: Whether the server's address may belong to a private network or to this
            machine.
    """

    def __init__(self, base: str, *, max_bytes: int, timeout: float, allow_private: bool) -> None:
        self._base = base.rstrip("/") + "/"
        self._max_bytes = max_bytes
        self._timeout = timeout
        # The setting allows private addresses only for the origin, not for its redirects.
        private = [_http.Origin.of(base)] if allow_private else []
        self._client = _http.Client(private_origins=private, max_redirects=MAX_REDIRECTS)

    def get(self, name: str) -> Original:
        """See `Source.get`."""
        if not is_plain(name):
            raise FileNotFound(f"{name!r} does not name an image below {self._base}")
        url = self._base + encode_path(name)
        with _errors(url), contextlib.ExitStack() as stack:
            response = stack.enter_context(
                self._client.request(
                    "GET", url, timeout=self._timeout, headers=_HEADERS, max_bytes=self._max_bytes
                )
            )
            if response.status in {404, 410}:
                raise FileNotFound(f"{url} responded with {response.status}")
            if response.status != HTTPStatus.OK:
                raise SourceUnavailable(f"{url} responded with {response.status}")
            modified = parse_http_date(response.headers.get("last-modified", ""))

            def prolong() -> None:
                response.prolong(self._timeout)

            close = stack.pop_all().close
            fetch = _Fetch(
                response.read, close, name=url, max_bytes=self._max_bytes, prolong=prolong
            )
            return fetch.original(modified)

    def state(self, name: str) -> str | None:
        """See `Source.state`: always `None`, because only the origin knows the state."""

    def version(self, name: str) -> str | None:
        """See `Source.version`: always `None`, because a page must not wait for the origin."""

    def names(self, prefix: str) -> Iterator[str]:  # noqa: ARG002
        """See `Source.names`. This source can't list its files."""
        raise ConfigError(f"{self._base} can't be listed: pass the names of its images")


class _Fetch(StreamedOriginal):
    """An image whose remaining bytes may be fetched later.

    Args:
        prolong: Restarts the time limit, since the image may have waited for other renders.
    """

    def __init__(self, *arguments: Any, prolong: Callable[[], None], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._prolong = prolong

    def rest(self) -> Image:
        self._prolong()
        with _errors(self.name):
            return super().rest()


@contextlib.contextmanager
def _errors(url: str) -> Iterator[None]:
    try:
        yield
    except _http.TooLarge as error:
        raise ImageTooLarge(f"{url}: {error}") from error
    except _http.PrivateAddress as error:
        raise SourceUnavailable(
            f"{url} can't be fetched: {error}; only the origin may have a private address, and "
            "only with XACCEL['THUMBNAIL_SOURCE_PRIVATE']"
        ) from error
    except _http.RequestFailed as error:
        raise SourceUnavailable(f"{url} can't be fetched: {error}") from error
