"""Signed URLs on the host of a CDN that verifies its own signature."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

Expires: TypeAlias = int | datetime | None
ExpiresIn: TypeAlias = int | timedelta | None

DAYS = 30
"""The minimum number of days for which a thumbnail's URL is valid if no expiry is given. The
signature of a CDN always expires."""


def on_cdn(
    url: Callable[[Expires, ExpiresIn], str],
    signer: Any,
    expires: Expires,
    expires_in: ExpiresIn,
) -> str:
    """Add the signature of a CDN to one of our URLs.

    Args:
        url: Returns the absolute URL with our own signature, for a given expiry.
        signer: The CDN's signer.
        expires: The last second in which the URL is valid.
        expires_in: The minimum time for which the URL is valid.

    Raises:
        ValueError: The expiry is missing or invalid.
    """
    try:
        signed = signer.sign(url(expires, expires_in), expires=expires, expires_in=expires_in)
    except ValueError:
        # bunny.net uses the parameter `expires` for its own signature, so ours does not expire.
        signed = signer.sign(url(None, None), expires=expires, expires_in=expires_in)
    return str(signed)
