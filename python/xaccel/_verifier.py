"""Verification of signed URLs. During a transition, two algorithms are accepted."""

from __future__ import annotations

from collections.abc import Sequence

from xaccel._core import Signer, VerifiedUrl, encode_path
from xaccel.exceptions import BadSignature, SignatureExpired


class Verifier:
    """Verifies URLs that were signed by any of several signers."""

    def __init__(self, signers: Sequence[Signer]) -> None:
        self._first, *self._others = signers

    def verify_below(self, path: str, query: str, mount: str) -> tuple[str, VerifiedUrl]:
        """Verify a URL of an app that may be mounted at `mount`.

        The signature usually covers the whole path, because a server in front of the app may also
        verify it. A signature that covers only the path below the mount is also valid, because a
        process that does not know the mount may have signed the URL.

        Args:
            path: The decoded path below the mount.
            query: The undecoded query.
            mount: The decoded path at which the app is mounted, such as `/shop`, or empty.

        Returns:
            The path below the mount, and the verified URL.

        Raises:
            BadSignature: The signature is not valid for either path.
        """
        if mount:
            try:
                signed = self.verify_parts(f"{_encoded(mount + path)}?{query}")
            except SignatureExpired:
                raise
            except BadSignature:
                pass
            else:
                return signed.path.removeprefix(mount), signed
        signed = self.verify_parts(f"{_encoded(path)}?{query}")
        return signed.path, signed

    def verify_parts(self, url: str) -> VerifiedUrl:
        """Verify a URL; see `Signer.verify_parts`."""
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


def _encoded(path: str) -> str:
    try:
        return encode_path(path)
    except UnicodeEncodeError:
        raise BadSignature("the path is invalid: a path must be UTF-8") from None
