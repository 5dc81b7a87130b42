"""The names of the parts and endpoints that `xaccel._observing` measures."""

from __future__ import annotations

from typing import Literal, TypeAlias

Phase: TypeAlias = Literal["verify", "fetch", "wait", "render", "publish"]
"""A part of a request: checking the signature, getting the original, waiting for a turn, decoding
and encoding, and publishing the thumbnail in the cache."""

Endpoint: TypeAlias = Literal["thumbnail", "private_file"]
"""An endpoint with signed URLs."""
