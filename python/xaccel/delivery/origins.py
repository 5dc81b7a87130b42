"""Files on other servers, and what the web server needs to know to fetch them."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field

from xaccel._hints import shown
from xaccel.exceptions import ConfigError

PORTS = {"http": 80, "https": 443}
"""The default ports of the schemes."""

# The characters in RFC 3986, section 3.3, except the dollar sign, which starts a variable in nginx.
_PATH = "/!&'()*+,;=:@"


@dataclass(frozen=True, slots=True)
class Remote:
    """An origin with a base path, and the internal prefix at which it is proxied."""

    scheme: str
    host: str
    port: int
    path: str
    """The decoded base path of the files, with its final slash."""
    prefix: str
    """The internal URL prefix, such as `/_remote/media/`."""
    is_bucket: bool = False
    """Whether the remote is a bucket. If so, the app signs each request to it."""

    @property
    def authority(self) -> str:
        """The host, followed by the port if it is not the scheme's default."""
        return self.host if self.port == PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL of the files."""
        return f"{self.scheme}://{self.authority}{encode(self.path.encode())}"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on a remote."""

    remote: Remote
    path: str
    """The path and the query of the file's URL on the remote, percent-encoded."""
    internal_url: str
    """The URL at which the web server proxies the file, percent-encoded."""
    name: str
    """The last part of the file's path, decoded."""
    sign: Callable[[str], RemoteFile] | None = field(default=None, repr=False)
    """Returns the file with URLs that are signed for a given method; see `signed()`."""

    def signed(self, method: str) -> RemoteFile:
        """Return the file with URLs that are valid for a request with this method.

        Only the URLs of files in buckets change. These URLs are secret, and expire within minutes.

        Raises:
            RemoteError: No keys are currently available.
        """
        return self if self.sign is None else self.sign(method)


def is_url(path: object) -> bool:
    """Whether the name of a file is a URL."""
    return isinstance(path, str) and path.lower().startswith(("http://", "https://", "s3://"))


def is_object(url: str) -> bool:
    """Whether a URL names an object in a bucket, or a prefix of objects."""
    return url.lower().startswith("s3://")


def no_such_bucket(url: str) -> ConfigError:
    """Return the error for an object whose bucket is not configured as a remote."""
    return ConfigError(
        f"{shown(url)} may not be sent: XACCEL['REMOTES'] does not contain its bucket; add it with "
        "an internal prefix, as in {'s3://bucket/': '/_remote/media/'}"
    )


def encode(path: bytes) -> str:
    """Percent-encode a path."""
    return urllib.parse.quote(path, safe=_PATH)
