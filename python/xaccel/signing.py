"""Signed URLs.

`Signer` signs for this package's endpoints, for nginx's `secure_link` (`"secure-link-md5"`) and
for a verifier in njs (`"hmac-sha256"`):

    >>> signer = Signer("a secret of 16 bytes or more")
    >>> signer.verify(signer.sign("/p/cat.jpg", expires_in=3600))
    '/p/cat.jpg'

To rotate secrets, put a new one in front of the list, and take an old one away when no URL that
it signed has to work any more.

`ThumborSigner`, `ImgproxySigner` and `HmacSecureLinkSigner` sign for other servers; the first
two also write a thumbnail's spec in the server's own grammar:

    >>> signer = ThumborSigner("my-security-key")
    >>> signer.url("my.server.com/image.jpg", "300x200,cover")
    '/iQqx22CXWBf0aZ67JrwbppaluRI=/300x200/my.server.com/image.jpg'
"""

from __future__ import annotations

from xaccel._core import HmacSecureLinkSigner, ImgproxySigner, Signer, ThumborSigner, VerifiedUrl
from xaccel.exceptions import BadSignature, SignatureExpired

__all__ = [
    "BadSignature",
    "HmacSecureLinkSigner",
    "ImgproxySigner",
    "SignatureExpired",
    "Signer",
    "ThumborSigner",
    "VerifiedUrl",
]
