from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from os import PathLike
from types import TracebackType
from typing import (
    Any,
    Literal,
    NoReturn,
    Protocol,
    SupportsIndex,
    TypeAlias,
    TypedDict,
    Unpack,
    final,
)

from xaccel.exceptions import XaccelError

__version__: str

class _Readable(Protocol):
    def read(self) -> bytes: ...

_Usage: TypeAlias = tuple[int, int]  # files, and their bytes on the disk
_Source: TypeAlias = bytes | str | PathLike[str] | _Readable
_Format: TypeAlias = Literal["jpeg", "png", "webp", "avif", "gif"]
_SourceFormat: TypeAlias = Literal["jpeg", "png", "webp", "gif", "bmp", "tiff", "avif"]
_Fit: TypeAlias = Literal["contain", "cover", "fill", "pad"]
_FormatOption: TypeAlias = Literal["jpeg", "png", "webp", "avif", "gif", "auto"]

@final
class Spec:
    """What a thumbnail looks like; `str()` gives its text in a URL.

    Args:
        width: Of the box, in pixels; None = free.
        height: Of the box, in pixels; None = free.
        fit: "contain" (the whole picture within the box, never enlarged), "cover" (the box
            full, the overhang cropped), "fill" (stretched) or "pad" (contained, the rest of
            the box in the background colour).
        upscale: Let "contain" and "pad" enlarge the picture.
        gravity: Which part stays when cropped: "n", "ne", ..., "c", "smart", or a focal point
            `(x, y)` in fractions of the picture. None = the centre.
        crop: The part of the source to use, `(x, y, width, height)` in fractions.
        rotate: Degrees clockwise: 0, 90, 180 or 270. The box is that of the turned picture.
        flip: "h" or "v".
        blur: Sigma of a Gaussian blur in pixels, at most 100.
        sharpen: Sigma of an unsharp mask in pixels, at most 10.
        background: Six hexadecimal digits, shown through transparent parts and as padding.
        dpr: Pixels of the thumbnail for one of the box, 0.1 to 8.
        quality: 1 to 100; None = the setting for the format.
        format: None = by the ending of the source's name.
        version: Eight characters of base64url that change when the source does.

    Raises:
        xaccel.exceptions.SpecError: For a value that an option does not take.
    """

    def __new__(
        cls,
        width: int | None = None,
        height: int | None = None,
        *,
        fit: str = "contain",
        upscale: bool = False,
        gravity: str | tuple[float, float] | None = None,
        crop: str | tuple[float, float, float, float] | None = None,
        rotate: int = 0,
        flip: str | None = None,
        blur: float | None = None,
        sharpen: float | None = None,
        background: str | None = None,
        dpr: float | None = None,
        quality: int | None = None,
        format: str | None = None,
        version: str | None = None,
    ) -> Spec: ...
    @staticmethod
    def parse(text: str) -> Spec:
        """Read a spec in its canonical spelling.

        Raises:
            xaccel.exceptions.SpecError: Saying what is wrong and what would be right.
        """

    def replace(self, **changes: Any) -> Spec:
        """The same spec with other values, named as in the constructor."""

    def output_size(self, width: int, height: int, /) -> tuple[int, int]:
        """The size of the thumbnail of an upright source of this size, all in pixels.

        Raises:
            xaccel.exceptions.ImageTooLarge: It is too large to be made.
        """

    def output_format(self, source_name: str) -> _FormatOption:
        """The format of the thumbnail of a source of this name; "auto" if the spec says so."""

    @property
    def width(self) -> int | None: ...
    @property
    def height(self) -> int | None: ...
    @property
    def fit(self) -> _Fit: ...
    @property
    def upscale(self) -> bool: ...
    @property
    def gravity(self) -> str | tuple[float, float] | None: ...
    @property
    def crop(self) -> tuple[float, float, float, float] | None: ...
    @property
    def rotate(self) -> Literal[0, 90, 180, 270]: ...
    @property
    def flip(self) -> Literal["h", "v"] | None: ...
    @property
    def blur(self) -> float | None: ...
    @property
    def sharpen(self) -> float | None: ...
    @property
    def background(self) -> str | None: ...
    @property
    def dpr(self) -> float | None: ...
    @property
    def quality(self) -> int | None: ...
    @property
    def format(self) -> _FormatOption | None: ...
    @property
    def version(self) -> str | None: ...
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, tuple[str]]: ...

