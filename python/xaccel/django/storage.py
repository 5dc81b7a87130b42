"""A storage for private uploads."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cached_property

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

from xaccel.django import conf
from xaccel.django.default_source import PrivateFiles
from xaccel.exceptions import ConfigError


@deconstructible(path="xaccel.django.storage.PrivateStorage")
class PrivateStorage(PrivateFiles, FileSystemStorage):
    """Keeps files in a directory under one of `ROOTS`; their URLs are signed links.

        STORAGES = {
            "invoices": {
                "BACKEND": "xaccel.django.storage.PrivateStorage",
                "OPTIONS": {"location": "/srv/invoices", "expires_in": 600},
            },
        }

    The directory must be outside `MEDIA_ROOT`, which the web server shows to everyone.

    Args:
        location: The directory. Optional if `ROOTS` has one directory.
        expires_in: How long a URL is valid at least, in seconds; with `None` it never expires.
        as_attachment: Whether browsers save the file instead of showing it.
        file_permissions_mode: See `FileSystemStorage`.
        directory_permissions_mode: See `FileSystemStorage`.
    """

    def __init__(
        self,
        location: str | os.PathLike[str] | None = None,
        *,
        expires_in: int | timedelta | None = 3600,
        as_attachment: bool = False,
        file_permissions_mode: int | None = None,
        directory_permissions_mode: int | None = None,
    ) -> None:
        super().__init__(
            None if location is None else os.fspath(location),
            file_permissions_mode=file_permissions_mode,
            directory_permissions_mode=directory_permissions_mode,
        )
        self._only_root = location is None
        self._expires_in = expires_in
        self._as_attachment = as_attachment

    @cached_property
    def base_location(self) -> str | os.PathLike[str]:
        """The directory, as given.

        Raises:
            ConfigError: No `location` was given, and `ROOTS` does not have exactly one directory.
        """
        if not self._only_root:
            return super().base_location
        # Not conf.config(), which looks at the default storage.
        roots = [os.fspath(root) for root in getattr(settings, "XACCEL", {}).get("ROOTS", {})]
        if len(roots) != 1:
            raise ConfigError(
                f"XACCEL['ROOTS'] has {len(roots)} directories: "
                "PrivateStorage needs OPTIONS = {'location': …}"
            )
        return str(roots[0])

    def url(self, name: str | None) -> str:
        """A signed link to a file, see `Delivery.private_url`.

        Raises:
            ConfigError: `PRIVATE_URL` is not set.
        """
        return conf.delivery().private_url(
            self.path(name or ""),
            expires_in=self._expires_in,
            as_attachment=self._as_attachment,
        )
