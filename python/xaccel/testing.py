"""Assertions for the tests of your app: does the web server send this file?

    def test_members_get_the_video(client):
        assert_offloaded(client.get("/video/1"), "/srv/videos/1.mp4")

They work for every server, with the responses of the test clients of Flask (and Werkzeug),
Django, Starlette and FastAPI, and of httpx.
"""

from __future__ import annotations

import os
from typing import Any

from xaccel.delivery.files import Delivery
from xaccel.exceptions import ConfigError, FileNotFound
from xaccel.servers.dialects import Dialect, is_offload_header

__all__ = ["assert_not_offloaded", "assert_offloaded"]


def assert_offloaded(
    response: Any, path: Any, *, root: str | os.PathLike[str] | None = None
) -> None:
    """Assert that the app makes the web server send this file, and sends nothing itself.

    Args:
        response: The response of the test client.
        path: The file, as in `send_private_file()`: a path, absolute or relative to a root; a URL
            below one of `REMOTES`; or with Django a file of a model's field or of a storage.
        root: The directory of a relative path; not needed if there is only one root.

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
            f"the app itself sent {len(_content(response))} bytes: its response has no header that "
            f"makes a server send {path!s}"
        )
    if not any(_spellings(value) & found.get(name, set()) for name, value in expected):
        right = " or ".join(sorted(f"{name}: {_shown(value)}" for name, value in expected))
        raise AssertionError(f"expected {right}, not {_listed(found)}")
    content = _content(response)
    if content:
        raise AssertionError(
            f"the server sends {path!s}, but the app sent {len(content)} bytes, too"
        )


def assert_not_offloaded(response: Any) -> None:
    """Assert that the app makes no web server send a file.

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
    """The headers of this file for every set of settings in use, and their dialects."""
    headers: set[tuple[str, str]] = set()
    senders: list[Dialect] = []
    for delivery in Delivery.in_use():
        try:
            offload = delivery.offload(path, root=root)
        except (ConfigError, FileNotFound):
            continue
        senders.append(delivery.dialect)
        # The first names the file; others may say how to send it.
        headers.update((name.lower(), value) for name, value in offload[:1])
    return headers, senders


def _why_nobody_sends(path: str | os.PathLike[str], senders: list[Dialect]) -> str:
    if not senders:
        return (
            f"no server sends {path!s}: it is not a file under one of XACCEL['ROOTS'] or below one "
            "of XACCEL['REMOTES']"
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


def _spellings(value: str) -> set[str]:
    """A header's value as clients show it: some decode it as Latin-1, others as UTF-8."""
    return {value, _shown(value)}


def _shown(value: str) -> str:
    try:
        return value.encode("latin-1").decode(errors="replace")
    except UnicodeEncodeError:
        return value


def _listed(headers: dict[str, set[str]]) -> str:
    return ", ".join(f"{name}: {_shown(value)}" for name in headers for value in headers[name])


def _content(response: Any) -> bytes:
    """The content of a response of any test client."""
    for name in ("get_data", "getvalue"):
        if hasattr(response, name):
            return bytes(getattr(response, name)())
    return bytes(response.content)
