"""Several sources combined into one: the prefix of an image's name selects its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xaccel.exceptions import FileNotFound
from xaccel.thumbnails.sources.base import Original, Source


class NamedSources:
    """The sources in `THUMBNAIL_SOURCE` and `THUMBNAIL_SOURCES`.

    Args:
        sources: The sources by the prefix of their images' names; see `SourceLocation.prefix`.
    """

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources

    def get(self, name: str) -> Original:
        """See `Source.get`."""
        source, rest = self._find(name)
        return source.get(rest)

    def state(self, name: str) -> str | None:
        """See `Source.state`."""
        source, rest = self._find(name)
        return source.state(rest)

    def version(self, name: str) -> str | None:
        """See `Source.version`."""
        source, rest = self._find(name)
        return source.version(rest)

    def names(self, prefix: str) -> Iterator[str]:
        """See `Source.names`. A prefix such as `~avatars/` selects the source."""
        source, rest = self._find(prefix)
        start = prefix[: len(prefix) - len(rest)]
        return (start + name for name in source.names(rest))

    def _find(self, name: str) -> tuple[Source, str]:
        """Return the source of an image, and the image's name in that source."""
        prefix, rest = "", name
        if name.startswith("~"):
            first, slash, rest = name.partition("/")
            prefix = first + slash
        source = self._sources.get(prefix)
        if source is None:
            raise FileNotFound(f"{name!r} is not in a configured source")
        return source, rest
