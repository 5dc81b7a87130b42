"""Amazon CloudFront: signed URLs with a canned or a custom policy.

The format is defined in
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html
"""

from __future__ import annotations

import base64
import json
from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, Literal, final

from xaccel._core import expires_at, split_url
from xaccel.exceptions import ConfigError
from xaccel.signing._private_keys import Unpicklable, load_pem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

_PARAMS = ["Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"]
_FOR_URLS = bytes.maketrans(b"+=/", b"-_~")


@final
@dataclass(frozen=True, repr=False, eq=False)
class CloudFrontSigner(Unpicklable):
    """Signs URLs for Amazon CloudFront. It needs the package cryptography (`xaccel[cloudfront]`).

    The signature uses RSA (PKCS #1 v1.5) or ECDSA, depending on the key. Signing the same URL with
    the same expiry always returns the same string.

    Args:
        key_id: The ID of the public key in CloudFront.
        pem: The private key in PEM, without a password.
        directory: Whether a signature covers all files in the URL's directory and its
            subdirectories, as HLS and DASH require. This uses a custom policy.
        algorithm: `"sha1"`, which is CloudFront's default, or `"sha256"`, which adds a parameter to
            the URL.

    Raises:
        xaccel.exceptions.ConfigError: An argument is invalid, or cryptography is not installed.
    """

    key_id: str
    pem: InitVar[str | bytes]
    _: KW_ONLY
    directory: bool = False
    algorithm: Literal["sha1", "sha256"] = "sha1"
    _key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = field(init=False)

    def __post_init__(self, pem: str | bytes) -> None:
        """Check the arguments, and load the key."""
        if not (self.key_id.isascii() and self.key_id.isalnum()):
            raise ConfigError("the key_id must consist of letters and digits, as in CloudFront")
        if self.algorithm not in {"sha1", "sha256"}:
            raise ConfigError(f"the algorithm must be 'sha1' or 'sha256', not {self.algorithm!r}")
        object.__setattr__(self, "_key", load_pem("CloudFrontSigner", pem))

    def sign(
        self,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
        not_before: int | None = None,
        ip_address: str | None = None,
    ) -> str:
        """Sign a URL. The signature also covers the query, except with `directory`.

        Args:
            url: The absolute URL, percent-encoded as it will be sent. Encode a `*` as `%2A`.
            expires: See `Signer.sign`. CloudFront accepts the URL only before this second.
            expires_in: See `Signer.sign`.
            not_before: The Unix second before which CloudFront refuses the URL. This uses a custom
                policy.
            ip_address: An IPv4 address or network, such as `192.0.2.0/24`, from which the URL is
                valid. This uses a custom policy.

        Raises:
            ValueError: The URL is not absolute, is not encoded, or contains a `*` or one of
                CloudFront's parameters; or another argument is invalid.
        """
        origin, path, query = split_url(url, _PARAMS)
        url = f"{origin}{path}?{query}" if query else f"{origin}{path}"
        if "*" in url:
            raise ValueError("a '*' is a wildcard to CloudFront; encode it as %2A")
        last = expires_at(expires=expires, expires_in=expires_in)
        condition: dict[str, Any] = {"DateLessThan": {"AWS:EpochTime": last}}
        if ip_address is not None:
            condition["IpAddress"] = {"AWS:SourceIp": str(IPv4Network(ip_address))}
        if not_before is not None:
            condition["DateGreaterThan"] = {"AWS:EpochTime": not_before}
        resource = f"{origin}{path[: path.rindex('/') + 1]}*" if self.directory else url
        statement = {"Resource": resource, "Condition": condition}
        policy = json.dumps({"Statement": [statement]}, separators=(",", ":")).encode()
        is_canned = not self.directory and len(condition) == 1
        params = [
            f"Expires={last}" if is_canned else f"Policy={_base64(policy)}",
            f"Signature={_base64(self._signature(policy))}",
            f"Key-Pair-Id={self.key_id}",
        ]
        if self.algorithm == "sha256":
            params.append("Hash-Algorithm=SHA256")
        return f"{url}{'&' if query else '?'}{'&'.join(params)}"

    def _signature(self, policy: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec, padding  # noqa: PLC0415

        algorithm = hashes.SHA1() if self.algorithm == "sha1" else hashes.SHA256()  # noqa: S303
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            # This uses RFC 6979, because a random number would make the URL different each time.
            return self._key.sign(policy, ec.ECDSA(algorithm, deterministic_signing=True))
        return self._key.sign(policy, padding.PKCS1v15(), algorithm)

    def __repr__(self) -> str:
        return f"<CloudFrontSigner {self.key_id}>"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).translate(_FOR_URLS).decode()
