"""Finds the signer for a bucket's requests, with keys that are currently valid."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from xaccel._core import S3Signer
from xaccel._s3.errors import S3Unavailable
from xaccel._s3.settings import BucketSettings, Keys
from xaccel.exceptions import ConfigError


class Signers:
    """Returns the signer for a bucket's requests.

    If neither the settings nor the environment contain keys, botocore gets them from its
    configuration files, the machine's role or a web identity. botocore refreshes temporary keys
    before they expire.

    Raises:
        ConfigError: No keys are set, and botocore is not installed; or a key is invalid.
    """

    def __init__(self, settings: BucketSettings) -> None:
        self._settings = settings
        self._fixed = None if settings.keys is None else settings.signer(settings.keys)
        self._latest: tuple[Keys, S3Signer] | None = None
        self._found: tuple[int, Any] | None = None
        if self._fixed is None and importlib.util.find_spec("botocore") is None:
            raise ConfigError(
                f"the bucket {settings.bucket!r} has no keys: set 'access_key' and 'secret_key' in "
                "XACCEL['S3'], or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment; "
                "or install 'xaccel[s3]' to use keys from profiles, machine roles or web identity"
            )

    def get(self) -> S3Signer:
        """Return the signer for a request that is sent now.

        Raises:
            S3Unavailable: botocore can't find or refresh the keys.
        """
        if self._fixed is not None:
            return self._fixed
        keys = self._current_keys()
        latest = self._latest
        if latest is None or latest[0] != keys:
            # Threads may do this at the same time, with the same result.
            self._latest = latest = (keys, self._settings.signer(keys))
        return latest[1]

    def _current_keys(self) -> Keys:
        # botocore is an optional dependency.
        from botocore.exceptions import (  # type: ignore[import-untyped] # noqa: PLC0415
            BotoCoreError,
            ClientError,
        )
        from botocore.session import Session  # type: ignore[import-untyped] # noqa: PLC0415

        found = self._found
        try:
            # After a fork, the lock on the credentials may be held by a thread of the parent.
            if found is None or found[0] != os.getpid():
                self._found = found = (os.getpid(), Session().get_credentials())
            frozen = None if found[1] is None else found[1].get_frozen_credentials()
        # botocore raises ClientError if the refresh is refused, and RuntimeError if the refreshed
        # keys have expired as well.
        except (BotoCoreError, ClientError, RuntimeError, OSError, ValueError, KeyError) as error:
            raise S3Unavailable(
                f"botocore can't get the keys of the bucket {self._settings.bucket!r}: "
                f"{type(error).__name__}"
            ) from None
        if frozen is None or not frozen.access_key or not frozen.secret_key:
            self._found = None
            raise S3Unavailable(
                f"botocore found no keys for the bucket {self._settings.bucket!r}: set "
                "them in XACCEL['S3'], in the environment or in a profile"
            )
        return Keys(frozen.access_key, frozen.secret_key, frozen.token or None)
