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
from xaccel.config import Config
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
