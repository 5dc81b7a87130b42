"""`xaccel config s3-lifecycle`: the rules for removing old thumbnails from the bucket."""

from __future__ import annotations

import json
from typing import Any

from xaccel._s3 import settings
from xaccel.config import Config
from xaccel.exceptions import ConfigError

_DAY = 24 * 60 * 60


def text(config: Config, days: int | None) -> str:
    """Return the lifecycle configuration, in the form that `aws s3api` accepts.

    Args:
        config: The settings.
        days: The number of days that the store keeps a thumbnail; by default, the number of days
            that the cache keeps an unrequested thumbnail.

    Raises:
        ConfigError: `THUMBNAIL_STORE` is not set, or `days` is less than 1.
    """
    if config.thumbnail_store is None:
        raise ConfigError("XACCEL['THUMBNAIL_STORE'] is not set, so there is no bucket to sweep")
    if days is None:
        days = max(1, config.thumbnail_cache_inactive // _DAY)
    if days < 1:
        raise ConfigError(f"--days must be a whole number from 1, not {days}")
    _, prefix = settings.parse_url(config.thumbnail_store)
    rule: dict[str, Any] = {
        "ID": "xaccel-thumbnails",
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Expiration": {"Days": days},
        # In a versioned bucket, old versions cost money even though nothing uses them.
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    return json.dumps({"Rules": [rule]}, indent=2)
