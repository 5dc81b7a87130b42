"""The image that replaces missing images, as an original with a name of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath

from xaccel.exceptions import FileNotFound
from xaccel.thumbnails.sources.base import Original, Source
from xaccel.thumbnails.sources.directory import file_state


def fallback_name(path: str) -> str:
    """Return the name of the fallback image in URLs. Its extension is the image's format."""
    return f"~fallback{PurePath(path).suffix.lower()}"


class WithFallback:
    """A source that also contains the fallback image.

    Args:
        source: The source of all other images.
        path: The path of the fallback image.
    """

    def __init__(self, source: Source, path: str) -> None:
        self._source = source
        self._path = path
        self._name = fallback_name(path)

    def get(self, name: str) -> Original:
        """See `Source.get`."""
        if name != self._name:
            return self._source.get(name)
        try:
            modified = int(Path(self._path).stat().st_mtime)
        except OSError:
            raise FileNotFound("the image of XACCEL['THUMBNAIL_FALLBACK'] is missing") from None
        return Original(self._path, modified, file_state(self._path))

    def state(self, name: str) -> str | None:
        """See `Source.state`."""
        return file_state(self._path) if name == self._name else self._source.state(name)

    def version(self, name: str) -> str | None:
        """See `Source.version`."""
        return file_state(self._path) if name == self._name else self._source.version(name)

    def names(self, prefix: str) -> Iterator[str]:
        """See `Source.names`."""
        return self._source.names(prefix)
