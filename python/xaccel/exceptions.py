"""Every error that xaccel raises.

An error that can reach a visitor carries two things an adapter needs: `status_code`, the
HTTP status it answers with, and `public_message`, which shows neither a path nor a secret.
`str(error)` is for the log: it names the file, the key or the option.
"""

from __future__ import annotations


class XaccelError(Exception):
    """The base of all errors of this package."""

    status_code: int = 500
    public_message: str = "Internal Server Error"
    retry_after: int | None = None
    """Seconds after which it may be over, where it is a matter of time."""


class ConfigError(XaccelError, ValueError):
    """A setting is unknown, of the wrong type or has an impossible value."""


class FileNotFound(XaccelError, LookupError):
    """There is no such file that may be sent: absent, outside the roots, or not a file."""

    status_code = 404
    public_message = "Not Found"


class RemoteError(XaccelError):
    """A server with private files can't be reached, or has answered with an error."""

    status_code = 502
    public_message = "Bad Gateway"


class BadSignature(XaccelError, ValueError):
    """The URL was not signed by one of the keys, or is not spelt the way it was signed."""

    status_code = 403
    public_message = "Forbidden"


class SignatureExpired(BadSignature):
    """The signature is right, but its time has passed."""

    status_code = 410
    public_message = "Gone"


class SpecError(XaccelError, ValueError):
    """The text of a thumbnail spec is wrong, or not in its canonical spelling."""

    status_code = 404
    public_message = "Not Found"


class Overloaded(XaccelError):
    """More thumbnails wait to be made than `THUMBNAIL_QUEUE` allows."""

    status_code = 503
    retry_after = 2
    public_message = "Service Unavailable"


class SourceUnavailable(XaccelError):
    """The origin of the images does not answer, or not as it should."""

    status_code = 502
    public_message = "Bad Gateway"


class ThumbnailError(XaccelError):
    """A thumbnail can't be made from this source."""

    status_code = 422
    public_message = "Unprocessable Content"


class ImageTooLarge(ThumbnailError):
    """The source exceeds a limit: pixels, bytes, frames or side."""

    status_code = 413
    public_message = "Content Too Large"


class UnsupportedImage(ThumbnailError):
    """The source is not an image, or of a kind that is not decoded."""

    status_code = 415
    public_message = "Unsupported Media Type"


class CorruptImage(ThumbnailError):
    """The source says it is an image, but can't be decoded."""
