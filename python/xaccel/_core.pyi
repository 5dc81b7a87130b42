from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from os import PathLike
from types import TracebackType
from typing import (
    Any,
    ClassVar,
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
    def read(self, size: int, /) -> bytes: ...

_Usage: TypeAlias = tuple[int, int]  # the number of files, and their bytes on the disk
_Source: TypeAlias = bytes | str | PathLike[str] | OpenedFile | _Readable
_Format: TypeAlias = Literal["jpeg", "png", "webp", "avif", "gif"]
_SourceFormat: TypeAlias = Literal["jpeg", "png", "webp", "gif", "bmp", "tiff", "avif"]
_Fit: TypeAlias = Literal["contain", "cover", "fill", "pad"]
_FormatOption: TypeAlias = Literal["jpeg", "png", "webp", "avif", "gif", "auto"]

@final
class Spec:
    """What a thumbnail looks like. `str()` returns its text in a URL.

    Args:
        width: The width of the box in pixels; None = free.
        height: The height of the box in pixels; None = free.
        fit: "contain" (the whole image fits in the box and is never enlarged), "cover" (the image
            fills the box, and what overlaps is cropped), "fill" (the image is stretched to the
            box) or "pad" (as "contain", with the rest of the box in the background colour).
        upscale: Whether the image may be enlarged. If not, and the image is smaller than the box,
            "contain" and "pad" leave it at its size, and "cover" and "fill" give a smaller box of
            the same proportions. A box whose pixel ratio asks for more pixels than the image has
            gets a lower ratio, and shows the same.
        gravity: Which part a crop keeps: "n", "ne", ..., "c", "smart", or a focal point `(x, y)`
            in fractions of the image. None or "center" = the centre.
        crop: The part of the source to use: `(x, y, width, height)` in fractions of it.
        rotate: Degrees clockwise: 0, 90, 180 or 270. The box applies to the rotated image.
        flip: "h" (left to right) or "v" (top to bottom).
        blur: The sigma of a Gaussian blur in pixels, at most 100.
        sharpen: The sigma of an unsharp mask in pixels, at most 10.
        background: The colour behind transparent parts and of the padding: six hexadecimal
            digits, or the name of a colour in CSS.
        dpr: The pixel ratio: pixels of the thumbnail per pixel of the box, 0.1 to 8.
        quality: 1 to 100; None = the setting for the format.
        format: The format of the thumbnail; None = by the extension of the source's name.
        version: Eight characters of base64url that change when the source does.

    Raises:
        xaccel.exceptions.SpecError: The value of an option is invalid.
    """

    OPTIONS: ClassVar[tuple[str, ...]]
    """The keywords of all options, in their order in a spec."""

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
        progressive: bool | None = None,
        subsampling: str | int | None = None,
        format: str | None = None,
        version: str | None = None,
    ) -> Spec: ...
    @staticmethod
    def parse(text: str) -> Spec:
        """Read a spec in its canonical spelling.

        Raises:
            xaccel.exceptions.SpecError: The text is invalid. The message says what is wrong and
                what would be right.
        """

    def replace(self, **changes: Any) -> Spec:
        """Return the same spec with other values, named as in the constructor."""

    def output_size(self, width: int, height: int, /) -> tuple[int, int]:
        """Return the width and height of the thumbnail, in pixels.

        Args:
            width: The width of the upright source in pixels.
            height: The height of the upright source in pixels.

        Raises:
            xaccel.exceptions.ImageTooLarge: The thumbnail would be too large.
        """

    def output_format(self, source_name: str) -> _FormatOption:
        """Return the format of the thumbnail of a source with this name.

        "auto" means that the spec leaves it to the negotiation with the browser.
        """

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
    def progressive(self) -> bool | None: ...
    @property
    def subsampling(self) -> Literal["420", "422", "444"] | None: ...
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
    """The limits of one call.

    They bound its memory: twice the bytes of the source, 48 bytes per pixel of the source, 64 bytes
    per pixel of the thumbnail, and 16 MiB. If the thumbnail is animated, the pixels of all frames
    count; otherwise only those of the first frame. Most calls take less. A JPEG of a photograph
    takes 1 to 10 bytes per pixel of the source. An AVIF takes 17 to 29, and 47 with `linear` and
    opacity. A thumbnail as AVIF takes 37 bytes per pixel. A PNG that is not interlaced is resized
    while its rows are decoded. The whole of it is in memory only with `linear`, with
    `gravity="smart"`, or at its own size.

    Args:
        max_pixels: The most pixels of the source, all frames together. A JPEG counts at the scale
            at which it is decoded for the thumbnail, but at least a quarter of its pixels. So by
            default photographs of up to 209 megapixels are rendered at half their size or less.
        max_bytes: The most bytes of the encoded source.
        max_frames: The most frames of an animation.
        max_side: The most pixels of the longer side of the thumbnail.
        timeout: The most seconds. They are checked between the steps, and while a PNG is decoded.
            None = no limit.
    """

    def __new__(
        cls,
        *,
        max_pixels: int = 52_428_800,
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
    @property
    def is_complete(self) -> bool:
        """Whether the source had all pixels that the thumbnail shows.

        False for a source that is damaged, or has not arrived as a whole. Keep such a thumbnail
        for a minute only.
        """

@final
class ImageInfo:
    """The facts in the header of an image."""

    @property
    def width(self) -> int:
        """The width of the upright image, in pixels."""

    @property
    def height(self) -> int:
        """The height of the upright image, in pixels."""

    @property
    def format(self) -> _SourceFormat: ...
    @property
    def orientation(self) -> int:
        """The orientation as in EXIF, 1 to 8. `width` and `height` already take it into account."""

    @property
    def frames(self) -> int: ...
    @property
    def has_alpha(self) -> bool: ...
    @property
    def icc(self) -> bool:
        """Whether the image has a colour profile."""

@final
class StreamedSource:
    """An image that arrives piece by piece, for example from another machine."""

    def __new__(cls) -> StreamedSource: ...
    def feed(self, piece: bytes, /) -> bool:
        """Add the next piece.

        Returns:
            True once, with the piece after which the start of a JPEG is enough for a thumbnail
            somewhat smaller than an eighth of it. Of a progressive file that is often the first
            half.
        """

    def content(self) -> bytes:
        """Return the bytes that have arrived."""

    def __len__(self) -> int: ...

def render(
    source: _Source,
    spec: Spec,
    *,
    format: str,
    quality: Mapping[str, int] | None = None,
    progressive: bool = False,
    subsampling: Literal["420", "422", "444"] = "420",
    linear: bool = False,
    limits: Limits | None = None,
    is_partial: bool = False,
) -> Thumbnail:
    """Render the thumbnail that a spec describes.

    Args:
        source: The encoded image, its path, or a binary file.
        spec: What the thumbnail looks like. `format` replaces its format.
        format: "jpeg", "png", "webp", "avif" or "gif".
        quality: The quality by format, for a spec without one.
        progressive: JPEG: whether to write scans from coarse to fine, for a spec that does not say.
        subsampling: JPEG: the resolution of the colour, for a spec without one.
        linear: Whether resizing averages light instead of samples. Lights in the dark, stars and
            thin bright lines then keep their brightness. By default samples are averaged, as
            browsers, Pillow and libvips do. `linear` is slower, since it can't shrink an image
            while decoding it: on 19 of Debian's wallpapers it takes 3 times as long for thumbnails
            of 640 pixels, 6 times for 300 and 17 times for 96, on average. The results are close:
            on 24 of the wallpapers, at 96 pixels, the default has an SSIM with a linear reference
            of at least 0.993 for half of the thumbnails, and of 0.92 for the worst.
        limits: The limits of the call; None = the defaults of `Limits`.
        is_partial: Whether the source is only the start of a JPEG, see `StreamedSource.feed`. If it
            is not enough, that is a `CorruptImage`.

    Raises:
        xaccel.exceptions.ImageTooLarge: The source or the thumbnail exceeds a limit.
        xaccel.exceptions.UnsupportedImage: The source is not an image, or its format is not
            supported.
        xaccel.exceptions.CorruptImage: The source can't be decoded.
        xaccel.exceptions.RenderTimeout: It takes longer than `Limits.timeout`.
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
    progressive: bool | None
    subsampling: str | int | None
    format: str | None

def thumbnail(
    source: _Source,
    width: int | None = None,
    height: int | None = None,
    *,
    colors: int | None = None,
    linear: bool = False,
    limits: Limits | None = None,
    **options: Unpack[_Options],
) -> Thumbnail:
    """Make a thumbnail. It raises the errors of `render`.

    Without `format` the thumbnail has the format of the source. An option of another format has no
    effect.

    Args:
        source: The encoded image, its path, or a binary file.
        width: The width of the box in pixels; None = free.
        height: The height of the box in pixels; None = free.
        colors: PNG and GIF: the most colours of a palette, 2 to 256; the image is dithered. None =
            a PNG has a palette only if that loses nothing.
        linear: See `render`.
        limits: See `render`.
        options: The options of `Spec`.
    """

def thumbnail_many(
    sources: Iterable[_Source],
    width: int | None = None,
    height: int | None = None,
    *,
    threads: int | None = None,
    colors: int | None = None,
    linear: bool = False,
    limits: Limits | None = None,
    **options: Unpack[_Options],
) -> list[Thumbnail | XaccelError]:
    """Make thumbnails of several sources at once.

    Args:
        sources: Encoded images, paths or binary files.
        width: The width of the box in pixels; None = free.
        height: The height of the box in pixels; None = free.
        threads: How many thumbnails to make at once; None = one per CPU.
        colors: See `thumbnail`.
        linear: See `render`.
        limits: The limits of each source; see `render`.
        options: The options of `Spec`.

    Returns:
        The thumbnail or the error of each source, in the order of the sources. A bad image does
        not stop the others.
    """

def placeholder(source: _Source, *, limits: Limits | None = None) -> str:
    """Make a blurred picture as a `data:` URI of a few hundred bytes (a drawn ThumbHash).

    It is the background of an `<img>` until the thumbnail has arrived. It raises the errors of
    `render`.
    """

def thumbhash(source: _Source, *, limits: Limits | None = None) -> str:
    """Return the ThumbHash of an image, as base64 of at most 36 characters.

    Keep it with the image, so that `draw_thumbhash` makes the placeholder without the image. It
    raises the errors of `render`.
    """

def draw_thumbhash(hash: str, /) -> str:
    """Return the picture of a ThumbHash as a `data:` URI, as `placeholder` makes it.

    Raises:
        xaccel.exceptions.CorruptImage: The text is not a ThumbHash.
    """

def probe(source: _Source, *, limits: Limits | None = None) -> ImageInfo:
    """Read the header of an image. It raises the errors of `render`."""

def available_parallelism() -> int:
    """Return how many CPUs this process may use, by its affinity and its cgroup's quota."""

def codecs() -> dict[str, str]:
    """Return the codec libraries and their versions."""

@final
class Signer:
    """Signs URLs and verifies them with a list of secrets.

    The signature covers the decoded path, as in nginx's `$uri`, the expiry and (with
    `"hmac-sha256"`) the query. A signed URL has exactly one spelling. `verify` refuses every other
    spelling, even one that a server treats as the same URL.

    Args:
        secrets: A secret, or a list of secrets, newest first: the first signs, all verify.
            `"hmac-sha256"` needs at least 16 bytes; `"secure-link-md5"` warns about fewer.
        algorithm: `"hmac-sha256"`, or `"secure-link-md5"`, which stock nginx verifies with
            `secure_link_md5 "$secure_link_expires$uri secret"`.
        key_param: The name of the query parameter with the signature.
        expires_param: The name of the query parameter with the expiry.

    Raises:
        xaccel.exceptions.ConfigError: A secret, a name or the algorithm is invalid.
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
        """Sign a path and its query.

        Args:
            url: The decoded path in its normal form (`/föö bär.jpg`, without `//` and `..`). A
                percent-encoded query may follow after `?`; it is sorted by name and signed too.
                `"secure-link-md5"` can't sign a query.
            expires: The last second in which the URL is valid: Unix seconds or an aware
                datetime.
            expires_in: How long the URL is valid, at least: seconds or a timedelta. The expiry is
                rounded up to a multiple of half of it, so that the URL stays the same for a while.
                The URL is valid for at most 1.5 times as long.

        Returns:
            The percent-encoded path and query, with the signature and the expiry.

        Raises:
            ValueError: The path has no single normal form, the query can't be signed, or the
                expiry is invalid.
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
        """Sign a path in which `?` and `#` are ordinary characters; see `sign`.

        Args:
            path: The decoded path.
            params: The decoded query parameters, which are signed too.
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
        """Sign several URLs with one expiry; see `sign`."""

    def verify(self, url: str, /, *, now: int | None = None) -> str:
        """Verify a URL that `sign` has written, without scheme, host and fragment.

        Args:
            url: The path and query as the client sent them, not decoded.
            now: The time in Unix seconds; None = the clock.

        Returns:
            The decoded path, followed by `?` and the signed query if there is one. A `?` may also
            be part of the path; `verify_parts` returns the two apart.

        Raises:
            xaccel.exceptions.BadSignature: The signature is wrong. The message has the reason,
                which is for the log.
            xaccel.exceptions.SignatureExpired: The signature is right, but it has expired.
        """

    def verify_parts(self, url: str, /, *, now: int | None = None) -> VerifiedUrl:
        """Verify a URL, and return its parts; see `verify`."""

    def derived_keys(self) -> list[bytes]:
        """Return the HMAC keys, newest first.

        Another verifier of these URLs, such as a script in the web server, needs only these keys.
        You may write them to a file that only the server can read: anyone who has them can sign.
        The secrets can't be computed from them.

        Raises:
            ValueError: The algorithm is `"secure-link-md5"`, for which nginx needs the secret.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would reveal the secrets."""

@final
class SecureLinkSigner:
    """Signs URLs for any expression of nginx's `secure_link_md5`, and verifies them.

    Write the expression as in nginx's configuration, and `$secret` in place of the secret. The
    other variables in it can be `$uri` (required), `$secure_link_expires`, `$remote_addr`,
    `$remote_user`, `$host`, `$server_name`, `$scheme`, `$http_name` and `$cookie_name`. Except for
    the first two, you pass their values as `variables`, as nginx will see them.

    `SecureLinkSigner(secret, "$secure_link_expires$uri$remote_addr $secret")` needs these lines;
    every URL expires:

        secure_link $arg_md5,$arg_expires;
        secure_link_md5 "$secure_link_expires$uri$remote_addr SECRET";
        if ($secure_link = "") { return 403; }
        if ($secure_link = "0") { return 410; }

    `SecureLinkSigner(secret, "$secret$uri", key_param="st")` needs these; no URL expires:

        secure_link $arg_st;
        secure_link_md5 "SECRET$uri";
        if ($secure_link = "") { return 403; }

    Avoid `$uri$secure_link_expires`, in which a visitor can move digits from the path to the
    expiry.

    For URLs of both kinds, choose the argument of `secure_link` by a map:

        map $arg_expires $link { "" $arg_md5; default "$arg_md5,$arg_expires"; }
        secure_link $link;

    Args:
        secrets: A secret, or a list of secrets, newest first: the first signs, all verify.
        expression: The argument of `secure_link_md5`, with `$secret` in place of the secret.
        key_param: The name of the query parameter with the signature, as in `$arg_md5`.
        expires_param: The name of the query parameter with the expiry, as in `$arg_expires`.

    Raises:
        xaccel.exceptions.ConfigError: A secret, a name or the expression is invalid.
    """

    def __new__(
        cls,
        secrets: str | bytes | Iterable[str | bytes],
        expression: str,
        *,
        key_param: str = "md5",
        expires_param: str = "expires",
    ) -> SecureLinkSigner: ...
    @property
    def expression(self) -> str: ...
    def sign(
        self,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """Sign a path.

        Args:
            url: The decoded path, see `Signer.sign`. nginx's `$uri` has no query.
            expires: See `Signer.sign`. The expression must have `$secure_link_expires`.
            expires_in: See `Signer.sign`.
            variables: The values of the other variables in the expression, such as
                `{"remote_addr": "192.0.2.7"}`.

        Raises:
            ValueError: The path has no single normal form, the expiry is invalid or not covered, or
                the values are not those that the expression needs.
        """

    def sign_path(
        self,
        path: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """Sign a path in which `?` and `#` are ordinary characters; see `sign`."""

    def verify(
        self, url: str, /, *, now: int | None = None, variables: Mapping[str, str] | None = None
    ) -> str:
        """Verify a URL that `sign` has written; see `Signer.verify`.

        Args:
            url: The path and query as the client sent them, not decoded.
            now: The time in Unix seconds; None = the clock.
            variables: The values that this request has for the variables in the expression.

        Returns:
            The decoded path.

        Raises:
            xaccel.exceptions.BadSignature: The signature is wrong.
            xaccel.exceptions.SignatureExpired: The signature is right, but it has expired.
            ValueError: The values are not those that the expression needs.
        """

    def verify_parts(
        self, url: str, /, *, now: int | None = None, variables: Mapping[str, str] | None = None
    ) -> VerifiedUrl:
        """Verify a URL, and return its parts; see `verify`."""

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would reveal the secrets."""

@final
class VerifiedUrl:
    """A URL whose signature is right and has not expired."""

    @property
    def path(self) -> str:
        """The decoded path."""

    @property
    def params(self) -> list[tuple[str, str]]:
        """The decoded query parameters, which were signed too, sorted by name."""

    @property
    def expires(self) -> int | None:
        """The last Unix second in which the URL is valid; None = it never expires."""

    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...

@final
class S3Signer:
    """Signs requests to Amazon S3 and to stores that speak its API (Signature Version 4).

    Args:
        access_key: The access key ID.
        secret_key: The secret access key.
        region: The region, such as `eu-central-1`. Many other stores take `us-east-1`.
        endpoint: The origin of the store, such as `http://localhost:9000`; None = Amazon S3 in the
            region.
        addressing: `"path"` for `https://endpoint/bucket/key`, or `"virtual"` for
            `https://bucket.endpoint/key`.
        session_token: The token of temporary credentials.

    Raises:
        xaccel.exceptions.ConfigError: An argument is invalid.
    """

    def __new__(
        cls,
        *,
        access_key: str,
        secret_key: str,
        region: str,
        endpoint: str | None = None,
        addressing: str = "path",
        session_token: str | None = None,
    ) -> S3Signer: ...
    def url(self, url: str, /) -> str:
        """Return the URL of `s3://bucket/key` at the endpoint, without a signature.

        Raises:
            ValueError: The URL has another form, the key has a `.` or `..` segment, or the bucket
                can't be part of a host name.
        """

    def sign(
        self,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
    ) -> str:
        """Presign a GET request; see `presign`."""

    def presign(
        self,
        method: str,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
        now: int | None = None,
    ) -> str:
        """Return a URL with which anyone can make one kind of request.

        The body is not signed. The URL is valid for at most seven days.

        Args:
            method: The HTTP method, such as `"GET"`. A URL for GET is not valid for HEAD.
            url: `s3://bucket/key`. The key is not percent-encoded.
            expires: The last second in which the URL is valid. The URL differs from one second to
                the next, because it has the time of its signature.
            expires_in: How long the URL is valid, at least; see `Signer.sign`. The URL stays the
                same for half of that time, or for a shorter time near the maximum.
            now: The time in Unix seconds; None = the clock.

        Raises:
            ValueError: The URL or the method is invalid, or the expiry is missing, over, or more
                than seven days ahead.
        """

    def sign_request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        payload_hash: str,
        /,
        *,
        now: int | None = None,
    ) -> dict[str, str]:
        """Return the headers to add to a request.

        Args:
            method: The HTTP method.
            url: The absolute URL, percent-encoded as it will be sent; see `url`.
            headers: Headers of the request, which are signed too. Those that clients or proxies
                change, such as User-Agent, are not. `Host` is that of the URL.
            payload_hash: The SHA-256 of the body in hexadecimal digits, or `"UNSIGNED-PAYLOAD"`.
            now: The time in Unix seconds; None = the clock.

        Raises:
            ValueError: The URL is not absolute or not encoded, or a header is invalid.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would reveal the key."""

