"""Original images in a directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xaccel._core import Location, PathMap
from xaccel.exceptions import StorageUnavailable
from xaccel.thumbnails.sources.base import Original


class DirectorySource:
    """Images in a directory.

    Args:
        directory: The directory.
        follow_symlinks: Whether symbolic links may point outside the directory.
    """

    def __init__(self, directory: str | os.PathLike[str], *, follow_symlinks: bool = False) -> None:
        self._directory = Path(directory)
        self._follow_symlinks = follow_symlinks
        self._path_map = PathMap([(directory, "/source/")], follow_symlinks=follow_symlinks)

    def get(self, name: str) -> Original:
        """See `Source.get`."""
        with reading(name):
            opened = self._path_map.open(self._directory / name)
        return Original(opened, opened.location.mtime, location_state(opened.location))

    def state(self, name: str) -> str | None:
        """See `Source.state`."""
        with reading(name):
            return location_state(self._path_map.locate(self._directory / name))

    def version(self, name: str) -> str | None:
        """See `Source.version`."""
        return self.state(name)

    def names(self, prefix: str) -> Iterator[str]:
        """See `Source.names`. Hidden files are omitted."""
        start = prefix.rpartition("/")[0]
        waiting = [f"{start}/" if start else ""]
        while waiting:
            below = waiting.pop()
            with reading(below), os.scandir(self._directory / below) as entries:
                for entry in entries:
                    name = f"{below}{entry.name}"
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=self._follow_symlinks):
                        if f"{name}/".startswith(prefix) and not _is_loop(entry):
                            waiting.append(f"{name}/")
                    elif name.startswith(prefix) and entry.is_file():
                        yield name


def _is_loop(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a link to a directory that contains the link."""
    if not entry.is_symlink():
        return False
    parent = Path(entry.path).parent.resolve()
    return parent.is_relative_to(Path(entry.path).resolve())


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Convert disk errors to `StorageUnavailable`."""
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(f"{name!r} can't be read: {error}") from error


def location_state(location: Location) -> str:
    """Return a string that changes whenever the file does, based on its descriptor's metadata."""
    return f"{location.mtime_ns}-{location.size}-{location.inode}"


def file_state(path: str) -> str | None:
    """Return a string that changes whenever the file does; `None` if the file no longer exists."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"
