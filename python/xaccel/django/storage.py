"""A storage of private files: uploads that nobody gets at without being allowed to."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cached_property

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

from xaccel.django import conf
from xaccel.exceptions import ConfigError


@deconstructible(path="xaccel.django.storage.PrivateStorage")
class PrivateStorage(FileSystemStorage):
    """Keeps files in a directory under one of `ROOTS`; their URLs are signed links.

        STORAGES = {
            "invoices": {
                "BACKEND": "xaccel.django.storage.PrivateStorage",
                "OPTIONS": {"location": "/srv/invoices", "expires_in": 600},
            },
        }

    The directory must not lie in `MEDIA_ROOT`, which the web server shows to everybody.

    Args:
        location: The directory; not needed when there is one root only.
        expires_in: Seconds for which a file's URL is good, at least; `None` is for ever.
        as_attachment: Whether the URL makes the browser save the file rather than show it.
        file_permissions_mode: As of `FileSystemStorage`.
        directory_permissions_mode: As of `FileSystemStorage`.
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
        """The directory as it was given.

        Raises:
            ConfigError: None was given, and there is not one root only.
        """
        if not self._only_root:
            return super().base_location
        # Not the checked settings: those look at the default storage.
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