@final
class GoogleCloudStorageHmac:
    """The HMAC half of `xaccel.signing.GoogleCloudStorageSigner`."""

    def __new__(
        cls, access_key: str, secret_key: str, /, *, endpoint: str | None = None
    ) -> GoogleCloudStorageHmac: ...
    def presign(
        self,
        method: str,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
        now: int | None = None,
    ) -> str:
        """Return a URL with which anyone can make one kind of request."""

@final
class GoogleCloudStorageUrls:
    """The RSA half of `xaccel.signing.GoogleCloudStorageSigner`, without the signature."""

    def __new__(
        cls, client_email: str, /, *, endpoint: str | None = None
    ) -> GoogleCloudStorageUrls: ...
    def unsigned(
        self,
        method: str,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
        now: int | None = None,
    ) -> tuple[str, str]:
        """Return the text to sign, and the URL that its hexadecimal signature completes."""

@final
class BunnySigner:
    """Signs URLs for bunny.net by its advanced token authentication (`HS256-`).

    Args:
        key: The pull zone's key for URL token authentication.
        directory: Let a token cover all files in the directory of the URL and below. It is then
            part of the path, so that relative URLs in a playlist have it too.

    Raises:
        xaccel.exceptions.ConfigError: The key is empty.
    """

    def __new__(cls, key: str | bytes, *, directory: bool = False) -> BunnySigner: ...
    def sign(
        self,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
    ) -> str:
        """Sign a URL and its query.

        In the query, bunny.net reads `token_countries`, `token_countries_blocked` and `limit`
        (kB/s).

        Args:
            url: The URL or its path, percent-encoded as it will be sent.
            expires: See `Signer.sign`.
            expires_in: See `Signer.sign`.

        Raises:
            ValueError: The URL is not encoded, has the parameter of the token already, or the
                expiry is missing or invalid.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would reveal the key."""

