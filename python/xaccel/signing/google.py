"""Google: V4 signed URLs for Cloud Storage, and signed URLs for Media CDN.

The formats are defined in https://cloud.google.com/storage/docs/access-control/signed-urls and
https://cloud.google.com/media-cdn/docs/generate-signatures
"""

from __future__ import annotations

import base64
import re
from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, final

from xaccel._core import (
    GoogleCloudStorageHmac,
    GoogleCloudStorageUrls,
    expires_at,
    split_url,
)
from xaccel.exceptions import ConfigError
from xaccel.signing._private_keys import Unpicklable, load_ed25519, load_pem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa


@final
@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class GoogleCloudStorageSigner(Unpicklable):
    """Creates V4 signed URLs for Google Cloud Storage with a service account key or an HMAC key.

    Pass either `client_email` and `private_key`, as in the JSON key file of a service account, or
    the `access_key` and `secret_key` of an HMAC key. The first pair needs the package cryptography
    (`xaccel[cloudfront]`).

    Args:
        client_email: The address of the service account.
        private_key: The account's private RSA key in PEM.
        access_key: The access ID of an HMAC key.
        secret_key: The secret of the HMAC key.
        endpoint: The base URL; None means `https://storage.googleapis.com`.

    Raises:
        xaccel.exceptions.ConfigError: An argument is invalid or missing, or cryptography is not
            installed.
    """

    client_email: str | None = None
    private_key: InitVar[str | bytes | None] = None
    access_key: str | None = None
    secret_key: InitVar[str | None] = None
    endpoint: str | None = None
    _hmac: GoogleCloudStorageHmac | None = field(init=False, default=None)
    _rsa: tuple[GoogleCloudStorageUrls, rsa.RSAPrivateKey] | None = field(init=False, default=None)

    def __post_init__(self, private_key: str | bytes | None, secret_key: str | None) -> None:
        """Check the arguments, and load the key."""
        match self.client_email, private_key, self.access_key, secret_key:
            case str(account), key, None, None if key is not None:
                urls = GoogleCloudStorageUrls(account, endpoint=self.endpoint)
                object.__setattr__(self, "_rsa", (urls, _load_rsa(key)))
            case None, None, str(account), str(secret):
                signer = GoogleCloudStorageHmac(account, secret, endpoint=self.endpoint)
                object.__setattr__(self, "_hmac", signer)
            case _:
                raise ConfigError(
                    "GoogleCloudStorageSigner needs either client_email and private_key, or "
                    "access_key and secret_key"
                )

    def sign(
        self,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
    ) -> str:
        """Presign a GET request; see `presign`."""
        return self.presign("GET", url, expires=expires, expires_in=expires_in)

    def presign(
        self,
        method: str,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
        now: int | None = None,
    ) -> str:
        """Return a URL that lets anyone make a request with this method; see `S3Signer.presign`.

        Args:
            method: The HTTP method.
            url: `gs://bucket/key`; the key is not percent-encoded.
            expires: See `S3Signer.presign`.
            expires_in: See `S3Signer.presign`.
            now: The current time in Unix seconds; None means the system clock.

        Raises:
            ValueError: See `S3Signer.presign`.
        """
        if self._hmac is not None:
            return self._hmac.presign(method, url, expires=expires, expires_in=expires_in, now=now)
        assert self._rsa is not None  # noqa: S101 - the constructor sets one of the two
        urls, key = self._rsa
        message, unsigned = urls.unsigned(
            method, url, expires=expires, expires_in=expires_in, now=now
        )
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

        signature = key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
        return unsigned + signature.hex()

    def __repr__(self) -> str:
        return f"<GoogleCloudStorageSigner {self.client_email or self.access_key}>"


def _load_rsa(pem: str | bytes) -> rsa.RSAPrivateKey:
    key = load_pem("GoogleCloudStorageSigner", pem)
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigError("GoogleCloudStorageSigner needs an RSA key")
    return key


@final
@dataclass(frozen=True, repr=False, eq=False)
class MediaCdnSigner(Unpicklable):
    """Signs URLs for Google Media CDN with Ed25519.

    It needs the package cryptography (`xaccel[cloudfront]`).

    Args:
        key_name: The name of the keyset.
        key: The 32 bytes of the private key in base64url.
        directory: Whether a signature covers all files in the URL's directory and its
            subdirectories. The signature is then part of the path, so that relative URLs in a
            playlist also include it.

    Raises:
        xaccel.exceptions.ConfigError: An argument is invalid, or cryptography is not installed.
    """

    key_name: str
    key: InitVar[str]
    _: KW_ONLY
    directory: bool = False
    _key: ed25519.Ed25519PrivateKey = field(init=False)

    def __post_init__(self, key: str) -> None:
        """Check the arguments, and load the key."""
        if re.fullmatch("[a-zA-Z0-9_-]+", self.key_name) is None:
            raise ConfigError("the key_name must consist of letters, digits, '-' and '_'")
        object.__setattr__(self, "_key", load_ed25519("MediaCdnSigner", key))

    def sign(
        self,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
    ) -> str:
        """Sign a URL. The signature also covers the query, except with `directory`.

        Args:
            url: The absolute URL, percent-encoded as it will be sent.
            expires: See `Signer.sign`.
            expires_in: See `Signer.sign`.

        Raises:
            ValueError: The URL is not absolute, is not encoded, or contains one of Media CDN's
                parameters; or the expiry is invalid.
        """
        origin, path, query = split_url(url, ["Expires", "KeyName", "Signature", "URLPrefix"])
        last = expires_at(expires=expires, expires_in=expires_in)
        params = f"Expires={last}&KeyName={self.key_name}"
        if self.directory:
            directory, _, name = path.rpartition("/")
            signed = f"{origin}{directory}/edge-cache-token={params}"
            rest = f"/{name}?{query}" if query else f"/{name}"
            return f"{signed}&Signature={self._signature(signed).rstrip('=')}{rest}"
        signed = f"{origin}{path}?{query}&{params}" if query else f"{origin}{path}?{params}"
        return f"{signed}&Signature={self._signature(signed)}"

    def _signature(self, text: str) -> str:
        return base64.urlsafe_b64encode(self._key.sign(text.encode())).decode()

    def __repr__(self) -> str:
        return f"<MediaCdnSigner {self.key_name}>"
