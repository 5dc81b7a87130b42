"""The names of original images: `cats/tom.jpg`, or `~avatars/tom.jpg` in a named source.

A name is the part of a thumbnail's URL after the spec. The cache and the record of failures use the
same names.
"""

from __future__ import annotations

import os

from xaccel._hints import did_you_mean
from xaccel.config import Config
from xaccel.exceptions import SourceError
from xaccel.thumbnails.sources.base import is_plain


class ImageNames:
    """Checks the names of images, and converts paths and URLs below a source to names."""

    def __init__(self, config: Config) -> None:
        self._places = {place.prefix: place for place in config.source_locations}
        self._prefixes = self._places.keys()
        # Even if no source is configured, another server may know the images.
        self._has_default = "" in self._prefixes or not self._prefixes
        places = sorted(self._places.values(), key=lambda place: len(place.location))
        # If sources are nested, the image belongs to the innermost one.
        self._bases = [
            (place.location.rstrip("/") + "/", place.prefix) for place in reversed(places)
        ]

    def below(self, text: str) -> str | None:
        """Return the name of an image from its path or URL, if it is below one of the sources."""
        return _below(text, self._bases)

    def of_file(self, path: str) -> str | None:
        """Return the name of a file. Its path may lead to a source through symbolic links."""
        found = self.below(path)
        if found is None:
            directories = (each for each in self._bases if each[0].startswith("/"))
            real = [(os.path.realpath(base).rstrip("/") + "/", name) for base, name in directories]
            found = _below(os.path.realpath(path), real)
        return found

    def all_of(self, name: str) -> list[str]:
        """Return all names of an image: `name` and, if sources are nested, possibly others."""
        first, slash, rest = name.partition("/")
        prefix, rest = (first + slash, rest) if name.startswith("~") else ("", name)
        place = self._places.get(prefix)
        if place is None:
            return [name]
        location = f"{place.location.rstrip('/')}/{rest}"
        return [
            outer + location[len(base) :]
            for base, outer in self._bases
            if location.startswith(base)
        ]

    def checked(self, name: str, *, is_path: bool = False) -> str:
        """Return the checked name of an image that is given by its name, path or URL.

        Args:
            name: The name, the path or the URL.
            is_path: Whether `name` is a path, in which a leading slash is significant.

        Raises:
            SourceError: `name` does not name an image below any of the sources.
        """
        is_location = name.startswith("/") or "://" in name
        below = self.below(name) if is_location else None
        if below is None and is_path and name.startswith("/"):
            raise SourceError(
                f"{name!r} can't have a thumbnail: it is not below "
                f"XACCEL['THUMBNAIL_SOURCE']{self._or_named()}"
            )
        found = name.removeprefix("/") if below is None else below
        if "://" in found:
            raise SourceError(
                f"{name!r} can't have a thumbnail: pass the name of the image below "
                "XACCEL['THUMBNAIL_SOURCE'] or its file field, not a URL"
            )
        if not is_plain(found) or not _is_utf8(found):
            raise SourceError(f"{name!r} can't have a thumbnail: it is not the name of an image")
        if found.startswith("~"):
            self._check_source(found)
        elif not self._has_default:
            raise SourceError(
                f"{name!r} can't have a thumbnail: XACCEL['THUMBNAIL_SOURCE'] is not set, and the "
                f"name does not begin with {' or '.join(sorted(map(repr, self._prefixes)))}"
            )
        return found

    def place_of(self, name: str) -> str:
        """Return the name and value of the setting for an image's source, for error messages."""
        place = self._places.get(f"{name.partition('/')[0]}/" if name.startswith("~") else "")
        if place is None:
            return "XACCEL['THUMBNAIL_FALLBACK']"
        return f"{place.setting} {place.location!r}"

    def _check_source(self, name: str) -> None:
        prefix = "~" + name[1:].partition("/")[0] + "/"
        if prefix not in self._prefixes or name == prefix.rstrip("/"):
            known = [known[1:-1] for known in self._prefixes if known]
            raise SourceError(
                f"{name!r} can't have a thumbnail: a name that starts with '~' must continue with "
                "one of XACCEL['THUMBNAIL_SOURCES'] and a slash"
                f"{did_you_mean(prefix[1:-1], known)}"
            )

    def _or_named(self) -> str:
        return " or one of XACCEL['THUMBNAIL_SOURCES']" if any(self._prefixes) else ""


def _below(text: str, bases: list[tuple[str, str]]) -> str | None:
    for base, prefix in bases:
        if text.startswith(base) and len(text) > len(base):
            return prefix + text[len(base) :]
    return None


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