@final
class CloudflareSigner:
    """Signs URLs for a rule of Cloudflare with `is_timed_hmac_valid_v0()`.

    Args:
        key: The key in the rule.
        ttl: The rule's `ttl` in seconds. At least 1.5 times the longest `expires_in`.
        param: The name of the parameter with the token.
        url_safe: Whether the rule has the flag `"s"`: the token is in base64url without padding.

    Raises:
        xaccel.exceptions.ConfigError: An argument is invalid.
    """

    def __new__(
        cls, key: str | bytes, *, ttl: int, param: str = "verify", url_safe: bool = False
    ) -> CloudflareSigner: ...
    def sign(
        self,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
    ) -> str:
        """Sign a URL and its query.

        Args:
            url: The URL or its path, percent-encoded as it will be sent.
            expires: See `Signer.sign`. At most `ttl` seconds ahead.
            expires_in: See `Signer.sign`.

        Raises:
            ValueError: The URL is not encoded, has the parameter of the token already, or the
                expiry is missing or invalid.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would reveal the key."""

@final
class CloudflareImagesSigner:
    """Signs URLs of private images in Cloudflare Images.

    Args:
        key: The account's key for Cloudflare Images.

    Raises:
        xaccel.exceptions.ConfigError: The key is empty.
    """

    def __new__(cls, key: str | bytes) -> CloudflareImagesSigner: ...
    def sign(
        self,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
    ) -> str:
        """Sign a URL and its query.

        Args:
            url: The URL or its path, percent-encoded as it will be sent.
            expires: See `Signer.sign`.
            expires_in: See `Signer.sign`.

        Raises:
            ValueError: The URL is not encoded, has the parameter of the token already, or the
                expiry is missing or invalid.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would reveal the key."""

