"""Signed URLs.

`Signer` signs for this package's endpoints, for nginx's `secure_link` (`"secure-link-md5"`) and
for a verifier in njs (`"hmac-sha256"`):

    >>> signer = Signer("a secret of 16 bytes or more")
    >>> signer.verify(signer.sign("/p/cat.jpg", expires_in=3600))
    '/p/cat.jpg'

To rotate secrets, add a new one at the front of the list. Remove an old one when the URLs that it
signed no longer have to work.

`SecureLinkSigner` signs and verifies for other expressions of nginx's `secure_link_md5`.

`ThumborSigner`, `ImgproxySigner` and `HmacSecureLinkSigner` sign for other servers. The first two
also translate a thumbnail's spec into the server's own grammar:

    >>> signer = ThumborSigner("my-security-key")
    >>> signer.url("my.server.com/image.jpg", "300x200,cover")
    '/iQqx22CXWBf0aZ67JrwbppaluRI=/300x200/my.server.com/image.jpg'
"""

from __future__ import annotations

from xaccel._core import (
    AkamaiSigner,
    BunnySigner,
    CloudflareImagesSigner,
    CloudflareSigner,
    FastlySigner,
    HmacSecureLinkSigner,
    ImgproxySigner,
    S3Signer,
    SecureLinkSigner,
    Signer,
    ThumborSigner,
    VerifiedUrl,
)
from xaccel.exceptions import BadSignature, SignatureExpired

__all__ = [
    "AkamaiSigner",
    "BadSignature",
    "BunnySigner",
    "CloudflareImagesSigner",
    "CloudflareSigner",
    "FastlySigner",
    "HmacSecureLinkSigner",
    "ImgproxySigner",
    "S3Signer",
    "SecureLinkSigner",
    "SignatureExpired",
    "Signer",
    "ThumborSigner",
    "VerifiedUrl",
]
