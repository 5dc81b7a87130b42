"""The errors of a store. Messages name the object, but never contain a key of the account."""

from __future__ import annotations


class S3Error(Exception):
    """A request for an object failed."""


class S3Missing(S3Error):
    """The object does not exist. Without `s3:ListBucket`, a store reports this as 403, not 404."""


class S3Refused(S3Error):
    """The store refuses the request, for example because a key is wrong. A retry does not help."""


class S3Unavailable(S3Error):
    """The store does not respond, or reports that it is overloaded. A retry may help."""


class S3TooLarge(S3Error):
    """The object is larger than the limit."""