@final
class FastlySigner:
    """Signs URLs for Fastly's token authentication in VCL.

    Args:
        key: The key in base64, as in the VCL's `digest.base64_decode()`.

    Raises:
        xaccel.exceptions.ConfigError: The key is empty or not in base64.
    """

    def __new__(cls, key: str) -> FastlySigner: ...
    def sign(
        self,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
    ) -> str:
        """Sign the path of a URL. The query is not covered.

        Args:
            url: The URL or its path, percent-encoded as it will be sent.
            expires: See `Signer.sign`.
            expires_in: See `Signer.sign`.

        Raises:
            ValueError: The URL is not encoded, has the parameter of the token already, or the
                expiry is missing or invalid.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would reveal the key."""

@final
class AkamaiSigner:
    """Signs URLs for Akamai's *Auth Token 2.0 Verification* (EdgeAuth 2.0, HMAC-SHA256).

    Args:
        key: The encryption key in hexadecimal digits.
        param: The name of the token.
        salt: The salt, if the behaviour has one.
        escape_early: The option *Escape token input*.
        directory: Let a token cover all files in the directory of the URL and below, by an access
            control list.

    Raises:
        xaccel.exceptions.ConfigError: An argument is invalid.
    """

    def __new__(
        cls,
        key: str,
        *,
        param: str = "__token__",
        salt: str | None = None,
        escape_early: bool = True,
        directory: bool = False,
    ) -> AkamaiSigner: ...
    def sign(
        self,
        url: str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
    ) -> str:
        """Sign the path of a URL. The query is not covered.

        Args:
            url: The URL or its path, percent-encoded as it will be sent.
            expires: See `Signer.sign`.
            expires_in: See `Signer.sign`.

        Raises:
            ValueError: The URL is not encoded, has the parameter of the token already, or the
                expiry is missing or invalid.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would reveal the key."""

