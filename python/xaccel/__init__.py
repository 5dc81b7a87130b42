"""Private files and thumbnails: the app decides, the web server does the work.

The framework adapters are `xaccel.flask`, `xaccel.django`, `xaccel.starlette`, `xaccel.wsgi` and
`xaccel.asgi`. This module imports no framework.
"""

from xaccel._core import (
    ImageInfo,
    Limits,
    PathMap,
    Signer,
    Spec,
    Thumbnail,
    __version__,
    placeholder,
    probe,
    thumbnail,
    thumbnail_many,
)
from xaccel.exceptions import (
    BadSignature,
    ConfigError,
    CorruptImage,
    FileNotFound,
    ImageTooLarge,
    SignatureExpired,
    SpecError,
    ThumbnailError,
    UnsupportedImage,
    XaccelError,
)

__all__ = [
    "BadSignature",
    "Config",
    "ConfigError",
    "CorruptImage",
    "FileNotFound",
    "ImageInfo",
    "ImageTooLarge",
    "Limits",
    "PathMap",
    "SignatureExpired",
    "Signer",
    "Spec",
    "SpecError",
    "Thumbnail",
    "ThumbnailError",
    "UnsupportedImage",
    "XaccelError",
    "__version__",
    "placeholder",
    "probe",
    "thumbnail",
    "thumbnail_many",
]

# Importing it from `typing` would take three times as long as all of this.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from xaccel.config import Config
else:
    # The settings load most of the package, 4 MB in each process, and thumbnail() needs none of it.
    # Type checkers must not see this function: they would accept any name.
    def __getattr__(name: str) -> object:
        if name == "Config":
            from xaccel.config import Config  # noqa: PLC0415

            return Config
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
