"""The setting `S3`: the locations of the buckets, and their keys.

Error messages never show a value, because the value could be a misplaced key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from xaccel._core import S3Signer
from xaccel._hints import did_you_mean
from xaccel.exceptions import ConfigError

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of an account."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BucketSettings:
    """The location of a bucket, and its keys."""

    bucket: str
    region: str
    endpoint: str | None
    """The origin of the store; `None` means Amazon S3 in the region."""
    addressing: str
    keys: Keys | None
    """The keys; `None` means that botocore finds them."""

    def signer(self, keys: Keys) -> S3Signer:
        """Return a signer that uses these keys.

        Raises:
            ConfigError: A key or the region can't be part of a request.
        """
        try:
            return S3Signer(
                access_key=keys.access_key,
                secret_key=keys.secret_key,
                session_token=keys.session_token,
                region=self.region,
                endpoint=self.endpoint,
                addressing=self.addressing,
            )
        except ConfigError as error:
            raise ConfigError(f"XACCEL['S3'] for the bucket {self.bucket!r}: {error}") from None

    def url(self, key: str) -> str:
        """Return the URL of an object, percent-encoded and unsigned.

        Raises:
            ValueError: The key can't be part of a URL.
        """
        unused = Keys("unused", "unused")
        return self.signer(unused).url(f"s3://{self.bucket}/{key}")


def parse_url(url: str) -> tuple[str, str]:
    """Return the bucket and the key (or the prefix of keys) in a URL such as `s3://bucket/key`.

    Raises:
        ValueError: The URL does not have this form.
    """
    scheme, separator, rest = url.partition("://")
    bucket, slash, key = rest.partition("/")
    if scheme.lower() != "s3" or not separator or not slash or not _BUCKET.fullmatch(bucket):
        raise ValueError("it does not have the form s3://bucket/key")
    return bucket, key


def check(name: str, value: Any) -> dict[str, Any]:
    """Check the setting `S3`.

    Raises:
        ConfigError: A key is unknown, or a value is invalid.
    """
    return _check(f"XACCEL[{name!r}]", value, _CHECKS)


def for_bucket(settings: Mapping[str, Any], bucket: str) -> BucketSettings:
    """Return the settings of a bucket.

    The bucket's own settings take precedence, followed by the settings for all buckets, the
    environment and the defaults. The keys come from the first of these that contains both keys.
    """
    own = settings.get("buckets", {}).get(bucket, {})
    chosen = {**settings, **own}
    environ = os.environ
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or _DEFAULT_REGION
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    if "endpoint" not in chosen and endpoint is not None:
        endpoint = _endpoint("the environment variable AWS_ENDPOINT_URL", endpoint)
    return BucketSettings(
        bucket=bucket,
        region=chosen.get("region", region),
        endpoint=chosen.get("endpoint", endpoint),
        addressing=chosen.get("addressing", "path"),
        keys=_keys(own) or _keys(settings) or _keys_of_environment(),
    )


def _keys(settings: Mapping[str, Any]) -> Keys | None:
    if "access_key" not in settings:
        return None
    return Keys(settings["access_key"], settings["secret_key"], settings.get("session_token"))


def _keys_of_environment() -> Keys | None:
    access_key = os.environ.get("AWS_ACCESS_KEY_ID")
    secret_key = os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key:
        return None
    return Keys(access_key, secret_key, os.environ.get("AWS_SESSION_TOKEN") or None)


_Check = Callable[[str, Any], Any]


def _check(name: str, value: Any, checks: Mapping[str, _Check]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} must be a dict with keys such as 'endpoint' and 'region'")
    for key in value:
        if key not in checks:
            hint = did_you_mean(key, checks) if isinstance(key, str) else ""
            # A name that does not resemble a known name could be anything, even a secret.
            unknown = f"the unknown key {key!r}" if hint else "an unknown key"
            known = ", ".join(map(repr, checks))
            raise ConfigError(f"{name} has {unknown}{hint or f'; the keys are {known}'}")
    if ("access_key" in value) != ("secret_key" in value):
        raise ConfigError(f"{name} needs both 'access_key' and 'secret_key', or neither")
    if "session_token" in value and "access_key" not in value:
        raise ConfigError(f"{name} has a 'session_token', which needs 'access_key' as well")
    return {key: checks[key](f"{name}[{key!r}]", item) for key, item in value.items()}


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value:
        raise ConfigError(f"{name} must be ASCII text")
    return value


def _region(name: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9-]+", value):
        raise ConfigError(f"{name} must be a region such as 'eu-central-1'")
    return value


def _endpoint(name: str, value: Any) -> str:
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        is_origin = parts.hostname and parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:
        is_origin = False
    if not is_origin or "@" in value or not re.fullmatch(r"https?://[^/?#\\\s]+/?", value):
        raise ConfigError(
            f"{name} must be a scheme and a host such as 'https://s3.example.com', without a user, "
            "path or query"
        )
    return str(value).removesuffix("/")


def _addressing(name: str, value: Any) -> str:
    if value not in ("path", "virtual"):
        raise ConfigError(
            f"{name} must be 'path' for https://endpoint/bucket/key, or 'virtual' for "
            "https://bucket.endpoint/key"
        )
    return str(value)


def _buckets(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} must be a dict of buckets and their settings")
    for bucket in value:
        if not isinstance(bucket, str) or not _BUCKET.fullmatch(bucket):
            raise ConfigError(f"{name} has a key that is not the name of a bucket")
    return {
        bucket: _check(f"{name}[{bucket!r}]", own, _BUCKET_CHECKS) for bucket, own in value.items()
    }


_BUCKET_CHECKS: Mapping[str, _Check] = {
    "endpoint": _endpoint,
    "region": _region,
    "access_key": _text,
    "secret_key": _text,
    "session_token": _text,
    "addressing": _addressing,
}
_CHECKS: Mapping[str, _Check] = {**_BUCKET_CHECKS, "buckets": _buckets}