def expires_at(
    *, expires: int | datetime | None = None, expires_in: int | timedelta | None = None
) -> int:
    """Return the last valid Unix second of a URL; see `Signer.sign`."""

def split_url(url: str, reserved: Sequence[str], /) -> tuple[str, str, str | None]:
    """Return the origin, the path and the query of an absolute URL.

    Raises:
        ValueError: The URL is not absolute or not percent-encoded, has a fragment or dot segments,
            or has a parameter of a reserved name.
    """

@final
class ThumborSigner:
    """Signs URLs for thumbor and imagor.

    Args:
        key: thumbor's `SECURITY_KEY`. A str is encoded in UTF-8, as in thumbor (libthumbor's
            `CryptoURL` uses Latin-1).
        algorithm: `"sha1"` for thumbor; imagor also has `"sha256"` and `"sha512"`.
        length: imagor's `IMAGOR_SIGNER_TRUNCATE`: the characters of a signature. None = all.

    Raises:
        xaccel.exceptions.ConfigError: The key, the algorithm or the length is invalid.
    """

    def __new__(
        cls, key: str | bytes, *, algorithm: str = "sha1", length: int | None = None
    ) -> ThumborSigner: ...
    def sign_path(self, path: str, /) -> str:
        """Sign a path, encoded as it is sent, and return `/signature/path`."""

    def url(
        self,
        source: str,
        spec: Spec | str,
        /,
        *,
        source_size: tuple[int, int] | None = None,
    ) -> str:
        """Return the path of a thumbnail's URL.

        With the format `"auto"` the server negotiates by itself (`AUTO_WEBP`).

        Args:
            source: The name or URL that the server's loader loads, not encoded.
            spec: What the thumbnail looks like.
            source_size: The width and height of the upright source in pixels. A focal point or a
                crop needs it, because thumbor counts in pixels and a spec in fractions.

        Raises:
            xaccel.exceptions.SpecError: thumbor does not have an option of the spec, which the
                message names.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would reveal the key."""