@final
class Limits:
    """What a source may be.

    They bound the memory of one call: twice the bytes of the source, 48 bytes for each of its
    pixels, 64 for each of the thumbnail's, and 16 MiB. Where an animation stays one, the pixels
    of all its frames count, else those of the first. It is mostly less: a JPEG of a photograph
    takes 1 to 10 bytes for each pixel of the source, an AVIF 17 to 29, with `linear` and opacity
    47; a thumbnail as AVIF takes 37. A PNG that isn't interlaced is resized as its rows are
    decoded, and in memory as a whole only with `linear`, for `gravity="smart"`, or at its own size.

    Args:
        max_pixels: Of the source, all of its frames together.
        max_bytes: Of the encoded source.
        max_frames: Of an animation.
        max_side: Pixels of the longer side of the thumbnail.
        timeout: Seconds, looked at between the steps, and while a PNG is decoded; None = no limit.
    """

    def __new__(
        cls,
        *,
        max_pixels: int = 50_000_000,
        max_bytes: int = 52_428_800,
        max_frames: int = 100,
        max_side: int = 8192,
        timeout: float | None = None,
    ) -> Limits: ...
    @property
    def max_pixels(self) -> int: ...
    @property
    def max_bytes(self) -> int: ...
    @property
    def max_frames(self) -> int: ...
    @property
    def max_side(self) -> int: ...
    @property
    def timeout(self) -> float | None: ...
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...

