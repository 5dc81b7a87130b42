"""Lists the objects in a bucket."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from xaccel._s3.bucket import Bucket, read

_MOST_BYTES = 16 * 1024 * 1024
_KEY = re.compile(rb"<Key>([^<]*)</Key>")
_NEXT = re.compile(rb"<NextContinuationToken>([^<]*)</NextContinuationToken>")


def keys_below(bucket: Bucket, prefix: str, *, timeout: float) -> Iterator[str]:
    """Yield the keys that begin with a prefix, up to 1000 per request.

    Args:
        bucket: The bucket.
        prefix: The start of the keys.
        timeout: The timeout of each request, in seconds.

    Raises:
        S3Error: The store does not respond, or refuses the request.
    """
    query = {"list-type": "2", "prefix": prefix}
    while True:
        response = bucket.request("GET", "", timeout=timeout, query=query)
        text = read(response, prefix, _MOST_BYTES)
        yield from (html.unescape(key.decode()) for key in _KEY.findall(text))
        token = _NEXT.search(text)
        if token is None:
            return
        query["continuation-token"] = html.unescape(token[1].decode())
