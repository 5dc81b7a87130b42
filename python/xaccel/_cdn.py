"""Signed URLs on the host of a CDN that verifies its own signature."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

Expires: TypeAlias = int | datetime | None
ExpiresIn: TypeAlias = int | timedelta | None

DAYS = 30
"""The least number of days for which the URL of a thumbnail without an expiry is valid, because the
signature of a CDN always expires."""


def on_cdn(
    url: Callable[[Expires, ExpiresIn], str],
    signer: Any,
    expires: Expires,
    expires_in: ExpiresIn,
) -> str:
    """Add the signature of a CDN to one of our URLs.

    Args:
        url: Returns the absolute URL, with our own signature and this expiry.
        signer: The CDN's signer.
        expires: The last second in which the URL is valid.
        expires_in: The minimum time for which the URL is valid.

    Raises:
        ValueError: The expiry is missing or invalid.
    """
    try:
        signed = signer.sign(url(expires, expires_in), expires=expires, expires_in=expires_in)
    except ValueError:
        # bunny.net uses the parameter `expires` itself, so only its signature expires.
        signed = signer.sign(url(None, None), expires=expires, expires_in=expires_in)
    return str(signed)
