"""Private files in buckets, which the web server fetches with presigned URLs."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from xaccel._core import encode_path
from xaccel._hints import shown
from xaccel._s3 import settings
from xaccel._s3.credentials import Signers
from xaccel._s3.errors import S3Unavailable
from xaccel._s3.settings import BucketSettings
from xaccel.delivery.origins import PORTS, Remote, RemoteFile, no_such_bucket
from xaccel.exceptions import ConfigError, FileNotFound, RemoteError
from xaccel.servers.dialects.values import has_control

LIFETIME = 300
"""The minimum validity of a presigned URL, in seconds. Only the web server sees the URL."""


class BucketRemotes:
    """The remotes in buckets. Each remote is a prefix in a bucket.

    Args:
        remotes: The internal URL prefix of each remote, keyed by a URL such as
            `s3://bucket/videos/`.
        s3: The setting `S3`.

    Raises:
        ConfigError: A URL is invalid.
    """

    def __init__(self, remotes: Mapping[str, str], s3: Mapping[str, Any]) -> None:
        places = [_place(url, prefix, s3) for url, prefix in remotes.items()]
        self._places = sorted(places, key=lambda place: len(place.base), reverse=True)

    @property
    def remotes(self) -> list[Remote]:
        """The remotes, with the addresses of their stores."""
        return [place.remote for place in self._places]

    def check_keys(self) -> None:
        """See `RemoteMap.check_keys`."""
        for place in self._places:
            _ = place.signers

    def find(self, url: str) -> RemoteFile:
        """See `RemoteMap.find`."""
        try:
            bucket, key = settings.parse_url(url)
        except ValueError as error:
            raise FileNotFound(f"{shown(url)} may not be sent: {error}") from None
        places = [place for place in self._places if place.settings.bucket == bucket]
        if not places:
            raise no_such_bucket(url)
        if has_control(key):
            raise FileNotFound(f"{shown(url)} may not be sent: it contains a control character")
        for place in places:
            rest = key.removeprefix(place.base)
            if key.startswith(place.base) and rest and not rest.endswith("/"):
                try:
                    return place.file(key)
                except ValueError as error:
                    raise FileNotFound(f"{shown(url)} may not be sent: {error}") from None
        raise FileNotFound(
            f"{shown(url)} may not be sent: it is not below any of XACCEL['REMOTES']"
        )


@dataclass(frozen=True)
class _Place:
    """A prefix in a bucket."""

    settings: BucketSettings
    base: str
    """The prefix, with its final slash; empty for the whole bucket."""
    remote: Remote

    @cached_property
    def signers(self) -> Signers:
        return Signers(self.settings)

    def file(self, key: str) -> RemoteFile:
        """Return the file for a key below the prefix.

        Raises:
            ValueError: The key can't be part of a URL.
        """
        path = _target(self.settings.url(key))
        rest = encode_path(self.remote.prefix + key.removeprefix(self.base))
        name = key.rpartition("/")[2]
        return RemoteFile(self.remote, path, rest, name, partial(self._signed, key))

    def _signed(self, key: str, method: str) -> RemoteFile:
        try:
            signer = self.signers.get()
        except S3Unavailable as error:
            raise RemoteError(str(error)) from None
        url = f"s3://{self.settings.bucket}/{key}"
        file = self.file(key)
        path = _target(signer.presign(method, url, expires_in=LIFETIME))
        # The web server sends the part after the question mark exactly as it was signed.
        return replace(file, path=path, internal_url=f"{file.internal_url}?{path}")


def _place(url: str, prefix: str, s3: Mapping[str, Any]) -> _Place:
    invalid = ConfigError(
        f"XACCEL['REMOTES']: {shown(url)} is invalid: it must be a URL prefix that ends in a "
        "slash, such as 's3://bucket/videos/'"
    )
    if not url.endswith("/") or has_control(url):
        raise invalid
    try:
        bucket, base = settings.parse_url(url)
        chosen = settings.for_bucket(s3, bucket)
        parts = urllib.parse.urlsplit(chosen.url(f"{base}x"))
    except ConfigError:
        raise
    except ValueError:
        raise invalid from None
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    path = urllib.parse.unquote(parts.path.removesuffix("x"))
    port = parts.port or PORTS[parts.scheme]
    remote = Remote(parts.scheme, host, port, path, prefix, is_bucket=True)
    return _Place(chosen, base, remote)


def _target(url: str) -> str:
    """Return the path and the query of a URL, without decoding them."""
    return url[url.index("/", url.index("://") + 3) :]
