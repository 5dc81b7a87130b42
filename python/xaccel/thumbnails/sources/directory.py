"""Original images in a directory."""

from __future__ import annotations

import os
from pathlib import Path

from xaccel._core import PathMap
from xaccel.thumbnails.sources.base import Original


class DirectorySource:
    """Images in a directory.

    Args:
        directory: The directory.
        follow_symlinks: Whether symbolic links may lead out of the directory.
    """

    def __init__(self, directory: str | os.PathLike[str], *, follow_symlinks: bool = False) -> None:
        self._directory = Path(directory)
        self._path_map = PathMap([(directory, "/source/")], follow_symlinks=follow_symlinks)

    def get(self, name: str) -> Original:
        """See `Source.get`."""
        location = self._path_map.locate(self._directory / name)
        return Original(location.path, location.mtime, file_state(location.path))

    def state(self, name: str) -> str | None:
        """See `Source.state`."""
        return file_state(self._path_map.locate(self._directory / name).path)

    def version(self, name: str) -> str | None:
        """See `Source.version`."""
        return self.state(name)


def file_state(path: str) -> str | None:
    """Return a text that changes whenever the file does; `None` when the file is gone."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"
