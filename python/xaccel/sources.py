"""Where original images come from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from xaccel._core import PathMap


@dataclass(frozen=True, slots=True)
class Original:
    """An original image, ready to be rendered.

    `image` is its path or its bytes. `modified` is in seconds since 1970, and `state` is a text
    that changes whenever the image does; both are `None` when the source does not know.
    """

    image: str | bytes
    modified: int | None = None
    state: str | None = None


class Source(Protocol):
    """Anything that has original images by name."""

    def get(self, name: str) -> Original:
        """Find an original by its name, the path below the thumbnail's spec in the URL.

        Raises:
            xaccel.exceptions.FileNotFound: There is no such original.
            xaccel.exceptions.ImageTooLarge: It has too many bytes to be fetched.
            xaccel.exceptions.SourceUnavailable: It is not to be had at the moment.
        """

    def state(self, name: str) -> str | None:
        """The `state` of an original, if it can be had without asking another machine.

        Raises:
            xaccel.exceptions.FileNotFound: There is no such original.
        """


class DirectorySource:
    """Images in a directory; no link leads out of it unless links are to be followed."""

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


def file_state(path: str) -> str | None:
    """What changes with every change of a file; `None` when it is gone."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"