@final
class Thumbnail:
    """A finished thumbnail."""

    @property
    def data(self) -> bytes:
        """The encoded file."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def format(self) -> _Format: ...
    @property
    def media_type(self) -> str: ...

@final
class ImageInfo:
    """What the header of an image says."""

    @property
    def width(self) -> int:
        """Of the upright picture."""

    @property
    def height(self) -> int:
        """Of the upright picture."""

    @property
    def format(self) -> _SourceFormat: ...
    @property
    def orientation(self) -> int:
        """As in EXIF, 1 to 8; already taken into account in width and height."""

    @property
    def frames(self) -> int: ...
    @property
    def has_alpha(self) -> bool: ...
    @property
    def icc(self) -> bool:
        """Whether the image brings a colour profile."""

@final
class Incoming:
    """An image that arrives piece by piece, perhaps from another machine."""

    def __new__(cls) -> Incoming: ...
    def feed(self, piece: bytes, /) -> bool:
        """Take the next piece.

        Returns:
            True with the piece that completes what thumbnails take that are no larger than an
            eighth of a JPEG, less some headroom: of a progressive file often the first half.
        """

    def content(self) -> bytes:
        """What has arrived."""

    def __len__(self) -> int: ...

def render(
    source: _Source,
    spec: Spec,
    *,
    format: str,
    quality: Mapping[str, int] | None = None,
    linear: bool = False,
    limits: Limits | None = None,
    is_start: bool = False,
) -> Thumbnail:
    """Make the thumbnail that a spec describes.

    Args:
        source: The encoded image, its path, or a binary file.
        spec: What the thumbnail looks like. Its format is of no importance here.
        format: "jpeg", "png", "webp", "avif" or "gif".
        quality: By format, for a spec without one.
        linear: Average light instead of samples when resizing: lights in the dark, stars and
            thin bright lines keep their brightness. Not the default, since a browser that
            shrinks a picture averages samples, as Pillow and libvips do, and since it can't
            shrink while decoding: on 19 of Debian's wallpapers it takes 3 (640 pixels), 6 (300) and
            17 times (96) as long in the mean. On 24 of them the default's SSIM with a linear
            reference is 0.993 or more in half of the thumbnails at 96 pixels, and 0.92 at worst.
        limits: What the source may be.
        is_start: The source is but the start of a JPEG, see `Incoming.feed`. When more of it is
            needed, that is a `CorruptImage`.

    Raises:
        xaccel.exceptions.ImageTooLarge: A limit is exceeded.
        xaccel.exceptions.UnsupportedImage: The source is no image that can be read.
        xaccel.exceptions.CorruptImage: It can't be decoded.
        xaccel.exceptions.FileNotFound: There is no file at this path.
    """

class _Options(TypedDict, total=False):
    fit: str
    upscale: bool
    gravity: str | tuple[float, float] | None
    crop: str | tuple[float, float, float, float] | None
    rotate: int
    flip: str | None
    blur: float | None
    sharpen: float | None
    background: str | None
    dpr: float | None
    quality: int | None
    format: str | None

def thumbnail(
    source: _Source,
    width: int | None = None,
    height: int | None = None,
    *,
    progressive: bool = False,
    subsampling: Literal["4:2:0", "4:4:4"] = "4:2:0",
    colors: int | None = None,
    linear: bool = False,
    limits: Limits | None = None,
    **options: Unpack[_Options],
) -> Thumbnail:
    """Make a thumbnail; the errors are those of `render`.

    Without a format it is of the same kind as the source. An option that is not for the format
    that is written changes nothing.

    Args:
        source: The encoded image, its path, or a binary file.
        width: Of the box, in pixels.
        height: Of the box, in pixels.
        progressive: JPEG: in scans from coarse to fine, which a browser shows as they arrive.
        subsampling: JPEG: the resolution of colour; "4:4:4" is all of it, "4:2:0" half of it
            both ways. All of it is for text and thin coloured lines.
        colors: PNG and GIF: a palette of at most so many colours, 2 to 256, dithered. Without,
            a PNG gets a palette only where that loses nothing.
        linear: As for `render`.
        limits: What the source may be.
        options: Those of `Spec`.
    """

def thumbnail_many(
    sources: Iterable[_Source],
    width: int | None = None,
    height: int | None = None,
    *,
    threads: int | None = None,
    progressive: bool = False,
    subsampling: Literal["4:2:0", "4:4:4"] = "4:2:0",
    colors: int | None = None,
    linear: bool = False,
    limits: Limits | None = None,
    **options: Unpack[_Options],
) -> list[Thumbnail | XaccelError]:
    """Make thumbnails of several sources at once; the options are those of `Spec`.

    Args:
        sources: Encoded images, paths or binary files.
        width: Of the box, in pixels.
        height: Of the box, in pixels.
        threads: How many to make at a time; None = one for each processor.
        progressive: As for `thumbnail`.
        subsampling: As for `thumbnail`.
        colors: As for `thumbnail`.
        linear: As for `render`.
        limits: For each of them.
        options: Those of `Spec`.

    Returns:
        For each source, in their order, the thumbnail or the error: one bad image does not
        cost the others.
    """

def placeholder(source: _Source, *, limits: Limits | None = None) -> str:
    """A blurred picture as a `data:` URI of some hundred bytes (a drawn ThumbHash).

    For the background of an `<img>` until the thumbnail is there. The errors are those of
    `render`.
    """

def probe(source: _Source, *, limits: Limits | None = None) -> ImageInfo:
    """Read the header of an image; the errors are those of `render`."""

def codecs() -> dict[str, str]:
    """The codec libraries and their versions."""

@final
class Signer:
    """Signs URLs and verifies them with a list of secrets.

    The signature covers the decoded path, as nginx's `$uri` holds it, the expiry and (with
    `"hmac-sha256"`) the query. A signed URL has exactly one spelling: `verify` refuses every
    other one, even where a server would take it for the same.

    Args:
        secrets: A secret, or a list of them with the newest first: the first one signs, all
            verify. `"hmac-sha256"` needs at least 16 bytes; `"secure-link-md5"` warns below.
        algorithm: `"hmac-sha256"`, or `"secure-link-md5"`, which stock nginx verifies with
            `secure_link_md5 "$secure_link_expires$uri secret"`.
        key_param: The name of the query parameter for the signature.
        expires_param: The name of the query parameter for the expiry.

    Raises:
        xaccel.exceptions.ConfigError: For secrets, names or an algorithm that can't be used.
    """

    def __new__(
        cls,
        secrets: str | bytes | Iterable[str | bytes],
        *,
        algorithm: str = "hmac-sha256",
        key_param: str = "key",
        expires_param: str = "expires",
    ) -> Signer: ...
    @property
    def algorithm(self) -> Literal["hmac-sha256", "secure-link-md5"]: ...
    @property
    def key_param(self) -> str: ...
    @property
    def expires_param(self) -> str: ...
    def sign(
        self,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
    ) -> str:
        """Sign a path, with the query that may follow it.

        Args:
            url: The decoded path in its normal form (`/föö bär.jpg`, no `//`, no `..`) and, if
                there is one, `?` and its percent-encoded query, which is sorted by name and
                signed along; `"secure-link-md5"` can't sign one.
            expires: The last second in which the URL is valid: Unix seconds or an aware
                datetime.
            expires_in: How long it is valid, in seconds. Rounded up to a multiple of half of
                it, so that the URL stays the same; it lives at most 1.5 times as long.

        Returns:
            The percent-encoded path and query, the signature and the expiry.

        Raises:
            ValueError: The path has no single normal form, the query can't be signed, or the
                expiry makes no sense.
        """

    def sign_path(
        self,
        path: str,
        /,
        *,
        params: Mapping[str, str] | None = None,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
    ) -> str:
        """As `sign`, with a path in which `?` and `#` are but characters of a file's name.

        Args:
            path: The decoded path.
            params: Query parameters to sign along, decoded.
            expires: See `sign`.
            expires_in: See `sign`.
        """

    def sign_many(
        self,
        urls: Iterable[str],
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
    ) -> list[str]:
        """As `sign` for each URL, all with one expiry."""

    def verify(self, url: str, /, *, now: int | None = None) -> str:
        """Check a URL, which is what `sign` made: no scheme, no host, no fragment.

        Args:
            url: The path and query as the client sent them, not decoded.
            now: Unix seconds; None = the clock.

        Returns:
            The decoded path, followed by `?` and the query that was signed along, if any. A `?`
            may also be part of the path; `verify_parts` tells them apart.

        Raises:
            xaccel.exceptions.BadSignature: With the reason, which is for the log.
            xaccel.exceptions.SignatureExpired: The signature is right, its time has passed.
        """

    def verify_parts(self, url: str, /, *, now: int | None = None) -> VerifiedUrl:
        """As `verify`, with the URL in its parts."""

    def derived_keys(self) -> list[bytes]:
        """The HMAC keys, newest first.

        All that another verifier of these URLs needs, such as a script in the web server, and
        what may be written to a file for it (readable by the server alone: whoever knows
        these keys can sign). The secrets can't be computed from them.

        Raises:
            ValueError: With `"secure-link-md5"`, where nginx needs the secret itself.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would write the secrets out."""

@final
class VerifiedUrl:
    """A URL whose signature and expiry are good."""

    @property
    def path(self) -> str:
        """The decoded path."""

    @property
    def params(self) -> list[tuple[str, str]]:
        """The decoded query parameters that were signed along, sorted by name."""

    @property
    def expires(self) -> int | None:
        """The last Unix second in which the URL is valid; None = for ever."""

    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...

@final
class ThumborSigner:
    """Signs URLs for thumbor, and for imagor.

    Args:
        key: thumbor's `SECURITY_KEY`; a str is taken in UTF-8, as thumbor does (libthumbor's
            `CryptoURL` takes Latin-1).
        algorithm: `"sha1"`, which is thumbor's; imagor also has `"sha256"` and `"sha512"`.
        length: imagor's `IMAGOR_SIGNER_TRUNCATE`: the characters of a signature. None = all.

    Raises:
        xaccel.exceptions.ConfigError: For a key, algorithm or length that can't be used.
    """

    def __new__(
        cls, key: str | bytes, *, algorithm: str = "sha1", length: int | None = None
    ) -> ThumborSigner: ...
    def sign_path(self, path: str, /) -> str:
        """Sign the path that follows the signature, encoded as it is sent: `/signature/path`."""

    def url(
        self,
        source: str,
        spec: Spec | str,
        /,
        *,
        source_size: tuple[int, int] | None = None,
    ) -> str:
        """The path of a thumbnail's URL.

        `"auto"` is left to the server's own negotiation (`AUTO_WEBP`).

        Args:
            source: What the server's loader loads, not encoded: a name or a URL.
            spec: What the thumbnail looks like.
            source_size: Width and height of the upright source in pixels, in which thumbor counts
                where a spec has fractions: with a focal point or a crop.

        Raises:
            xaccel.exceptions.SpecError: Naming the option that thumbor does not have.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would write the key out."""

@final
class ImgproxySigner:
    """Signs URLs for imgproxy.

    Args:
        keys: `IMGPROXY_KEY`, in hexadecimal: one, or a list of which the first signs.
        salts: `IMGPROXY_SALT`, likewise, a salt for each key.
        size: `IMGPROXY_SIGNATURE_SIZE`: the bytes of a signature, 8 to 32.

    Raises:
        xaccel.exceptions.ConfigError: For keys, salts or a size that can't be used.
    """

    def __new__(
        cls, keys: str | Sequence[str], salts: str | Sequence[str], *, size: int = 32
    ) -> ImgproxySigner: ...
    def sign_path(self, path: str, /) -> str:
        """Sign the path that follows the signature: `/signature/path`."""

    def url(
        self,
        source: str,
        spec: Spec | str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
    ) -> str:
        """The path of a thumbnail's URL.

        `"auto"` is left to the server's own negotiation (`IMGPROXY_AUTO_WEBP`); `flip` needs
        imgproxy 3.31.

        Args:
            source: What imgproxy fetches, such as `https://example.org/a.jpg`.
            spec: What the thumbnail looks like.
            expires: See `Signer.sign`.
            expires_in: See `Signer.sign`.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would write the keys out."""

@final
class HmacSecureLinkSigner:
    """Signs URLs for nginx's module hmac_secure_link, version 2.

    The module leaves it to the configuration what is signed. `url` is for this one, `token` for
    any other:

        secure_link_hmac           "$arg_st,$arg_ts,$arg_e";
        secure_link_hmac_message   "$uri|$arg_ts|$arg_e";
        secure_link_hmac_algorithm sha256;
        secure_link_hmac_secret    "...";

    Args:
        secret: The value of `secure_link_hmac_secret`.
        algorithm: `"sha1"`, `"sha256"` or `"sha512"`.

    Raises:
        xaccel.exceptions.ConfigError: For a secret or algorithm that can't be used.
    """

    def __new__(cls, secret: str | bytes, *, algorithm: str = "sha256") -> HmacSecureLinkSigner: ...
    def token(self, message: str, /) -> str:
        """The token for a message, whatever it is made of."""

    def url(
        self,
        path: str,
        /,
        *,
        expires_in: int | timedelta | None = None,
        now: int | None = None,
    ) -> str:
        """Sign a decoded path: `path?st=token&ts=timestamp&e=seconds`.

        Args:
            path: The decoded path in its normal form.
            expires_in: How long it is valid; see `Signer.sign`. None = for ever.
            now: Unix seconds; None = the clock.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would write the secret out."""

def encode_path(path: str, /) -> str:
    """Percent-encode a decoded path in the one canonical way, as `Signer` does."""

@final
class Location:
    """A regular file under a root."""

    @property
    def path(self) -> str:
        """The file, absolute. Unless links are followed, no part below the root is one."""

    @property
    def root(self) -> str:
        """The directory that contains it, as it was configured."""

    @property
    def url(self) -> str:
        """The internal URL at which the server sees the file, percent-encoded."""

    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def mtime(self) -> int:
        """When the file was last changed, in whole seconds since 1970."""

    @property
    def mtime_ns(self) -> int:
        """When the file was last changed, in nanoseconds since 1970."""

    @property
    def device(self) -> int:
        """The number of its file system, which with `inode` tells it from any other file."""

    @property
    def inode(self) -> int:
        """Its number on that file system."""

    def read(self, limit: int, /) -> tuple[bytes, int] | None:
        """Read the file, if it is still the one that was located.

        Args:
            limit: The number of bytes up to which it is read.

        Returns:
            Its content, and when that was last changed, in whole seconds since 1970; nothing if
            it is longer.

        Raises:
            FileNotFound: It is gone, or another file has taken its place, or it can't be read.
        """

@final
class OpenedFile:
    """A regular file under a root, open for reading.

    A context manager that closes the file at the end of the `with` block. It is closed, too, when
    nothing refers to it any more.
    """

    @property
    def location(self) -> Location:
        """The file, as it was when it was opened."""

    def fileno(self) -> int:
        """The descriptor, which stays in the care of this object. `exec` closes it.

        Raises:
            ValueError: The file is closed, or its descriptor detached.
        """

    def detach(self) -> int:
        """Hand over the descriptor, which the caller closes from now on, as by `os.fdopen`.

        Raises:
            ValueError: The file is closed, or its descriptor detached already.
        """

    def read(self, limit: int, /) -> bytes | None:
        """Read the file from where its descriptor stands, which is its start at first.

        Args:
            limit: The number of bytes up to which it is read.

        Returns:
            Its content, no longer than `location.size`; `None` if that is more than `limit`.

        Raises:
            ValueError: The file is closed, or its descriptor detached.
            OSError: It can't be read.
        """

    def close(self) -> None:
        """Close the file; nothing happens if it is closed already or detached."""

    def __enter__(self) -> OpenedFile: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...

@final
class PathMap:
    """Directories and the internal URL prefixes at which the web server sees them.

    Matching is literal, case-sensitive and by whole components; the longest directory wins.

    Args:
        roots: Pairs of an absolute directory and a prefix such as `/_private/files/`.
        follow_symlinks: Whether symbolic links may lead out of their root.

    Raises:
        xaccel.exceptions.ConfigError: A directory or a prefix is invalid.
    """

    def __new__(
        cls,
        roots: Iterable[tuple[str | PathLike[str], str]],
        /,
        *,
        follow_symlinks: bool = False,
    ) -> PathMap: ...
    @staticmethod
    def parse(header: str, /, *, follow_symlinks: bool = False) -> PathMap:
        """Read an `X-Accel-Mapping`: `/directory/=/prefix/, "/a, b/"="/c/"`.

        Raises:
            xaccel.exceptions.ConfigError: The text is of another form.
        """

    @property
    def roots(self) -> list[tuple[str, str]]:
        """The pairs of directory and prefix, longest directory first."""

    def find(self, path: str | PathLike[str], /) -> str | None:
        """The internal URL of an absolute path, by its text alone; `None` outside every root."""

    def locate(self, path: str | PathLike[str], /) -> Location:
        """Find a regular file under a root on the disk.

        Raises:
            xaccel.exceptions.FileNotFound: It is absent, not a regular file, outside every root
                or behind a link that leads out of its root.
            OSError: The process has too many open files, or the disk fails.
        """

    def open(self, path: str | PathLike[str], /) -> OpenedFile:
        """Find a file as `locate` does and open it, in one step that nobody can get between.

        Raises:
            xaccel.exceptions.FileNotFound: As `locate`; or the file can't be read.
            OSError: The process has too many open files, or the disk fails.
        """

@final
class Cache:
    """The directory of finished thumbnails, shared by threads and processes.

    Args:
        directory: Created when first needed.
    """

    def __new__(cls, directory: str | PathLike[str], /) -> Cache: ...
    def path(self, uri: str, /) -> str:
        """The file of the thumbnail at a decoded path such as `/t/300x200/cat.jpg`.

        Raises:
            OSError: No thumbnail can be at this path.
        """

    def aside(self, uri: str, /) -> str:
        """Where the thumbnail is if `path(uri)` can't be a file: `x` when there is `x/b.png`.

        Raises:
            OSError: No thumbnail can be at this path.
        """

    @staticmethod
    def lock_number(uri: str, /) -> int:
        """The number of the lock for the thumbnail at `uri`."""

    def try_lock(self, number: int, /) -> CacheLock | None:
        """The right to make the thumbnails of this number, in all processes.

        Returns:
            The right, for a `with`; `None` when another has it.

        Raises:
            OSError: The cache can't be written to.
        """

    def try_enqueue(self, queue: int, /) -> CacheLock | None:
        """A place in the queue for the right to render.

        Returns:
            The place, for a `with`; `None` when `queue` others wait already.

        Raises:
            OSError: The cache can't be written to.
        """

    def try_admit(self, renders: int, /) -> CacheLock | None:
        """The right to render, which at most `renders` have at once in all processes.

        Returns:
            The right, for a `with`; `None` when others have it.

        Raises:
            OSError: The cache can't be written to.
        """

    def publish(self, uri: str, data: bytes, /, *, modified: int | None = None) -> str:
        """Make `data` the thumbnail at `uri`, in one step for every reader.

        Args:
            uri: The decoded path of its URL.
            data: The file.
            modified: The file's time of modification, in seconds since 1970, negative before it;
                by default now.

        Returns:
            Its file: `path(uri)`, or `aside(uri)` where the file system can't have the first.

        Raises:
            OSError: It can't be written; nothing is left behind.
        """

    def is_sweep_due(self, max_size: int, /) -> bool:
        """Whether enough was written since the last sweep, by all processes, to call for another.

        Ask it after each `publish`, and the thumbnails take no more than `max_size` bytes.

        Raises:
            OSError: The cache can't be read.
        """

    def sweep(self, *, max_size: int, inactive: int) -> tuple[_Usage, _Usage] | None:
        """Remove what is not read, as nginx's `proxy_cache_path` does. Readers need not stop.

        Args:
            max_size: The most bytes that the thumbnails take on the disk. A sweep leaves a
                sixteenth of it free for those that are written before the next one.
            inactive: Seconds after which a thumbnail that is not read is removed.

        Returns:
            What was removed and what is left; `None` when another process is sweeping.

        Raises:
            OSError: The cache can't be read or locked.
        """

    def purge(self, prefix: str, source: str, /) -> int:
        """Remove the thumbnails of a source below a URL prefix; returns how many there were.

        Raises:
            OSError: A file can't be removed, or the source can't have thumbnails.
        """

    def usage(self) -> _Usage:
        """The thumbnails that there are.

        Raises:
            OSError: The cache can't be read.
        """

    def clear(self) -> _Usage:
        """Remove all thumbnails; returns what was removed.

        Raises:
            OSError: The cache can't be read.
        """

@final
class CacheLock:
    """A right that one holder has at a time, given up at the end of the `with` block.

    A child that was forked meanwhile does not have it.
    """

    def __enter__(self) -> CacheLock: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
