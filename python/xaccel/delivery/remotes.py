"""Files on other HTTP servers: which URLs are allowed, and their internal URLs.

The web server proxies a *remote* at an internal prefix. A remote is an origin with a path, such as
`https://media.internal/videos/`, or a bucket with a prefix, such as `s3://bucket/videos/`. Only
URLs below a configured remote are allowed, so the server is not an open proxy.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xaccel._core import encode_path
from xaccel._hints import shown
from xaccel.delivery.origins import (
    PORTS,
    Remote,
    RemoteFile,
    encode,
    is_object,
    no_such_bucket,
)
from xaccel.exceptions import ConfigError, FileNotFound
from xaccel.servers.dialects.values import has_control

if TYPE_CHECKING:
    from xaccel.delivery.buckets import BucketRemotes

_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
# RFC 3986, section 3.4.
_QUERY = "/!&'()*+,;=:@$?%"


class RemoteMap:
    """The remotes of an app. The longest match wins, and only whole path components match.

    Args:
        remotes: The setting `REMOTES`.
        s3: The setting `S3`.

    Raises:
        ConfigError: A URL or a prefix is invalid.
    """

    def __init__(self, remotes: Mapping[str, str], s3: Mapping[str, Any] | None = None) -> None:
        found = [_remote(url, prefix) for url, prefix in remotes.items() if not is_object(url)]
        self._origins = sorted(found, key=lambda remote: len(remote.path), reverse=True)
        self._buckets: BucketRemotes | None = None
        buckets = {url: prefix for url, prefix in remotes.items() if is_object(url)}
        if buckets:
            # An app without buckets does not load this module.
            from xaccel.delivery.buckets import BucketRemotes  # noqa: PLC0415

            self._buckets = BucketRemotes(buckets, s3 or {})

    @property
    def remotes(self) -> list[Remote]:
        """All remotes."""
        return [*self._origins, *(self._buckets.remotes if self._buckets is not None else ())]

    def check_keys(self) -> None:
        """Refuse a bucket without keys.

        Raises:
            ConfigError: The settings contain no keys for a bucket, or a key is invalid.
        """
        if self._buckets is not None:
            self._buckets.check_keys()

    def find(self, url: str) -> RemoteFile:
        """Return the file for a URL, such as `https://media.internal/a b.mp4?signature=…`.

        Characters are percent-encoded if necessary. The query is not changed. Do not percent-encode
        the key of an object, as in `s3://bucket/a b.mp4`.

        Raises:
            ConfigError: No remote is configured for the bucket in the URL.
            FileNotFound: The URL is not below a remote, or is ambiguous.
        """
        if is_object(url):
            if self._buckets is None:
                raise no_such_bucket(url)
            return self._buckets.find(url)
        try:
            scheme, host, port, path, query = _split(url)
        except ValueError as error:
            raise FileNotFound(f"{shown(url)} may not be sent: {error}") from None
        for remote in self._origins:
            base = remote.path.encode()
            if (scheme, host, port) == (remote.scheme, remote.host, remote.port):
                rest = path[len(base) :] if path.startswith(base) else b""
                if rest and not rest.endswith(b"/"):
                    suffix = f"?{query}" if query else ""
                    return RemoteFile(
                        remote,
                        encode(path) + suffix,
                        encode_path(remote.prefix) + encode(rest) + suffix,
                        rest.rpartition(b"/")[2].decode(errors="replace"),
                    )
        raise FileNotFound(
            f"{shown(url)} may not be sent: it is not below any of XACCEL['REMOTES']"
        )


def _remote(url: str, prefix: str) -> Remote:
    try:
        scheme, host, port, path, query = _split(url)
        base = path.decode()
    except ValueError as error:
        raise ConfigError(f"XACCEL['REMOTES']: {shown(url)} is invalid: {error}") from None
    if query or not base.endswith("/"):
        raise ConfigError(
            f"XACCEL['REMOTES']: {shown(url)} must be a URL prefix that ends in a slash, such as "
            "'https://media.internal/videos/'"
        )
    return Remote(scheme, host, port, base, prefix)


def _split(url: str) -> tuple[str, str, int, bytes, str]:
    """Return the scheme, host, port, decoded path and encoded query of an unambiguous URL.

    Raises:
        ValueError: The URL is ambiguous or invalid; the message says why.
    """
    if has_control(url) or "\\" in url:
        raise ValueError("it contains a control character or a backslash")
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        # The original message would reveal the part before the path, which may include a password.
        raise ValueError("its host or its port is invalid") from None
    scheme = parts.scheme.lower()
    if scheme not in PORTS:
        raise ValueError("it is not an http: or https: URL")
    if "@" in parts.netloc or "#" in url:
        raise ValueError("it contains a user or a fragment")
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(host):
        raise ValueError("its host is not an ASCII name")
    if "%2f" in parts.path.lower():
        raise ValueError("it contains an encoded slash, which a server would decode")
    path = urllib.parse.unquote_to_bytes(parts.path)
    parents = path.removesuffix(b"/").split(b"/")
    if not path.startswith(b"/") or {b"", b".", b".."} & set(parents[1:]):
        raise ValueError("its path contains an empty part, '.' or '..'")
    if any(byte < 0x20 or byte in b"\x7f\\" for byte in path):  # noqa: PLR2004
        raise ValueError("its path contains a control character or a backslash")
    return (
        scheme,
        host,
        port or PORTS[scheme],
        path,
        urllib.parse.quote(parts.query, safe=_QUERY),
    )
