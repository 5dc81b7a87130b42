"""Private files and thumbnails: the app decides, the web server does the work.

The framework adapters are `xaccel.flask` and `xaccel.django`; this package imports neither.
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

# That of `typing` would take three times as long to import as all of this.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from xaccel.config import Config
else:
    # What settings need is most of the package, and 4 MB in each process. Who only makes thumbnails
    # has none. Type checkers must not see this: they would take any name.
    def __getattr__(name: str) -> object:
        if name == "Config":
            from xaccel.config import Config  # noqa: PLC0415

            return Config
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
