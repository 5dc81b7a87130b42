"""Helpers to test which files the web server sends, and which thumbnails your app uses.

    def test_members_get_the_video(client):
        assert_offloaded(client.get("/video/1"), "/srv/videos/1.mp4")

    @override_thumbnails()
    def test_the_page_shows_every_photo(client):
        Photo.objects.create(image="a.jpg")  # there is no such file

The assertions work with every server. They accept responses from httpx and from the test clients of
Flask (and Werkzeug), Django, Starlette and FastAPI.
"""

from __future__ import annotations

import inspect
import os
import struct
import urllib.parse
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar, cast
from unittest import mock

from xaccel._core import Spec, thumbnail
from xaccel.delivery.files import Delivery
from xaccel.delivery.origins import is_object, is_url
from xaccel.delivery.request import Request
from xaccel.delivery.response import Headers, Response
from xaccel.exceptions import ConfigError, FileNotFound
from xaccel.servers.dialects import Dialect, is_offload_header
from xaccel.thumbnails.delivery import RequestedThumbnail, ThumbnailDelivery
from xaccel.thumbnails.placeholders import ABSENT, Placeholders
from xaccel.thumbnails.rows import PlaceholderKind

__all__ = ["assert_not_offloaded", "assert_offloaded", "make_image", "override_thumbnails"]

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def override_thumbnails() -> OverriddenThumbnails:
    """Disable rendering. Use it as a context manager or as a decorator, also in async tests.

    Every valid request for a thumbnail gets a one-pixel picture, even if the image does not exist.
    No image is read, and nothing is stored in `THUMBNAIL_CACHE`. `placeholder` returns a
    transparent pixel unless the image's database row contains a placeholder. URLs and signatures
    do not change.

    The context manager returns a list of the requested thumbnails. Each item is a pair of the
    image's name (for a private image, its path) and the spec.
    """
    return OverriddenThumbnails()