@final
class ImgproxySigner:
    """Signs URLs for imgproxy.

    Args:
        keys: `IMGPROXY_KEY` in hexadecimal: one key, or a list of which the first signs.
        salts: `IMGPROXY_SALT` in hexadecimal: one salt for each key.
        size: `IMGPROXY_SIGNATURE_SIZE`: the bytes of a signature, 8 to 32.

    Raises:
        xaccel.exceptions.ConfigError: A key, a salt or the size is invalid.
    """

    def __new__(
        cls, keys: str | Sequence[str], salts: str | Sequence[str], *, size: int = 32
    ) -> ImgproxySigner: ...
    def sign_path(self, path: str, /) -> str:
        """Sign the path that follows the signature, and return `/signature/path`."""

    def url(
        self,
        source: str,
        spec: Spec | str,
        /,
        *,
        expires: int | datetime | None = None,
        expires_in: int | timedelta | None = None,
    ) -> str:
        """Return the path of a thumbnail's URL.

        With the format `"auto"` the server negotiates by itself (`IMGPROXY_AUTO_WEBP`). `flip`
        needs imgproxy 3.31.

        Args:
            source: The URL that imgproxy fetches, such as `https://example.org/a.jpg`.
            spec: What the thumbnail looks like.
            expires: See `Signer.sign`.
            expires_in: See `Signer.sign`.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would reveal the keys."""

