"""The interface of a dialect, which tells the running app how to use a web server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from xaccel._core import Location
from xaccel.delivery.response import Headers


class Settings(Protocol):
    """The settings that `Dialect.check` reads. `xaccel.config.Config` provides all of them."""

    @property
    def server(self) -> str:
        """The name of the dialect."""

    @property
    def served_roots(self) -> Mapping[str, str]:
        """The directories from which the server sends files, each with its internal prefix."""

    @property
    def secret_keys(self) -> tuple[str | bytes, ...]:
        """The signing keys, newest first."""

    @property
    def signature(self) -> str | tuple[str, ...]:
        """The algorithm that signs URLs, or a tuple of accepted algorithms; the first one signs."""

    @property
    def private_url(self) -> str | None:
        """The public prefix of signed links to private files."""

    @property
    def thumbnail_source(self) -> str | None:
        """The location of the original images."""

    @property
    def thumbnail_sources(self) -> Mapping[str, str]:
        """Additional locations of original images, by the name of the source."""

    @property
    def thumbnail_cache(self) -> str | None:
        """The directory of finished thumbnails."""

    @property
    def thumbnail_engine(self) -> str:
        """The software that renders the thumbnails."""

    @property
    def thumbnail_only_presets(self) -> bool:
        """Whether the URLs of thumbnails are not signed, and only presets are served."""

    @property
    def has_thumbnail_endpoint(self) -> bool:
        """Whether the app itself responds to requests for thumbnails."""


class Dialect(Protocol):
    """Describes how to make a web server send a file, and what else the server can do.

    A dialect subclasses this protocol, overrides the defaults that do not apply, and is listed in
    `xaccel.servers.dialects.DIALECTS`.
    """

    name: ClassVar[str]
    """The server's name in `XACCEL["SERVER"]`."""
    title: ClassVar[str]
    """The server's name in sentences, such as error messages."""
    generator: ClassVar[str | None] = None
    """The module that generates the configuration; see `xaccel.servers.generators.Generator`."""

    offloads: ClassVar[bool] = True
    """Whether there is a web server. Without one, the app sends every file."""
    sendfile_types: ClassVar[tuple[str, ...]] = ()
    """The values of `X-Sendfile-Type` that select this server, in lower case. Each value is also
    the name of the response header that identifies the file to send."""
    takes_urls: ClassVar[bool] = False
    """Whether that header contains the file's internal URL, which requires a mapping. Otherwise, it
    contains the file's path."""
    header_prefixes: ClassVar[tuple[str, ...]] = ()
    """The prefixes of the response headers that control the server, in lower case. Such headers
    are removed from an app's response unless xaccel has set them."""
    harmless_headers: ClassVar[frozenset[str]] = frozenset()
    """The headers with such a prefix that an app may set, in lower case."""
    supports_remotes: ClassVar[bool] = False
    """Whether files on `REMOTES` can be sent, either with `redirect()` or by the app itself."""
    supports_limit_rate: ClassVar[bool] = False
    """Whether the server can limit the rate of one response."""
    etag_is_ours: ClassVar[bool] = True
    """Whether visitors get the ETag from `Validators.of_file`, so that the app can evaluate
    preconditions."""
    sends_thumbnails: ClassVar[bool] = False
    """Whether the generated configuration sends finished thumbnails without asking the app."""
    answers_uploads_late: ClassVar[bool] = False
    """Whether the server reads an upload up to the limit before it rejects the upload as too
    large."""

    def offload(self, location: Location, *, limit_rate: int | None) -> Headers | None:
        """Return the headers that make the server send a file; `None` if the app has to send it.

        The header that identifies the file comes first. Its value is encoded as this server
        expects.

        Args:
            location: The file.
            limit_rate: Bytes per second; `None` unless the dialect `supports_limit_rate`.
        """

    def redirect(
        self,
        url: str,  # noqa: ARG002
        *,
        limit_rate: int | None,  # noqa: ARG002
    ) -> Headers | None:
        """Return the headers that tell the server to proxy a file; `None` if the app fetches it.

        This method is called only if the dialect `supports_remotes`.

        Args:
            url: The percent-encoded internal URL of a file on a remote.
            limit_rate: Bytes per second; `None` unless the dialect `supports_limit_rate`.
        """
        return None

    def check(self, settings: Settings) -> None:
        """Refuse settings that the server's configuration can't express.

        Raises:
            ConfigError: The configuration can't express a setting. The message names the setting.
        """