class OverriddenThumbnails:
    """See `override_thumbnails`."""

    def __enter__(self) -> list[tuple[str, Spec]]:
        """Start the override, and return the list to which requested thumbnails are added."""
        requested: list[tuple[str, Spec]] = []

        def respond(_: ThumbnailDelivery, wanted: RequestedThumbnail, request: Request) -> Response:
            requested.append((wanted.name, wanted.spec))
            content = make_image(1, 1, format=wanted.image_format)
            headers = (*wanted.headers, ("Content-Length", str(len(content))))
            return Response(200, headers, b"" if request.conditions.method == "HEAD" else content)

        self._stack = ExitStack()
        for patch in (
            mock.patch.object(ThumbnailDelivery, "respond", respond),
            mock.patch.object(Placeholders, "read", _absent),
        ):
            self._stack.enter_context(patch)
        return requested

    def __exit__(self, *_: object) -> None:
        """End the override."""
        self._stack.close()

    def __call__(self, test: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        """Decorate a test."""
        if inspect.iscoroutinefunction(test):

            @wraps(test)
            async def wait(*args: Any, **keywords: Any) -> Any:
                with OverriddenThumbnails():
                    return await test(*args, **keywords)

            return cast("Callable[_Arguments, _Result]", wait)

        @wraps(test)
        def call(*args: _Arguments.args, **keywords: _Arguments.kwargs) -> _Result:
            with OverriddenThumbnails():
                return test(*args, **keywords)

        return call


@lru_cache(maxsize=64)
def make_image(width: int, height: int, *, format: str = "jpeg", orientation: int = 1) -> bytes:  # noqa: A002
    """Return a single-colour image to upload in tests. This needs neither Pillow nor a file.

    Args:
        width: The stored width in pixels, before the orientation is applied.
        height: The stored height in pixels, before the orientation is applied.
        format: `"jpeg"`, `"png"`, `"webp"`, `"avif"` or `"gif"`.
        orientation: The EXIF orientation, 1 to 8, for JPEG only. Phones store portrait photos with
            orientation 6.

    Raises:
        ValueError: The format does not support an orientation.
    """
    made = thumbnail(_PIXEL, width, height, fit="fill", upscale=True, format=format).data
    if orientation == 1:
        return made
    if format != "jpeg":
        raise ValueError(f"only a JPEG can have an orientation here, not {format!r}")
    # A TIFF header and one directory with one entry: the orientation, a SHORT.
    exif = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return made[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + made[2:]


def _absent(_: Placeholders, name: str, kind: PlaceholderKind | None = None) -> str:  # noqa: ARG001
    """Stands in for `Placeholders.read`."""
    return ABSENT[kind]


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


_PIXEL = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\x33\x99\xcc"))
    + _chunk(b"IEND", b"")
)
"""A PNG of one pixel."""


def assert_offloaded(
    response: Any, path: Any, *, root: str | os.PathLike[str] | None = None
) -> None:
    """Assert that the app makes the web server send this file, and does not send a body itself.

    If `path` is the URL of a thumbnail, the file is the thumbnail in `THUMBNAIL_CACHE`. Request the
    URL first, outside of `override_thumbnails()`, so that the thumbnail is rendered.

    Args:
        response: The response from the test client.
        path: The file, as in `send_private_file()`: a path, absolute or relative to a root; a URL
            below one of `REMOTES`; the URL of a public thumbnail; or, with Django, a file from a
            model field or a storage.
        root: The root that a relative path belongs to. Not needed if there is only one root.

    Raises:
        AssertionError: The message describes the app's response.
    """
    __tracebackhide__ = True
    found = _offload_headers(response)
    path = _path_of(path)
    expected, senders = _expected(path, root)
    if response.status_code != 200:  # noqa: PLR2004
        raise AssertionError(f"expected {path!s}, but the status is {response.status_code}")
    if not expected:
        raise AssertionError(_why_nobody_sends(path, senders))
    if not found:
        raise AssertionError(
            f"the app sent {len(_content(response))} bytes: its response has no header that "
            f"makes a server send {path!s}"
        )
    if is_url(path) and is_object(str(path)):
        expected = {(name, _unsigned(value)) for name, value in expected}
        found = {name: set(map(_unsigned, values)) for name, values in found.items()}
    if not any(_spellings(value) & found.get(name, set()) for name, value in expected):
        right = " or ".join(sorted(f"{name}: {_shown(value)}" for name, value in expected))
        raise AssertionError(f"expected {right}, not {_listed(found)}")
    content = _content(response)
    if content:
        raise AssertionError(
            f"the server sends {path!s}, but the app also sent {len(content)} bytes"
        )


def assert_not_offloaded(response: Any) -> None:
    """Assert that the response does not make a web server send a file.

    Raises:
        AssertionError: The message names the header.
    """
    __tracebackhide__ = True
    found = _offload_headers(response)
    if found:
        raise AssertionError(f"the app makes a server send a file: {_listed(found)}")


def _path_of(file: Any) -> str | os.PathLike[str]:
    if isinstance(file, str | os.PathLike):
        return file
    from xaccel.django.files import path_of  # noqa: PLC0415 - only for Django's files

    return path_of(file)


def _expected(
    path: str | os.PathLike[str], root: str | os.PathLike[str] | None
) -> tuple[set[tuple[str, str]], list[Dialect]]:
    """Return the headers for this file under all settings in use, and the servers' dialects."""
    headers: set[tuple[str, str]] = set()
    senders: list[Dialect] = []
    for delivery in Delivery.in_use():
        try:
            offload = delivery.offload(path, root=root)
        except (ConfigError, FileNotFound):
            continue
        senders.append(delivery.dialect)
        # The first header names the file. The others may describe how to send it.
        headers.update((name.lower(), value) for name, value in offload[:1])
    for dialect, offload in _thumbnails(os.fspath(path)):
        senders.append(dialect)
        headers.update((name.lower(), value) for name, value in offload[:1])
    return headers, senders


def _thumbnails(url: str) -> Iterator[tuple[Dialect, Headers]]:
    """For each cache that contains a URL's thumbnail, yield the dialect and the headers."""
    path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    for delivery in ThumbnailDelivery.in_use():
        # The browser chooses the format of `auto`.
        for ending in ("", *(f".{name}" for name in ("avif", "webp", "jpeg", "png", "gif"))):
            try:
                yield delivery.dialect, delivery.offload(path + ending)
            except (FileNotFound, OSError, ValueError):
                # Not every file path can be the path of a thumbnail.
                continue


def _why_nobody_sends(path: str | os.PathLike[str], senders: list[Dialect]) -> str:
    if not senders:
        return (
            f"no server sends {path!s}: it is neither a file under one of XACCEL['ROOTS'], nor a "
            "URL below one of XACCEL['REMOTES'], nor a thumbnail in XACCEL['THUMBNAIL_CACHE']"
        )
    names = {dialect.title for dialect in senders if dialect.offloads}
    if not names:
        return (
            f"no server sends {path!s}: XACCEL['SERVER'] is {senders[0].name!r}; for this test, "
            "set it to the server of the deployment, such as 'nginx'"
        )
    return f"no server sends {path!s}: its name can't be passed to {' or '.join(sorted(names))}"


def _offload_headers(response: Any) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, value in response.headers.items():
        if is_offload_header(name):
            found.setdefault(name.lower(), set()).add(value)
    return found


def _unsigned(value: str) -> str:
    """Return a header's value without the signed URL, which changes from time to time."""
    return value.partition("?")[0]


def _spellings(value: str) -> set[str]:
    """Return all forms of a header's value: some test clients decode Latin-1, and others UTF-8."""
    return {value, _shown(value)}


def _shown(value: str) -> str:
    try:
        return value.encode("latin-1").decode(errors="replace")
    except UnicodeEncodeError:
        return value


def _listed(headers: dict[str, set[str]]) -> str:
    return ", ".join(f"{name}: {_shown(value)}" for name in headers for value in headers[name])


def _content(response: Any) -> bytes:
    """Return the content of a response from any test client."""
    for name in ("get_data", "getvalue"):
        if hasattr(response, name):
            return bytes(getattr(response, name)())
    return bytes(response.content)
