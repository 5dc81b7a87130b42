"""The photographs of the gallery, as listed in `photos/photos.toml`."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Photo:
    """One photograph. Its width and height are those of the upright image, in pixels."""

    file: str
    title: str
    caption: str
    author: str
    licence: str
    licence_url: str
    kind: str
    width: int
    height: int

    @property
    def ratio(self) -> float:
        """Width divided by height."""
        return self.width / self.height

    @property
    def megapixels(self) -> float:
        """Millions of pixels."""
        return self.width * self.height / 1e6


def load(path: Path) -> Sequence[Photo]:
    """Read the catalogue."""
    catalogue = tomllib.loads(path.read_text(encoding="utf-8"))
    licences = catalogue["licences"]
    return tuple(
        Photo(licence_url=licences[entry["licence"]], **entry) for entry in catalogue["photos"]
    )
