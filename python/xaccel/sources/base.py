"""What a source of original images is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


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


def is_plain(name: str) -> bool:
    """Whether a name has one spelling only: no empty part, no `.`, no `..`, no NUL."""
    return {"", ".", ".."}.isdisjoint(name.split("/")) and "\0" not in name
