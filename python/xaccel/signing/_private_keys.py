"""Private keys, loaded with the package cryptography, which is imported only when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, SupportsIndex

from xaccel.exceptions import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa


class Unpicklable:
    """A base class that prevents copying and pickling, because they would reveal a key."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to be copied or pickled."""
        raise TypeError(
            f"a {type(self).__name__} can't be copied or pickled, because that would expose its "
            "key; create one from the configuration where you need it"
        )


def load_pem(owner: str, pem: str | bytes) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    """Load an RSA or ECDSA key from PEM without a password."""
    try:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415
    except ImportError:
        raise _missing(owner) from None
    data = pem.encode() if isinstance(pem, str) else pem
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError):
        # The original exception may quote a part of the key.
        raise ConfigError(f"{owner} needs a private key in PEM, without a password") from None
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise ConfigError(f"{owner} needs an RSA or ECDSA key")
    return key


def load_ed25519(owner: str, key: str) -> ed25519.Ed25519PrivateKey:
    """Load an Ed25519 key from its 32 bytes in base64url."""
    import base64  # noqa: PLC0415 - only this signer needs it

    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
    except ImportError:
        raise _missing(owner) from None
    try:
        data = base64.b64decode(key + "=" * (-len(key) % 4), altchars=b"-_", validate=True)
        return ed25519.Ed25519PrivateKey.from_private_bytes(data)
    except ValueError:
        raise ConfigError(
            f"{owner} needs the 32 bytes of a private Ed25519 key in base64url"
        ) from None


def _missing(owner: str) -> ConfigError:
    return ConfigError(f"{owner} needs the package cryptography: pip install 'xaccel[cloudfront]'")
