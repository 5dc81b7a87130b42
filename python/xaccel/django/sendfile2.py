"""The `sendfile()` of django-sendfile2, with its settings, implemented with xaccel's delivery.

Write `from xaccel.django.sendfile2 import sendfile` instead of `from django_sendfile import
sendfile`. You can keep the settings `SENDFILE_BACKEND`, `SENDFILE_ROOT` and `SENDFILE_URL`. Other
settings, such as `FOLLOW_SYMLINKS`, are in `settings.XACCEL`.
"""

from __future__ import annotations

import mimetypes
import os
from functools import cache
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from xaccel.delivery.files import Delivery
from xaccel.delivery.presentation import FileOptions
from xaccel.django import conf
from xaccel.django.http import facts, to_django
from xaccel.exceptions import ConfigError, FileNotFound
from xaccel.servers.dialects import DIALECTS

__all__ = ["sendfile"]


def sendfile(  # noqa: PLR0917 - as in django-sendfile2
    request: HttpRequest,
    filename: str | os.PathLike[str],
    attachment: bool = False,  # noqa: FBT001, FBT002
    attachment_filename: str | Literal[False] | None = None,
    mimetype: str | None = None,
    encoding: str | None = None,
    content_length: int | None = None,  # noqa: ARG001 - the delivery knows it
) -> HttpResponseBase:
    """Respond with a file under `SENDFILE_ROOT`, sent by the method that `SENDFILE_BACKEND` names.

    Args:
        request: The request.
        filename: The path of the file, absolute or relative to `SENDFILE_ROOT`.
        attachment: Whether browsers save the file instead of showing it.
        attachment_filename: The name under which browsers save the file; `None` means its own
            name, and `False` means that no name is suggested.
        mimetype: The media type; by default, guessed from the file's name.
        encoding: The value of `Content-Encoding`. It is not guessed, because browsers would then
            unpack a `.tar.gz` file but save it under its old name.
        content_length: Ignored: the response always has the correct length.

    Raises:
        Http404: The file does not exist under `SENDFILE_ROOT`.
        ImproperlyConfigured: A setting is missing.
        ConfigError: A setting is invalid.
    """
    delivery = _delivery()
    path = os.path.normpath(Path(settings.SENDFILE_ROOT) / filename)
    # The type is sent unchanged: django-sendfile2 does not add a charset to it.
    headers = {"Content-Type": mimetype or _guess_type(path)}
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    if attachment_filename is None:
        attachment_filename = Path(path).name
    if not attachment_filename:
        headers["Content-Disposition"] = "attachment" if attachment else "inline"
    options = FileOptions(
        as_attachment=attachment,
        download_name=str(attachment_filename) if attachment_filename else None,
        headers=headers,
    )
    try:
        return to_django(delivery.private_file(path, facts(request), options))
    except FileNotFound as error:
        raise Http404(error.public_message) from None


@cache
def _delivery() -> Delivery:
    backend = _setting("SENDFILE_BACKEND")
    root = os.fspath(_setting("SENDFILE_ROOT"))
    # Without a URL, the nginx backend of django-sendfile2 redirects to the path itself.
    url = getattr(settings, "SENDFILE_URL", None) or root
    overrides = {
        "SERVER": _server(backend),
        "ROOTS": {root: f"/{os.fspath(url).strip('/')}/"},
        "REMOTES": {},
    }
    return Delivery(conf.config_with(overrides))


def _setting(name: str) -> Any:
    value = getattr(settings, name, None)
    if not value:
        raise ImproperlyConfigured(f"sendfile() needs the setting {name}")
    return value


def _server(backend: str) -> str:
    """Return the name of the server that a backend is for."""
    name = backend.rpartition(".")[2]
    if name in {"simple", "development"}:
        return "direct"
    if name == "xsendfile":
        # Several servers support this header, but they decode it in different ways.
        able = [each.name for each in DIALECTS.values() if "x-sendfile" in each.sendfile_types]
        chosen: str = getattr(settings, "XACCEL", {}).get("SERVER", "")
        return chosen if chosen in able else able[0]
    if name not in DIALECTS:
        raise ConfigError(
            f"SENDFILE_BACKEND {backend!r} does not work with xaccel: it must end in 'simple', "
            "'development', 'xsendfile' (which replaces 'mod_wsgi' and needs mod_xsendfile) or "
            f"one of {', '.join(map(repr, DIALECTS))}"
        )
    return name


def _guess_type(path: str) -> str:
    mimetype, encoding = mimetypes.guess_type(path)
    return "application/octet-stream" if mimetype is None or encoding is not None else mimetype


def _reset(*, setting: str, **_: Any) -> None:
    if setting.startswith("SENDFILE_") or setting in conf.SETTINGS:
        _delivery.cache_clear()


setting_changed.connect(_reset)
