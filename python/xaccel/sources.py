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

    `image` is its path or its bytes; `modified` is in seconds since 1970, or `None` when the
    source does not know.
    """

    image: str | bytes
    modified: int | None


class Source(Protocol):
    """Anything that has original images by name."""

    def get(self, name: str) -> Original:
        """Find an original by its name, the path below the thumbnail's spec in the URL.

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
        return Original(location.path, location.mtime)
