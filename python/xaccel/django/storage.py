"""A storage for private uploads."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

from xaccel._log import fields, one_line
from xaccel.django import conf
from xaccel.exceptions import ConfigError, XaccelError

_logger = logging.getLogger("xaccel.django")


@deconstructible(path="xaccel.django.storage.PrivateStorage")
class PrivateStorage(FileSystemStorage):
    """Stores files in a directory under one of `ROOTS`. Their URLs are signed links.

        STORAGES = {
            "invoices": {
                "BACKEND": "xaccel.django.storage.PrivateStorage",
                "OPTIONS": {"location": "/srv/invoices", "expires_in": 600},
            },
        }

    The directory must be outside `MEDIA_ROOT`, which the web server serves to everyone.

    Args:
        location: The directory. Optional if `ROOTS` has one directory.
        expires_in: The minimum number of seconds for which a URL is valid; with `None`, URLs never
            expire.
        as_attachment: Whether browsers save the file instead of showing it.
        base_url: A prefix for the links, such as `https://files.example.com` if another host serves
            them; by default, there is no prefix.
        file_permissions_mode: See `FileSystemStorage`.
        directory_permissions_mode: See `FileSystemStorage`.
        allow_overwrite: Whether a new file replaces an existing file with the same name; requires
            Django 5.1 or later.
    """

    private = True
    """If a storage has this attribute, its files have no public thumbnails."""

    def __init__(
        self,
        location: str | os.PathLike[str] | None = None,
        *,
        expires_in: int | timedelta | None = 3600,
        as_attachment: bool = False,
        base_url: str | None = None,
        file_permissions_mode: int | None = None,
        directory_permissions_mode: int | None = None,
        allow_overwrite: bool = False,
    ) -> None:
        # Earlier versions of Django do not support this argument.
        overwrite: dict[str, Any] = {"allow_overwrite": True} if allow_overwrite else {}
        super().__init__(
            None if location is None else os.fspath(location),
            file_permissions_mode=file_permissions_mode,
            directory_permissions_mode=directory_permissions_mode,
            **overwrite,
        )
        self._site = (base_url or "").rstrip("/")
        self._only_root = location is None
        self._expires_in = expires_in
        self._as_attachment = as_attachment

    @cached_property
    def base_location(self) -> str | os.PathLike[str]:
        """The directory, exactly as given.

        Raises:
            ConfigError: No `location` was given, and `ROOTS` does not contain exactly one
                directory.
        """
        if not self._only_root:
            return super().base_location
        # conf.config() can't be used here, because it depends on the default storage.
        roots = [os.fspath(root) for root in getattr(settings, "XACCEL", {}).get("ROOTS", {})]
        if len(roots) != 1:
            raise ConfigError(
                f"XACCEL['ROOTS'] has {len(roots)} directories: "
                "PrivateStorage needs OPTIONS = {'location': …}"
            )
        return str(roots[0])

    def url(self, name: str | None) -> str:
        """Return a signed link to a file; see `Delivery.private_url`.

        If a name can't have a link, for example because it contains a NUL, the URL is an empty
        string and the error is logged. One such upload then does not make a whole page fail.

        Raises:
            ConfigError: `PRIVATE_URL` is not set, or the directory is not under one of `ROOTS`.
        """
        delivery = conf.delivery()
        if delivery.path_map.find(os.path.join(self.location, "x")) is None:  # noqa: PTH118
            raise ConfigError(
                f"{self.location!r}, the directory of a PrivateStorage, is not under one of "
                "XACCEL['ROOTS']"
            )
        try:
            return delivery.private_url(
                self.path(name or ""),
                expires_in=self._expires_in,
                as_attachment=self._as_attachment,
                origin=self._site,
            )
        except ConfigError:
            raise
        except (XaccelError, ValueError, SuspiciousFileOperation) as error:
            _logger.warning(
                "%r can't have a link: %s",
                name,
                one_line(error),
                extra=fields("no_link", source=name, error=type(error).__name__),
            )
            return ""
