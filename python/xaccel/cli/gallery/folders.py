"""The folders of the gallery, and the files in them that visitors may see."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from xaccel._core import ImageInfo
from xaccel.decoders._enabled import installed
from xaccel.decoders._ours import OURS
from xaccel.delivery.files import Delivery
from xaccel.exceptions import FileNotFound, ThumbnailError
from xaccel.thumbnails.direct import DirectRenderer
from xaccel.thumbnails.sources.base import is_plain
from xaccel.thumbnails.sources.directory import file_state

_PICTURES = frozenset(
    (".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".jxl", ".png", ".tif", ".tiff", ".webp", ".svg")
) | {f".{ending}" for name in installed() for ending in OURS[name].extensions}
"""The extensions of files that may be pictures. The gallery uses the default decoders."""
_COVER_CANDIDATES = 5


@dataclass(frozen=True)
class Picture:
    """A picture that has a thumbnail. Like all names here, `name` is relative to the directory."""

    name: str
    info: ImageInfo


@dataclass
class Listing:
    """The contents of a folder."""

    folders: list[tuple[str, Picture | None]] = field(default_factory=list)
    """The subfolders, each with its cover picture, if it has one."""
    pictures: list[tuple[Picture, int]] = field(default_factory=list)
    """The pictures in the folder, and their sizes in bytes."""
    files: list[tuple[str, int]] = field(default_factory=list)
    """The other files in the folder, and their sizes in bytes."""

    @property
    def summary(self) -> str:
        """The numbers of pictures, folders and files, as text."""
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
        directory: The directory. Its path must not contain symbolic links.
        files: The object that delivers the files. Its only root is the directory.
        renderer: The object that reads the headers of the pictures.
    """

    def __init__(self, directory: Path, files: Delivery, renderer: DirectRenderer) -> None:
        self._directory = directory
        self._files = files
        self._renderer = renderer
        self._info = lru_cache(maxsize=4096)(self._read_info)

    def list(self, name: str) -> Listing:
        """Return the visible contents of a folder.

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
            picture = self._picture(below, location.path)
            if picture is None:
                listing.files.append((below, location.size))
            else:
                listing.pictures.append((picture, location.size))
        return listing

    def picture(self, name: str) -> tuple[Picture, int]:
        """Return a visible picture, and its size in bytes.

        Raises:
            FileNotFound: The picture does not exist, is hidden, or can't have a thumbnail.
        """
        location = self._files.locate(require_visible(name))
        picture = self._picture(name, location.path)
        if picture is None:
            raise FileNotFound(f"{name!r} is not a picture")
        return picture, location.size

    def _locate(self, name: str) -> Path:
        """Return the path of a folder that is visible and within the directory."""
        path = self._directory / (require_visible(name) if name else "")
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            raise FileNotFound(f"the folder {name!r} does not exist") from None
        if not real.is_dir() or not real.is_relative_to(self._directory):
            raise FileNotFound(f"{name!r} is not a folder in the directory")
        return path

    def _cover(self, name: str) -> Picture | None:
        """Return the cover picture of a folder: one of its first few pictures."""
        try:
            paths = [*self._locate(name).iterdir()]
        except OSError:
            return None
        candidates = [path.name for path in paths if path.suffix.lower() in _PICTURES]
        for candidate in sorted(candidates, key=_natural_order)[:_COVER_CANDIDATES]:
            below = f"{name}/{candidate}"
            try:
                picture = self._picture(below, self._files.locate(require_visible(below)).path)
            except FileNotFound:
                continue
            if picture is not None:
                return picture
        return None

    def _picture(self, name: str, path: str) -> Picture | None:
        """Return the picture in a file, or `None` if the file can't have a thumbnail."""
        if Path(path).suffix.lower() not in _PICTURES or not _is_utf8(name):
            return None
        info = self._info(path, file_state(path))
        return None if info is None else Picture(name, info)

    def _read_info(self, path: str, state: str | None) -> ImageInfo | None:  # noqa: ARG002  part of the key
        try:
            return self._renderer.probe(path)
        except (ThumbnailError, FileNotFound):
            return None


def require_visible(name: str) -> str:
    """Return the name of a file or folder unchanged, unless a part of the name is hidden.

    Raises:
        FileNotFound: A part starts with a dot, or the name is not in its normal form.
    """
    if not is_plain(name) or any(part.startswith(".") for part in name.split("/")):
        raise FileNotFound(f"{name!r} is not shown")
    return name


def formatted_bytes(number: int) -> str:
    """Return a number of bytes as text, such as `1.2 MB`."""
    exponent = min((len(str(number)) - 1) // 3, 3)
    if exponent == 0:
        return f"{number} B"
    value = number / 1000**exponent
    decimals = 2 - len(str(int(value)))
    return f"{value:.{max(decimals, 0)}f} {'kMG'[exponent - 1]}B"


def _is_utf8(name: str) -> bool:
    """Whether a URL with this name can be signed."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _natural_order(name: str) -> tuple[list[tuple[bool, int, str]], str]:
    """Return a sort key that compares numbers by value: `IMG_9` before `IMG_10`."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return [
        (False, int(piece), "") if piece[0].isdecimal() else (True, 0, piece) for piece in pieces
    ], name
