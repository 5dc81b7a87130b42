"""The folders of the gallery: what is in them, as far as visitors may see it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from xaccel._core import ImageInfo, probe
from xaccel.delivery.files import Delivery
from xaccel.exceptions import FileNotFound, ThumbnailError
from xaccel.thumbnails.sources.base import is_plain
from xaccel.thumbnails.sources.directory import file_state

_PICTURES = frozenset({".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_COVER_CANDIDATES = 5


@dataclass(frozen=True)
class Picture:
    """A picture that has a thumbnail. `name` is relative to the directory, as all names here."""

    name: str
    info: ImageInfo


@dataclass
class Listing:
    """The content of a folder."""

    folders: list[tuple[str, Picture | None]] = field(default_factory=list)
    """The folders in it, each with a picture that stands for it, if it has one."""
    pictures: list[tuple[Picture, int]] = field(default_factory=list)
    """The pictures in it, and their sizes in bytes."""
    files: list[tuple[str, int]] = field(default_factory=list)
    """The other files in it, and their sizes in bytes."""

    @property
    def summary(self) -> str:
        """The numbers of pictures, folders and files."""
        numbers = (
            (len(self.pictures), "picture"),
            (len(self.folders), "folder"),
            (len(self.files), "other file" if self.pictures else "file"),
        )
        words = [
            f"{number} {noun}{'' if number == 1 else 's'}" for number, noun in numbers if number
        ]
        return " · ".join(words)


class Folders:
    """The folders below a directory.

    Args:
        directory: The directory, without links in its path.
        files: The delivery of its files, whose only root it is.
    """

    def __init__(self, directory: Path, files: Delivery) -> None:
        self._directory = directory
        self._files = files

    def list(self, name: str) -> Listing:
        """The visible content of a folder.

        Raises:
            FileNotFound: The folder does not exist, or is hidden.
        """
        folder = self._locate(name)
        listing = Listing()
        try:
            paths = sorted(folder.iterdir(), key=lambda path: _natural_order(path.name))
        except OSError as error:
            raise FileNotFound(f"{str(folder)!r} can't be read: {error.strerror}") from None
        for path in paths:
            below = f"{name}/{path.name}" if name else path.name
            try:
                if path.is_dir():
                    self._locate(below)
                    listing.folders.append((below, self._cover(below)))
                    continue
                location = self._files.locate(require_visible(below))
            except FileNotFound:
                continue
            picture = _picture(below, location.path)
            if picture is None:
                listing.files.append((below, location.size))
            else:
                listing.pictures.append((picture, location.size))
        return listing

    def _locate(self, name: str) -> Path:
        """The path of a folder that is not hidden, and no link leads out of the directory."""
        path = self._directory / (require_visible(name) if name else "")
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            raise FileNotFound(f"the folder {name!r} does not exist") from None
        if not real.is_dir() or not real.is_relative_to(self._directory):
            raise FileNotFound(f"{name!r} is not a folder in the directory")
        return path

    def _cover(self, name: str) -> Picture | None:
        """A picture that stands for a folder: one of its first few."""
        try:
            paths = [*self._locate(name).iterdir()]
        except OSError:
            return None
        candidates = [path.name for path in paths if path.suffix.lower() in _PICTURES]
        for candidate in sorted(candidates, key=_natural_order)[:_COVER_CANDIDATES]:
            below = f"{name}/{candidate}"
            try:
                picture = _picture(below, self._files.locate(require_visible(below)).path)
            except FileNotFound:
                continue
            if picture is not None:
                return picture
        return None


def require_visible(name: str) -> str:
    """The name of a file or folder, if no part of it is hidden.

    Raises:
        FileNotFound: A part starts with a dot, or the name is not in its one normal spelling.
    """
    if not is_plain(name) or any(part.startswith(".") for part in name.split("/")):
        raise FileNotFound(f"{name!r} is not shown")
    return name


def _picture(name: str, path: str) -> Picture | None:
    """The file as a picture; `None` if it has no thumbnail."""
    if Path(path).suffix.lower() not in _PICTURES or not _is_utf8(name):
        return None
    info = _probe(path, file_state(path))
    return None if info is None else Picture(name, info)


@lru_cache(maxsize=4096)
def _probe(path: str, state: str | None) -> ImageInfo | None:  # noqa: ARG001  part of the key
    try:
        return probe(path)
    except (ThumbnailError, FileNotFound):
        return None


def _is_utf8(name: str) -> bool:
    """Whether a URL with this name can be signed."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _natural_order(name: str) -> tuple[list[tuple[bool, int, str]], str]:
    """A sort key that compares numbers by value: `IMG_9` before `IMG_10`."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return [
        (False, int(piece), "") if piece[0].isdecimal() else (True, 0, piece) for piece in pieces
    ], name
