"""What a dialect is: everything that xaccel knows about a web server while the app runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from xaccel._core import Location
from xaccel.delivery.response import Headers


class Settings(Protocol):
    """The settings that `Dialect.check` reads; `xaccel.config.Config` has them all."""

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
        """How URLs are signed. During a transition, the app verifies each of several ways."""

    @property
    def private_url(self) -> str | None:
        """The public prefix of signed links to private files."""

    @property
    def thumbnail_source(self) -> str | None:
        """Where the original images are."""

    @property
    def thumbnail_sources(self) -> Mapping[str, str]:
        """Where further original images are, by the name of the source."""

    @property
    def thumbnail_cache(self) -> str | None:
        """The directory of finished thumbnails."""

    @property
    def thumbnail_engine(self) -> str:
        """What renders the thumbnails."""

    @property
    def thumbnail_only_presets(self) -> bool:
        """Whether the URLs of thumbnails are unsigned, and only presets are served."""

    @property
    def has_thumbnail_endpoint(self) -> bool:
        """Whether the app itself answers requests for thumbnails."""


class Dialect(Protocol):
    """How one web server is asked to send a file, and what it can do.

    A dialect subclasses this protocol, states what differs from the defaults and has its place
    in `xaccel.servers.dialects.DIALECTS`.
    """

    name: ClassVar[str]
    """Its name in `XACCEL["SERVER"]`."""
    title: ClassVar[str]
    """Its name in sentences, such as error messages."""
    generator: ClassVar[str | None] = None
    """The module that writes its configuration, see `xaccel.servers.generators.Generator`."""

    offloads: ClassVar[bool] = True
    """Whether there is a server at all; without one the app sends every file."""
    sendfile_types: ClassVar[tuple[str, ...]] = ()
    """The values of `X-Sendfile-Type` that mean this server, in lower case. Each is the name of
    the response header that tells the server which file to send."""
    takes_urls: ClassVar[bool] = False
    """Whether that header has the file's internal URL, for which a mapping is needed; otherwise it
    has the file's path."""
    header_prefixes: ClassVar[tuple[str, ...]] = ()
    """How the names of the response headers begin that control the server, in lower case. From
    an app's response all are removed, except those that xaccel has set."""
    harmless_headers: ClassVar[frozenset[str]] = frozenset()
    """The headers with such a prefix that an app may set, in lower case."""
    supports_remotes: ClassVar[bool] = False
    """Whether files on `REMOTES` can be sent: `redirect()` works, or the app fetches them."""
    supports_limit_rate: ClassVar[bool] = False
    """Whether the server can limit the rate of one response."""
    etag_is_ours: ClassVar[bool] = True
    """Whether visitors get the ETag of `Validators.of_file`, so that the app can evaluate
    preconditions."""
    sends_thumbnails: ClassVar[bool] = False
    """Whether the generated configuration sends finished thumbnails without asking the app."""
    answers_uploads_late: ClassVar[bool] = False
    """Whether the server refuses an upload that is too large only after reading that much."""

    def offload(self, location: Location, *, limit_rate: int | None) -> Headers | None:
        """The headers that make the server send a file; `None` when the app has to send it.

        The header that names the file comes first. Its value is encoded the way this server
        decodes it.

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
        """The headers that make the server send what it proxies; `None` when the app has to.

        Called only for a dialect that `supports_remotes`.

        Args:
            url: The percent-encoded internal URL of a file on a remote.
            limit_rate: Bytes per second; `None` unless the dialect `supports_limit_rate`.
        """
        return None

    def check(self, settings: Settings) -> None:
        """Refuse settings that the server's configuration can't express.

        Raises:
            ConfigError: The message names the setting.
        """