@final
class HmacSecureLinkSigner:
    """Signs URLs for nginx's module hmac_secure_link, version 2.

    The configuration of the module defines what is signed. `url` fits the configuration below;
    for any other one use `token`:

        secure_link_hmac           "$arg_st,$arg_ts,$arg_e";
        secure_link_hmac_message   "$uri|$arg_ts|$arg_e";
        secure_link_hmac_algorithm sha256;
        secure_link_hmac_secret    "...";

    Args:
        secret: The value of `secure_link_hmac_secret`.
        algorithm: `"sha1"`, `"sha256"` or `"sha512"`.

    Raises:
        xaccel.exceptions.ConfigError: The secret or the algorithm is invalid.
    """

    def __new__(cls, secret: str | bytes, *, algorithm: str = "sha256") -> HmacSecureLinkSigner: ...
    def token(self, message: str, /) -> str:
        """Return the token for a message."""

    def url(
        self,
        path: str,
        /,
        *,
        expires_in: int | timedelta | None = None,
        now: int | None = None,
    ) -> str:
        """Sign a path, and return `path?st=token&ts=timestamp&e=seconds`.

        Args:
            path: The decoded path in its normal form.
            expires_in: How long the URL is valid; see `Signer.sign`. None = it never expires.
            now: The time in Unix seconds; None = the clock.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Refuse to copy or pickle, which would reveal the secret."""

def encode_path(path: str, /) -> str:
    """Percent-encode a decoded path in the canonical spelling that `Signer` uses."""

@final
class Location:
    """A regular file under a root."""

    @property
    def path(self) -> str:
        """The absolute path of the file.

        Below the root it has no symbolic links, unless the `PathMap` follows them.
        """

    @property
    def root(self) -> str:
        """The root that contains the file, as it was configured."""

    @property
    def url(self) -> str:
        """The internal URL at which the server sees the file, percent-encoded."""

    @property
    def size(self) -> int:
        """The size of the file in bytes."""

    @property
    def mtime(self) -> int:
        """When the file was last changed, in whole seconds since 1970."""

    @property
    def mtime_ns(self) -> int:
        """When the file was last changed, in nanoseconds since 1970."""

    @property
    def device(self) -> int:
        """The number of its file system. Together with `inode` it identifies the file."""

    @property
    def inode(self) -> int:
        """The number of the file on its file system."""

    def open(self) -> OpenedFile:
        """Open the file, beneath its root again.

        Raises:
            xaccel.exceptions.FileNotFound: The file is gone, another file has taken its place, or
                it can't be read.
            OSError: The process has too many open files, or the disk fails.
        """

