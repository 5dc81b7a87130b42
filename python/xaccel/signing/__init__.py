"""Signed URLs.

`Signer` signs URLs for this package's endpoints, for nginx's `secure_link` (`"secure-link-md5"`)
and for a verifier in njs (`"hmac-sha256"`):

    >>> signer = Signer("a secret of 16 bytes or more")
    >>> signer.verify(signer.sign("/p/cat.jpg", expires_in=3600))
    '/p/cat.jpg'

To rotate secrets, add a new one at the front of the list. Remove an old secret when the URLs that
it signed are no longer needed.

`SecureLinkSigner` signs and verifies URLs for other expressions of nginx's `secure_link_md5`.

`ThumborSigner`, `ImgproxySigner` and `HmacSecureLinkSigner` sign URLs for other servers. The first
two also convert a thumbnail spec to the syntax of their server:

    >>> signer = ThumborSigner("my-security-key")
    >>> signer.url("my.server.com/image.jpg", "300x200,cover")
    '/iQqx22CXWBf0aZ67JrwbppaluRI=/300x200/my.server.com/image.jpg'

`S3Signer` and `GoogleCloudStorageSigner` presign requests to object stores:

    >>> signer = S3Signer(access_key="AKIA", secret_key="secret", region="eu-central-1")
    >>> signer.url("s3://bucket/a b.jpg")
    'https://s3.eu-central-1.amazonaws.com/bucket/a%20b.jpg'

`BunnySigner`, `CloudflareSigner`, `CloudflareImagesSigner`, `FastlySigner`, `AkamaiSigner`,
`CloudFrontSigner` and `MediaCdnSigner` sign URLs for CDNs. Each has the method
`sign(url, *, expires=None, expires_in=None)`, which takes an absolute URL, percent-encoded as it
will be sent.
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
from xaccel.signing.cloudfront import CloudFrontSigner
from xaccel.signing.google import GoogleCloudStorageSigner, MediaCdnSigner

__all__ = [
    "AkamaiSigner",
    "BadSignature",
    "BunnySigner",
    "CloudFrontSigner",
    "CloudflareImagesSigner",
    "CloudflareSigner",
    "FastlySigner",
    "GoogleCloudStorageSigner",
    "HmacSecureLinkSigner",
    "ImgproxySigner",
    "MediaCdnSigner",
    "S3Signer",
    "SecureLinkSigner",
    "SignatureExpired",
    "Signer",
    "ThumborSigner",
    "VerifiedUrl",
]
