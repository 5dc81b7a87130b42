"""The places of thumbnails in the store that all machines share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from xaccel._core import Spec


@dataclass(frozen=True, slots=True)
class StorePlace:
    """The place of a thumbnail in the store."""

    name: str
    """The name of the image. It is unique among all images of the app."""
    spec: Spec
    image_format: str
    has_state: bool
    """Whether the source knows the state of the image."""

    @property
    def key(self) -> str:
        """The key of the thumbnail below the store's prefix."""
        return f"{digest(self.name)}/{self.spec}.{self.image_format}"


def digest(name: str) -> str:
    """Return the directory in the store for the thumbnails of an image."""
    return hashlib.blake2s(name.encode(errors="replace"), digest_size=16).hexdigest()
