"""Verifies signed URLs, of two algorithms during a transition."""

from __future__ import annotations

from collections.abc import Sequence

from xaccel._core import Signer, VerifiedUrl
from xaccel.exceptions import BadSignature, SignatureExpired


class Verifier:
    """Accepts the URLs of several signers."""

    def __init__(self, signers: Sequence[Signer]) -> None:
        self._first, *self._others = signers

    def verify_parts(self, url: str) -> VerifiedUrl:
        """See `Signer.verify_parts`."""
        try:
            return self._first.verify_parts(url)
        except SignatureExpired:
            raise
        except BadSignature as error:
            for signer in self._others:
                try:
                    return signer.verify_parts(url)
                except SignatureExpired:
                    raise
                except BadSignature:
                    continue
            raise error from None
