"""All errors that xaccel raises.

An error that a visitor can see has a `status_code` (the HTTP status of the response) and a
`public_message` without paths or secrets. `str(error)` is for the log: it names the file, the key
or the option.
"""

from __future__ import annotations


class XaccelError(Exception):
    """The base class of all errors of this package."""

    status_code: int = 500
    public_message: str = "Internal Server Error"
    retry_after: int | None = None
    """Seconds after which a retry may succeed; `None` if waiting does not help."""


class ConfigError(XaccelError, ValueError):
    """A setting is unknown, or its value is invalid."""


class FileNotFound(XaccelError, LookupError):
    """The file does not exist, is outside the roots, or is not a regular file."""

    status_code = 404
    public_message = "Not Found"


class RemoteError(XaccelError):
    """A server with private files can't be reached, or has responded with an error."""

    status_code = 502
    public_message = "Bad Gateway"


class BadSignature(XaccelError, ValueError):
    """The URL was not signed with one of the keys, or it was changed after it was signed."""

    status_code = 403
    public_message = "Forbidden"


class SignatureExpired(BadSignature):
    """The signature is valid, but has expired."""

    status_code = 410
    public_message = "Gone"


class SpecError(XaccelError, ValueError):
    """A thumbnail spec is invalid or not in its canonical form."""

    status_code = 404
    public_message = "Not Found"


class BadSize(SpecError):
    """The width or the height of a thumbnail is out of range."""

    status_code = 400
    public_message = "Bad Request"


class SourceError(XaccelError, ValueError):
    """The source of a thumbnail is not the name of an image in one of the configured sources."""


class Overloaded(XaccelError):
    """More thumbnails are waiting to be rendered than `THUMBNAIL_QUEUE` allows."""

    status_code = 503
    retry_after = 2
    public_message = "Service Unavailable"


class SourceUnavailable(XaccelError):
    """The server with the source images can't be reached, or has responded with an error."""

    status_code = 502
    public_message = "Bad Gateway"


class StorageUnavailable(SourceUnavailable):
    """The storage or the disk with the source images has failed. The failure may be temporary."""

    status_code = 503
    retry_after = 5
    public_message = "Service Unavailable"


class WorkerLost(XaccelError):
    """The process that rendered the image was killed from outside, or did not start."""

    status_code = 503
    retry_after = 2
    public_message = "Service Unavailable"


class ThumbnailError(XaccelError):
    """The source can't be rendered as a thumbnail."""

    is_known: bool = False
    """Whether the image was not tried again, because it recently failed in the same state."""

    status_code = 422
    public_message = "Unprocessable Content"


class ImageTooLarge(ThumbnailError):
    """The source or the thumbnail exceeds a limit: pixels, bytes or side length."""

    status_code = 413
    public_message = "Content Too Large"


class RenderTimeout(ThumbnailError):
    """Rendering takes longer than the time limit."""

    status_code = 503
    retry_after = 60
    public_message = "Service Unavailable"


class RenderStopped(ThumbnailError):
    """The sandbox stopped the render, for example because it used too much memory.

    Args:
        message: The message for the log.
        layer: What stopped the render: `seccomp`, `memory`, `time`, `fault`, `exit` or `reply`.
    """

    def __init__(self, message: str = "", *, layer: str = "memory") -> None:
        super().__init__(message)
        self.layer = layer


class UnsupportedImage(ThumbnailError):
    """The source is not an image, or its format is not supported."""

    status_code = 415
    public_message = "Unsupported Media Type"


class CorruptImage(ThumbnailError):
    """The source is an image in a supported format, but its data is corrupt."""