@final
class OpenedFile:
    """A regular file under a root, open for reading.

    A context manager that closes the file at the end of the `with` block. The file is also closed
    when the object is deleted.
    """

    @property
    def location(self) -> Location:
        """The file, as it was when it was opened."""

    def fileno(self) -> int:
        """Return the descriptor, which this object still closes. It is not inherited by `exec`.

        Raises:
            ValueError: The file is closed, or its descriptor is detached.
        """

    def detach(self) -> int:
        """Hand over the descriptor. The caller has to close it, for example by `os.fdopen`.

        Raises:
            ValueError: The file is closed, or its descriptor is detached.
        """

    def read(self, limit: int, /) -> bytes | None:
        """Read the file from the position of its descriptor, which is 0 at first.

        Args:
            limit: The most bytes to read.

        Returns:
            The content, at most `location.size` bytes; `None` if that is more than `limit`.

        Raises:
            ValueError: The file is closed, or its descriptor is detached.
            OSError: The file can't be read.
        """

    def close(self) -> None:
        """Close the file, unless it is closed or its descriptor is detached."""

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

    A path matches a directory literally, with case, and by whole components. The longest directory
    wins.

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

        A pair may also be `/prefix/=/directory/`. The side that contains a file's path is the
        directory; if both do, the first.

        Raises:
            xaccel.exceptions.ConfigError: The text does not have this form.
        """

    @property
    def roots(self) -> list[tuple[str, str]]:
        """The pairs of a directory and a prefix, longest directory first."""

    def find(self, path: str | PathLike[str], /) -> str | None:
        """Return the internal URL of an absolute path without looking at the disk.

        `None` means that the path is outside every root.
        """

    def locate(self, path: str | PathLike[str], /) -> Location:
        """Find a regular file under a root on the disk.

        Raises:
            xaccel.exceptions.FileNotFound: There is no file, it is not a regular file, it is
                outside every root, or a symbolic link leads out of its root.
            OSError: The process has too many open files, or the disk fails.
        """

    def open(self, path: str | PathLike[str], /) -> OpenedFile:
        """Find a regular file as `locate` does, and open it in the same step.

        Raises:
            xaccel.exceptions.FileNotFound: As `locate`; or the file can't be read.
            OSError: The process has too many open files, or the disk fails.
        """

@final
class Cache:
    """The directory of finished thumbnails, shared by threads and processes.

    Args:
        directory: The directory. It is created when it is first needed.
    """

    def __new__(cls, directory: str | PathLike[str], /) -> Cache: ...
    def path(self, uri: str, /) -> str:
        """Return the file of the thumbnail at a decoded path such as `/t/300x200/cat.jpg`.

        Raises:
            OSError: The path can't be the path of a thumbnail.
        """

    def aside(self, uri: str, /) -> str:
        """Return the other file of the thumbnail: for `x` when the cache has `x/b.png`.

        Raises:
            OSError: The path can't be the path of a thumbnail.
        """

    @staticmethod
    def lock_number(uri: str, /) -> int:
        """Return the number of the lock for the thumbnail at `uri`."""

    def try_lock(self, number: int, /) -> CacheLock | None:
        """Try to take the lock of this number, which one holder has among all processes.

        Returns:
            The lock, for a `with`; `None` when another has it.

        Raises:
            OSError: The cache can't be written to.
        """

    def try_enqueue(self, queue: int, /) -> CacheLock | None:
        """Try to join the queue for the right to render.

        Args:
            queue: How many may wait, in all processes together.

        Returns:
            The place in the queue, for a `with`; `None` when the queue is full.

        Raises:
            OSError: The cache can't be written to.
        """

    def try_admit(self, renders: int, /) -> CacheLock | None:
        """Try to take the right to render.

        Args:
            renders: How many may render at once, in all processes together.

        Returns:
            The right, for a `with`; `None` when others hold all of the rights.

        Raises:
            OSError: The cache can't be written to.
        """

    def publish(self, uri: str, data: bytes, /, *, modified: int | None = None) -> str:
        """Write a thumbnail atomically: readers see all of it or nothing.

        Args:
            uri: The decoded path of its URL.
            data: The content of the file.
            modified: The modification time of the file, in seconds since 1970, negative before it;
                None = now.

        Returns:
            The path of the file: `path(uri)`, or `aside(uri)` where that can't be a file.

        Raises:
            OSError: The file can't be written. Nothing is left behind.
        """

    def is_sweep_due(self, max_size: int, /) -> bool:
        """Whether all processes together have written enough since the last sweep for another.

        If every `publish` is followed by this question, and a sweep when it is due, the thumbnails
        take at most `max_size` bytes.

        Raises:
            OSError: The cache can't be read.
        """

    def sweep(self, *, max_size: int, inactive: int) -> tuple[_Usage, _Usage] | None:
        """Remove the thumbnails that are beyond the bounds, as nginx's `proxy_cache_path` does.

        Readers of the cache need not wait.

        Args:
            max_size: The most bytes of all thumbnails on the disk. The sweep leaves a sixteenth of
                it free until the next sweep. Thumbnails that were read least recently go first.
            inactive: How many seconds to keep a thumbnail that no one reads.

        Returns:
            The usage that was removed and the usage that is left; `None` when another process is
            sweeping.

        Raises:
            OSError: The cache can't be read or locked.
        """

    def purge(self, prefix: str, source: str, /) -> int:
        """Remove the thumbnails of a source below a URL prefix, and return their number.

        Raises:
            OSError: A file can't be removed, or the name can't be the name of a source.
        """

    def usage(self) -> _Usage:
        """Count the thumbnails and their bytes.

        Raises:
            OSError: The cache can't be read.
        """

    def clear(self) -> _Usage:
        """Remove all thumbnails, and return what was removed.

        Raises:
            OSError: The cache can't be read.
        """

@final
class CacheLock:
    """A lock that one holder has at a time, until the end of the `with` block.

    Processes that are forked from the holder do not have it.
    """

    def __enter__(self) -> CacheLock: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
