"""Private files and thumbnails: the app decides, and the web server does the work.

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
    Watermark,
    __version__,
    draw_blurhash,
    draw_thumbhash,
    placeholder,
    probe,
    thumbhash,
    thumbnail,
    thumbnail_many,
)
from xaccel.exceptions import (
    BadSignature,
    ConfigError,
    CorruptImage,
    FileNotFound,
    ImageTooLarge,
    RenderTimeout,
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
    "RenderTimeout",
    "SignatureExpired",
    "Signer",
    "Spec",
    "SpecError",
    "Thumbnail",
    "ThumbnailError",
    "UnsupportedImage",
    "Watermark",
    "XaccelError",
    "__version__",
    "draw_blurhash",
    "draw_thumbhash",
    "placeholder",
    "probe",
    "thumbhash",
    "thumbnail",
    "thumbnail_many",
]

# Importing it from `typing` would take three times as long as importing this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from xaccel.config import Config
else:
    # Loading the settings imports most of the package and takes 5 MB in each process. Code that
    # only makes thumbnails does not need them. Type checkers must not see this function: with it,
    # they would accept any name.
    def __getattr__(name: str) -> object:
        if name == "Config":
            from xaccel.config import Config  # noqa: PLC0415

            return Config
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
