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
    overload,
)

from xaccel.exceptions import XaccelError

__version__: str

class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...

_Usage: TypeAlias = tuple[int, int]  # the number of files, and their size on disk in bytes
_Source: TypeAlias = bytes | str | PathLike[str] | OpenedFile | StreamedSource | _Readable
_Format: TypeAlias = Literal["jpeg", "png", "webp", "avif", "gif"]
_Fit: TypeAlias = Literal["contain", "cover", "fill", "pad"]
_FormatOption: TypeAlias = Literal["jpeg", "png", "webp", "avif", "gif", "auto"]

@final
class Spec:
    """A description of what a thumbnail looks like. `str()` returns the text used in URLs.

    Args:
        width: The width of the box in pixels, or the whole box as text such as "300x200",
            "300x" or "x200"; None = free.
        height: The height of the box in pixels; None = free.
        fit: "contain" (the whole image fits in the box and is never enlarged), "cover" (the image
            fills the box, and the excess is cropped), "fill" (the image is stretched to the box) or
            "pad" (like "contain", with the rest of the box in the background colour).
        upscale: Whether the image may be enlarged. By default, if the image is smaller than the
            box, "contain" and "pad" keep its size, and "cover" and "fill" use a smaller box with
            the same proportions. If the image has too few pixels for the pixel ratio, the ratio is
            lowered, and the thumbnail still shows the same part of the image.
        gravity: The part that a crop keeps: "n", "ne", ..., "c", "smart", or a focal point
            `(x, y)` as fractions of the image. None or "center" = the centre.
        page: The number of the page in a document, starting from 1.
        frame: The number of the frame in an animation, starting from 1. The thumbnail is a still
            image.
        at: The time of the frame, 0 to 86400 seconds from the start of a film. A time after the end
            selects the last frame. Other sources ignore it.
        trim: The tolerance, 0 to 255, with which a border of a single colour is cut off before any
            other option is applied. True = 10.
        crop: The part of the source to use: `(x, y, width, height)` as fractions of the source.
        rotate: Degrees clockwise: 0, 90, 180 or 270. The box applies to the rotated image.
        flip: "h" (left to right) or "v" (top to bottom).
        brightness: The factor of the CSS filter `brightness()`, 0 to 10. The background keeps its
            colour, as with all options that change colours.
        contrast: The factor of the CSS filter `contrast()`, 0 to 10.
        saturation: The factor of the CSS filter `saturate()`, 0 to 10.
        grayscale: Whether to convert the image to shades of gray.
        pixelate: The side of the squares that replace the pixels: 1 to 65535 pixels of the box.
        blur: The sigma of a Gaussian blur in pixels, at most 100.
        detail: Whether to enhance fine detail, like Pillow's filter `DETAIL`.
        sharpen: The sigma of an unsharp mask in pixels, at most 10.
        radius: The radius of the rounded corners in pixels of the box, at most half of the shorter
            side.
        background: The colour of the padding and of the area behind transparent parts: six
            hexadecimal digits, or a CSS colour name.
        watermark: The name of the watermark to lay over the thumbnail; see the setting
            `THUMBNAIL_WATERMARKS`.
        dpr: The pixel ratio: the number of thumbnail pixels per pixel of the box, 0.1 to 8.
        quality: 1 to 100, or "auto": the quality whose SSIMULACRA2 score is closest to the target;
            None = the configured quality for the format. PNG and GIF ignore it.
        max_bytes: The maximum size of the file. The quality is reduced until the file fits, but not
            below 10. PNG and GIF ignore it.
        progressive: JPEG: whether the file is progressive; None = as configured.
        subsampling: JPEG: the chroma subsampling, "420", "422" or "444"; None = as configured.
        keep_icc: Whether to keep colours in a wide RGB colour space, such as Display P3, and to
            embed the ICC profile. By default, all colours are converted to sRGB. GIF ignores it.
        keep_copyright: Whether to copy the names of the creators and their rights from the source's
            EXIF, IPTC and XMP data. By default, no metadata is kept. GIF ignores it.
        format: The format of the thumbnail; None = determined by the extension of the
            source's name.
        version: Eight characters of base64url that change when the source does.

    Raises:
        xaccel.exceptions.SpecError: The value of an option is invalid.
    """

    OPTIONS: ClassVar[tuple[str, ...]]
    """The keywords of all options, in the order in which they appear in a spec."""

    def __new__(
        cls,
        width: int | str | None = None,
        height: int | str | None = None,
        *,
        fit: str = "contain",
        upscale: bool = False,
        gravity: str | tuple[float, float] | None = None,
        page: int | None = None,
        frame: int | None = None,
        at: float | None = None,
        trim: bool | int | None = None,
        crop: str | tuple[float, float, float, float] | None = None,
        rotate: int = 0,
        flip: str | None = None,
        brightness: float | None = None,
        contrast: float | None = None,
        saturation: float | None = None,
        grayscale: bool = False,
        pixelate: int | None = None,
        blur: float | None = None,
        detail: bool = False,
        sharpen: float | None = None,
        radius: int | None = None,
        background: str | None = None,
        watermark: str | None = None,
        dpr: float | None = None,
        quality: int | Literal["auto"] | None = None,
        max_bytes: int | None = None,
        progressive: bool | None = None,
        subsampling: str | int | None = None,
        keep_icc: bool = False,
        keep_copyright: bool = False,
        format: str | None = None,
        version: str | None = None,
    ) -> Spec: ...
    @staticmethod
    def parse(text: str) -> Spec:
        """Parse a spec in its canonical spelling.

        Raises:
            xaccel.exceptions.SpecError: The text is invalid. The message describes the error and
                the valid form.
        """

    def replace(self, **changes: Any) -> Spec:
        """Return a copy of the spec with some of the constructor's options replaced."""

    def output_size(self, width: int, height: int, /) -> tuple[int, int]:
        """Return the width and height of the thumbnail, in pixels.

        Args:
            width: The width of the upright source in pixels.
            height: The height of the upright source in pixels.

        Raises:
            xaccel.exceptions.ImageTooLarge: The thumbnail would be too large.
            xaccel.exceptions.SpecError: The spec has `trim`, so the size depends on the pixels of
                the source.
            ValueError: The width or the height is less than 1, or more than 4294967295.
        """

    def output_format(self, source_name: str) -> _FormatOption:
        """Return the format of the thumbnail for a source with this name.

        "auto" means that the format is negotiated with the browser.
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
    def page(self) -> int | None: ...
    @property
    def frame(self) -> int | None: ...
    @property
    def at(self) -> float | None: ...
    @property
    def trim(self) -> int | None: ...
    @property
    def crop(self) -> tuple[float, float, float, float] | None: ...
    @property
    def rotate(self) -> Literal[0, 90, 180, 270]: ...
    @property
    def flip(self) -> Literal["h", "v"] | None: ...
    @property
    def brightness(self) -> float | None: ...
    @property
    def contrast(self) -> float | None: ...
    @property
    def saturation(self) -> float | None: ...
    @property
    def grayscale(self) -> bool: ...
    @property
    def pixelate(self) -> int | None: ...
    @property
    def blur(self) -> float | None: ...
    @property
    def detail(self) -> bool: ...
    @property
    def sharpen(self) -> float | None: ...
    @property
    def radius(self) -> int | None: ...
    @property
    def background(self) -> str | None: ...
    @property
    def watermark(self) -> str | None: ...
    @property
    def dpr(self) -> float | None: ...
    @property
    def quality(self) -> int | Literal["auto"] | None: ...
    @property
    def max_bytes(self) -> int | None: ...
    @property
    def progressive(self) -> bool | None: ...
    @property
    def subsampling(self) -> Literal["420", "422", "444"] | None: ...
    @property
    def keep_icc(self) -> bool: ...
    @property
    def keep_copyright(self) -> bool: ...
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
    """The limits for one call.

    A call uses at most this amount of memory: twice the size of the encoded source, plus 48 bytes
    per pixel of the source, 64 bytes per pixel of the thumbnail, and 16 MiB. If the thumbnail is
    animated, the pixels of all frames are counted; otherwise, only the first frame is counted. Most
    calls use less memory. A JPEG photograph uses 1 to 10 bytes per pixel of the source. An AVIF
    source uses 17 to 29 bytes per pixel, or 47 with `linear` and transparency. An AVIF thumbnail
    uses 37 bytes per pixel of the thumbnail. A non-interlaced PNG is resized while its rows are
    decoded. The whole PNG is held in memory only with `linear`, with `trim`, with
    `gravity="smart"`, or if it is not resized.

    Args:
        max_memory: The maximum total size of the decoded frames of the source, in bytes. A pixel
            takes one byte (gray), three bytes (colour) or four bytes (with transparency, or CMYK);
            in AVIF, it takes five or six. A JPEG is counted at the scale at which it is decoded for
            the thumbnail, but with at least a quarter of its pixels; with `trim`, it is counted at
            its full size. By default, colour photographs of up to 89 megapixels can therefore be
            rendered at any size, and photographs of up to 357 megapixels at half their size or
            less.
        max_pixels: The maximum number of pixels of the source, counted as for `max_memory`. None =
            no limit other than `max_memory`.
        max_bytes: The maximum number of bytes of the encoded source.
        max_frames: The maximum number of frames in an animated thumbnail. Any further frames of the
            source are not decoded.
        max_side: The maximum length of the longer side of the thumbnail, in pixels.
        timeout: The maximum time in seconds. It is checked between and during the steps, except
            within libjpeg-turbo, libaom and decoders of other formats. None = no limit.

    Raises:
        ValueError: A limit is negative, or does not fit in 32 bits (`max_frames`, `max_side`) or 64
            bits (`max_memory`, `max_pixels`, `max_bytes`).
    """

    def __new__(
        cls,
        *,
        max_memory: int = 268435456,
        max_pixels: int | None = None,
        max_bytes: int = 52_428_800,
        max_frames: int = 100,
        max_side: int = 8192,
        timeout: float | None = None,
    ) -> Limits: ...
    @property
    def max_memory(self) -> int: ...
    @property
    def max_pixels(self) -> int | None: ...
    @property
    def max_bytes(self) -> int: ...
    @property
    def max_frames(self) -> int: ...
    @property
    def max_side(self) -> int: ...
    @property
    def timeout(self) -> float | None: ...
    def check_decoded(self, width: int, height: int, bytes_per_pixel: int = 4, /) -> None:
        """Check the size of an image before it is decoded.

        Raises:
            xaccel.exceptions.ImageTooLarge: The decoded image exceeds `max_memory` or `max_pixels`.
        """

    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...

@final
class Watermark:
    """An image to lay over thumbnails, after all other options are applied and before encoding.

    Its size and position are fractions of the thumbnail, including the padding, so the thumbnail
    looks the same at every pixel ratio. The image is read immediately, and decoded when it is first
    needed. Animated thumbnails have the watermark on every frame.

    Args:
        image: The encoded image, its path, or a binary file, in a format that xaccel itself reads.
        gravity: The edge or corner of the thumbnail: "n", "ne", "e", "se", "s", "sw", "w", "nw" or
            "c" for the centre.
        offset: The distance from that edge or corner, `(x, y)` as fractions of the thumbnail's
            width and height. Where `gravity` names no edge, this is the distance to the right of
            the centre or below it. With `tiled`, it is the gap between the copies.
        scale: The size of the box into which the watermark fits, as a fraction of the thumbnail's
            size, 0.01 to 1.
        opacity: The factor by which the opacity of the image is multiplied, 0 to 1.
        tiled: Whether copies of the image cover the whole thumbnail.

    Raises:
        ValueError: An argument is out of range.
        xaccel.exceptions.ThumbnailError: `image` is not an image, or exceeds the default limits.
        xaccel.exceptions.FileNotFound: There is no file at this path.
    """

    def __new__(
        cls,
        image: _Source,
        /,
        *,
        gravity: str = "se",
        offset: tuple[float, float] = (0.0, 0.0),
        scale: float = 0.25,
        opacity: float = 1.0,
        tiled: bool = False,
    ) -> Watermark: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __getnewargs_ex__(self) -> tuple[tuple[bytes], dict[str, Any]]: ...

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
        """Whether the source contained all pixels that the thumbnail shows.

        False if the source is damaged or was not received completely. Cache such a thumbnail for no
        longer than a minute.
        """

    @property
    def decode_seconds(self) -> float | None:
        """How many seconds all steps before the encoding took.

        None if the thumbnail was rendered by `thumbnail_many()`.
        """

    @property
    def encode_seconds(self) -> float | None:
        """How many seconds the encoding took. None in the same cases as `decode_seconds`."""

@final
class ImageInfo:
    """The properties of an image, as read from its header.

    Args:
        width: The width of the upright image, in pixels.
        height: The height of the upright image, in pixels.
        format: The name of the format.
        orientation: The EXIF orientation, 1 to 8.
        frames: The number of frames.
        pages: The number of pages.
        is_film: Whether the source is a film. The option `at` selects one of its frames.
        has_alpha: Whether pixels may be transparent.
        icc: Whether the image has a colour profile.
        decoded_size: The size in bytes of the decoded image; None = 3 or 4 bytes for each pixel.
    """

    def __new__(
        cls,
        width: int,
        height: int,
        format: str,
        *,
        orientation: int = 1,
        frames: int = 1,
        pages: int = 1,
        is_film: bool = False,
        has_alpha: bool = False,
        icc: bool = False,
        decoded_size: int | None = None,
    ) -> ImageInfo: ...
    @property
    def width(self) -> int:
        """The width of the upright image, in pixels."""

    @property
    def height(self) -> int:
        """The height of the upright image, in pixels."""

    @property
    def format(self) -> str:
        """The name of the format: "jpeg", "png", and so on, or the name that a decoder uses."""

    @property
    def orientation(self) -> int:
        """The EXIF orientation, 1 to 8. `width` and `height` already take it into account."""

    @property
    def frames(self) -> int: ...
    @property
    def pages(self) -> int:
        """The number of pages of a document; 1 for an image."""

    @property
    def is_film(self) -> bool:
        """Whether the source is a film. The option `at` selects one of its frames."""

    @property
    def has_alpha(self) -> bool: ...
    @property
    def icc(self) -> bool:
        """Whether the image has a colour profile."""

    @property
    def decoded_size(self) -> int:
        """The size in bytes of a frame that is decoded for a small thumbnail; see `Limits`."""

    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __getnewargs_ex__(self) -> tuple[tuple[int, int, str], dict[str, Any]]: ...

@final
class StreamedSource:
    """An image that arrives piece by piece, for example from another machine."""

    def __new__(cls, capacity: int, /) -> StreamedSource: ...
    def feed(self, piece: bytes, /) -> bool:
        """Add the next piece.

        Returns:
            True exactly once: when enough of a JPEG has arrived to render a thumbnail that is
            somewhat smaller than an eighth of the image. For a progressive JPEG, the first half of
            the file is often enough.
        """

    @property
    def needs_all(self) -> bool:
        """Whether every thumbnail is known to need the whole image."""

    def to_memory_file(self) -> int:
        """Return the descriptor of a new file in memory with the bytes that have arrived.

        Raises:
            OSError: The process has too many open files, or not enough memory.
        """

    def __len__(self) -> int: ...

@final
class JobEncoder:
    """Encodes the jobs for one sandbox worker. The worker receives each watermark once."""

    def __new__(cls) -> JobEncoder: ...
    def render(
        self,
        spec: Spec,
        /,
        *,
        path: str | PathLike[str] | None,
        start: int | None,
        timeout: float,
        format: str,
        quality: Mapping[str, int] | None,
        quality_target: int,
        progressive: bool,
        subsampling: str,
        avif_speed: int | None,
        watermark: Watermark | None,
        limits: Limits,
        decoders: Sequence[str] | None,
    ) -> bytes:
        """Encode a job that runs `render()`. The image's descriptor is sent with the job.

        Args:
            spec: The description of the thumbnail.
            path: The path of the image in error messages; None = the image has no path.
            start: The number of bytes in the image, if it is only the start of a JPEG.
            timeout: The number of seconds that the job may take.
            format: The format of the thumbnail.
            quality: The default quality of each format.
            quality_target: The SSIMULACRA2 score for the quality `auto`.
            progressive: The default for JPEG.
            subsampling: The default for JPEG.
            avif_speed: The speed of the encoder for AVIF; None = the default speed.
            watermark: The watermark that the spec names.
            limits: The limits of the call, apart from its timeout.
            decoders: The names of the enabled plug-in decoders.

        Raises:
            SpecError: The spec has a watermark, but none is passed.
            ValueError: An argument is out of range.
        """

    def placeholder(
        self,
        *,
        path: str | PathLike[str] | None,
        start: int | None,
        timeout: float,
        kind: str | None,
        limits: Limits,
        decoders: Sequence[str] | None,
    ) -> bytes:
        """Encode a job that runs `placeholder()`; see `render`. The result is a text.

        Raises:
            ValueError: The kind does not exist.
        """

    def probe(
        self,
        *,
        path: str | PathLike[str] | None,
        start: int | None,
        timeout: float,
        limits: Limits,
        decoders: Sequence[str] | None,
    ) -> bytes:
        """Encode a job that runs `probe()`; see `render`."""

@final
class ReplyReader:
    """Reads one reply of a sandbox worker. The reply arrives in pieces."""

    def __new__(cls) -> ReplyReader: ...
    def read(self, piece: bytes, /) -> Thumbnail | ImageInfo | str | XaccelError | OSError | None:
        """Read the next piece. Returns the result or the error once the reply is complete.

        An attacker may have chosen the reply.

        Raises:
            xaccel.sandbox.protocol.InvalidReply: The bytes are not a reply.
        """

def answer_jobs(connection: int, fonts: Sequence[str] | None, /) -> None:
    """Run the jobs that arrive over a socket until the app closes the connection.

    Args:
        connection: The descriptor of the socket.
        fonts: The fonts for text in SVG images; see `render`.

    Raises:
        OSError: The connection has failed, or the system does not have the sandbox.
        RuntimeError: The app has sent something other than a job.
    """

def sandbox_layers() -> list[str]:
    """Return the names of the sandbox's layers that the kernel has: "landlock" and "seccomp"."""

def enter_sandbox(layer: str, /) -> None:
    """Enter a layer of the sandbox, for the rest of the process's life.

    Raises:
        OSError: The kernel does not have the layer, or refuses to let this process use it.
        ValueError: The name of the layer is unknown.
    """

def harden_process() -> None:
    """Prepare the process for the sandbox.

    After this, the process can't gain privileges, other processes of its user can't read its
    memory, and it ends with the thread that started it.

    Raises:
        OSError: The system does not support this.
    """

def load_fonts(fonts: Sequence[str | PathLike[str]] | None = None, /) -> None:
    """Load fonts, and keep the contents of their files in memory.

    The process can then draw the text in SVG images even after it has lost its access to files.

    Args:
        fonts: See `render`.
    """

def font_fingerprint(fonts: Sequence[str | PathLike[str]] | None = None, /) -> tuple[int, str]:
    """Return the number of fonts, and a short fingerprint of their names and sizes.

    Machines with the same fingerprint draw the text in SVG images in the same way.

    Args:
        fonts: See `render`.
    """

def render(
    source: _Source,
    spec: Spec,
    *,
    format: str,
    quality: Mapping[str, int] | None = None,
    quality_target: int = 70,
    progressive: bool = False,
    subsampling: Literal["420", "422", "444"] = "420",
    avif_speed: int | None = None,
    linear: bool = False,
    watermark: Watermark | None = None,
    limits: Limits | None = None,
    decoders: Sequence[str] | None = None,
    fonts: Sequence[str | PathLike[str]] | None = None,
    is_partial: bool = False,
) -> Thumbnail:
    """Render the thumbnail that a spec describes.

    Args:
        source: The encoded image, its path, or a binary file.
        spec: What the thumbnail looks like. The argument `format` overrides its format.
        format: "jpeg", "png", "webp", "avif" or "gif".
        quality: The quality for each format. It applies if the spec does not set a quality.
        quality_target: The SSIMULACRA2 score, 1 to 100, for the quality "auto".
        progressive: JPEG: whether to write a progressive file. It applies if the spec does not set
            `progressive`.
        subsampling: JPEG: the chroma subsampling. It applies if the spec does not set
            `subsampling`.
        avif_speed: AVIF: the speed of the encoder, 0 to 7, or 9 (fastest). Slower speeds write
            smaller files of the same quality. By default, pictures of at most two megapixels are
            encoded at speed 6, and larger ones at speed 9. Pictures of at most half a megapixel
            with text or lines of few colours are encoded at speed 7.
        linear: Whether to resize in linear light. This preserves the brightness of stars, thin
            bright lines and lights in the dark. By default, the gamma-encoded samples are averaged,
            as in browsers, Pillow and libvips. `linear` is slower, and dark text on white becomes
            paler. A JPEG is still decoded at a reduced size for small thumbnails; the variance of
            each block then corrects its light. For formats that store all of the chroma, such as
            PNG, the size is larger and the result more exact. Other images are decoded at their
            full size. The default result is close to the linear one: for 24 of Debian's
            wallpapers, at 96 pixels, its SSIM with a linear reference is at least 0.993 for half of
            the thumbnails, and 0.92 for the worst one.
        watermark: The watermark that the spec names.
        limits: The limits of the call; None = the defaults of `Limits`.
        decoders: The names of the enabled decoders for other formats; see `xaccel.decoders`. None
            = xaccel's own decoders, if their extras are installed.
        fonts: The font files for text in SVG images, and the directories that contain such files;
            None = the system's fonts.
        is_partial: Whether the source is only the start of a JPEG; see `StreamedSource.feed`. If
            the source does not contain enough of the file, `CorruptImage` is raised.

    Raises:
        xaccel.exceptions.ImageTooLarge: The source or the thumbnail exceeds a limit.
        xaccel.exceptions.UnsupportedImage: The source is not an image, or its format is not
            supported.
        xaccel.exceptions.CorruptImage: The source can't be decoded.
        xaccel.exceptions.RenderTimeout: Rendering takes longer than `Limits.timeout`.
        xaccel.exceptions.FileNotFound: There is no file at this path.
        xaccel.exceptions.SpecError: The source does not have the requested page or frame, or
            the watermark is missing.
        xaccel.exceptions.ConfigError: A decoder is not installed, or can't be loaded.
    """

class _Options(TypedDict, total=False):
    fit: str
    upscale: bool
    gravity: str | tuple[float, float] | None
    page: int | None
    frame: int | None
    at: float | None
    trim: bool | int | None
    crop: str | tuple[float, float, float, float] | None
    rotate: int
    flip: str | None
    brightness: float | None
    contrast: float | None
    saturation: float | None
    grayscale: bool
    pixelate: int | None
    blur: float | None
    detail: bool
    sharpen: float | None
    radius: int | None
    background: str | None
    dpr: float | None
    quality: int | Literal["auto"] | None
    max_bytes: int | None
    progressive: bool | None
    subsampling: str | int | None
    keep_icc: bool
    keep_copyright: bool
    format: str | None

def thumbnail(
    source: _Source,
    width: int | str | None = None,
    height: int | str | None = None,
    *,
    quality_target: int = 70,
    colors: int | None = None,
    avif_speed: int | None = None,
    linear: bool = False,
    watermark: Watermark | None = None,
    limits: Limits | None = None,
    decoders: Sequence[str] | None = None,
    fonts: Sequence[str | PathLike[str]] | None = None,
    **options: Unpack[_Options],
) -> Thumbnail:
    """Make a thumbnail. Raises the same errors as `render`.

    Without `format`, the thumbnail has the format of the source. Options that belong to a different
    format are ignored.

    Args:
        source: The encoded image, its path, or a binary file.
        width: The width of the box in pixels; None = free.
        height: The height of the box in pixels; None = free.
        quality_target: See `render`.
        colors: PNG and GIF: the maximum number of colours in the palette, 2 to 256; the image is
            dithered. None = a PNG has a palette only if this is lossless.
        avif_speed: See `render`.
        linear: See `render`.
        watermark: The watermark to lay over the thumbnail.
        limits: See `render`.
        decoders: See `render`.
        fonts: See `render`.
        options: The options of `Spec`.
    """

def thumbnail_many(
    sources: Iterable[_Source],
    width: int | str | None = None,
    height: int | str | None = None,
    *,
    threads: int | None = None,
    quality_target: int = 70,
    colors: int | None = None,
    avif_speed: int | None = None,
    linear: bool = False,
    watermark: Watermark | None = None,
    limits: Limits | None = None,
    decoders: Sequence[str] | None = None,
    fonts: Sequence[str | PathLike[str]] | None = None,
    **options: Unpack[_Options],
) -> list[Thumbnail | XaccelError]:
    """Make thumbnails of several sources at once.

    Args:
        sources: Encoded images, paths or binary files.
        width: The width of the box in pixels; None = free.
        height: The height of the box in pixels; None = free.
        threads: The number of thumbnails to make at the same time; None = one per CPU.
        quality_target: See `render`.
        colors: See `thumbnail`.
        avif_speed: See `render`.
        linear: See `render`.
        watermark: The watermark to lay over the thumbnail.
        limits: The limits of each source; see `render`.
        decoders: See `render`.
        fonts: See `render`.
        options: The options of `Spec`.

    Returns:
        The thumbnail or the error for each source, in the order of the sources. An error does not
        affect the other sources.
    """

@overload
def placeholder(
    source: _Source,
    *,
    kind: Literal["thumbhash", "blurhash", "color"] | None = None,
    colors: None = None,
    limits: Limits | None = None,
    decoders: Sequence[str] | None = None,
    fonts: Sequence[str | PathLike[str]] | None = None,
) -> str: ...
@overload
def placeholder(
    source: _Source,
    *,
    kind: Literal["palette"],
    colors: int | None = None,
    limits: Limits | None = None,
    decoders: Sequence[str] | None = None,
    fonts: Sequence[str | PathLike[str]] | None = None,
) -> list[str]:
    """Return something to show until the thumbnail has loaded.

    By default, this is a `data:` URI of a few hundred bytes for the background of an `<img>`. The
    other kinds are meant to be stored. Raises the same errors as `render`.

    Args:
        source: The encoded image, its path, or a binary file.
        kind: None = a `data:` URI, which shows a ThumbHash. "thumbhash" = a ThumbHash in base64, at
            most 36 characters. "blurhash" = a BlurHash of 28 characters: four by three components,
            or three by four for a portrait. `draw_thumbhash` and `draw_blurhash` convert hashes to
            URIs, as do libraries for apps and browsers. "color" = the dominant colour, as in CSS:
            "#1a2b3c"; this is the first colour of a palette of five. "palette" = a list of the
            main colours, most frequent first. An image with fewer colours has a shorter palette.
            Transparent pixels do not count.
        colors: The maximum number of colours in a palette, 2 to 256; None = 5.
        limits: See `render`.
        decoders: See `render`.
        fonts: See `render`.

    Raises:
        ValueError: `kind` is unknown, `colors` is invalid, or the kind does not support `colors`.
    """

def thumbhash(
    source: _Source,
    *,
    limits: Limits | None = None,
    decoders: Sequence[str] | None = None,
    fonts: Sequence[str | PathLike[str]] | None = None,
) -> str:
    """Return the ThumbHash of an image, like `placeholder` with `kind="thumbhash"`.

    Store it with the image, so that `draw_thumbhash` can make the placeholder without reading the
    image. Raises the same errors as `render`.
    """

def score(reference: bytes, picture: bytes, /) -> float:
    """Return the SSIMULACRA2 score of an encoded picture in comparison with a reference.

    100 means no loss, 90 no visible loss, and 70 high quality. Pictures with more than 512x512
    pixels are compared in 16 tiles.

    Args:
        reference: The encoded reference.
        picture: The encoded picture, which has the same size.

    Raises:
        xaccel.exceptions.XaccelError: One of them can't be decoded, or the sizes differ.
    """

def draw_thumbhash(hash: str, /) -> str:
    """Draw a ThumbHash, and return the image as a `data:` URI like the result of `placeholder`.

    Raises:
        xaccel.exceptions.CorruptImage: The text is not a ThumbHash.
    """

def draw_blurhash(hash: str, /) -> str:
    """Draw a BlurHash, and return the image as a `data:` URI like the result of `placeholder`.

    Raises:
        xaccel.exceptions.CorruptImage: The text is not a BlurHash.
    """

def probe(
    source: _Source,
    *,
    limits: Limits | None = None,
    decoders: Sequence[str] | None = None,
    fonts: Sequence[str | PathLike[str]] | None = None,
) -> ImageInfo:
    """Read the header of an image. Raises the same errors as `render`."""

def available_parallelism() -> int:
    """Return the number of CPUs that this process may use under its affinity and cgroup quota."""

def codecs() -> dict[str, str]:
    """Return the names and versions of the codec libraries."""

@final
class Signer:
    """Signs and verifies URLs with a list of secrets.

    The signature covers the decoded path (nginx's `$uri`), the expiry and, with `"hmac-sha256"`,
    the query. A signed URL has exactly one valid spelling. `verify` rejects every other spelling,
    even if a server treats it as the same URL.

    Args:
        secrets: A secret, or a list of secrets, newest first. The first one is used to sign, and
            all are used to verify. `"hmac-sha256"` requires at least 16 bytes; `"secure-link-md5"`
            warns about shorter secrets.
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
            url: The decoded path in its normal form (`/föö bär.jpg`, without `//` or `..`). It may
                be followed by `?` and a percent-encoded query, which is sorted by name and also
                signed. `"secure-link-md5"` can't sign a query.
            expires: The last second in which the URL is valid, as Unix seconds or as an aware
                datetime.
            expires_in: The minimum lifetime of the URL, in seconds or as a timedelta. The expiry is
                rounded up to a multiple of half this lifetime, so that the URL stays the same for
                a while. The URL is valid for at most 1.5 times the lifetime.

        Returns:
            The percent-encoded path and query, with the signature and the expiry.

        Raises:
            ValueError: The path is ambiguous, the query can't be signed, or the expiry is invalid.
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
            params: The decoded query parameters. They are part of the signature.
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
        """Sign several URLs with the same expiry; see `sign`."""

    def verify(self, url: str, /, *, now: int | None = None) -> str:
        """Verify a URL that `sign` returned, without a scheme, host or fragment.

        Args:
            url: The path and query as the client sent them, not decoded.
            now: The current time in Unix seconds; None = the system clock.

        Returns:
            The decoded path, followed by `?` and the signed query if there is one. The path may
            also contain a `?`; `verify_parts` returns the path and the query separately.

        Raises:
            xaccel.exceptions.BadSignature: The signature is wrong. The message contains the
                reason and is meant for the log.
            xaccel.exceptions.SignatureExpired: The signature is valid, but the URL has expired.
        """

    def verify_parts(self, url: str, /, *, now: int | None = None) -> VerifiedUrl:
        """Verify a URL, and return its parts; see `verify`."""

    def derived_keys(self) -> list[bytes]:
        """Return the HMAC keys, newest first.

        Any other verifier of these URLs, such as a script in the web server, needs only these keys.
        You can store the keys in a file, but only the server should be able to read the file,
        because anyone who has the keys can sign URLs. The secrets can't be computed from the keys.

        Raises:
            ValueError: The algorithm is `"secure-link-md5"`, for which nginx needs the secret.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Raise an error, because copying or pickling this object would reveal the secrets."""

@final
class SecureLinkSigner:
    """Signs and verifies URLs for any expression of nginx's `secure_link_md5`.

    Write the expression as in nginx's configuration, with `$secret` in place of the secret. It must
    contain `$uri`, and can contain `$secure_link_expires`, `$remote_addr`, `$remote_user`, `$host`,
    `$server_name`, `$scheme`, `$http_name` and `$cookie_name`. Pass the values of all variables
    except the first two as `variables`, exactly as nginx will see them.

    `SecureLinkSigner(secret, "$secure_link_expires$uri$remote_addr $secret")` needs these lines in
    nginx's configuration; every URL expires:

        secure_link $arg_md5,$arg_expires;
        secure_link_md5 "$secure_link_expires$uri$remote_addr SECRET";
        if ($secure_link = "") { return 403; }
        if ($secure_link = "0") { return 410; }

    `SecureLinkSigner(secret, "$secret$uri", key_param="st")` needs these lines; no URL expires:

        secure_link $arg_st;
        secure_link_md5 "SECRET$uri";
        if ($secure_link = "") { return 403; }

    Avoid `$uri$secure_link_expires`: a visitor could move digits from the path to the expiry.

    To accept URLs both with and without an expiry, set the argument of `secure_link` with a map:

        map $arg_expires $link { "" $arg_md5; default "$arg_md5,$arg_expires"; }
        secure_link $link;

    Args:
        secrets: A secret, or a list of secrets, newest first. The first one is used to sign, and
            all are used to verify.
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
            url: The decoded path; see `Signer.sign`. nginx's `$uri` does not contain the query.
            expires: See `Signer.sign`. The expression must contain `$secure_link_expires`.
            expires_in: See `Signer.sign`.
            variables: The values of the other variables in the expression, such as
                `{"remote_addr": "192.0.2.7"}`.

        Raises:
            ValueError: The path is ambiguous, the expiry is invalid or not part of the expression,
                or `variables` does not match the variables in the expression.
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
        """Verify a URL that `sign` returned; see `Signer.verify`.

        Args:
            url: The path and query as the client sent them, not decoded.
            now: The current time in Unix seconds; None = the system clock.
            variables: The values of the other variables in the expression, for this request.

        Returns:
            The decoded path.

        Raises:
            xaccel.exceptions.BadSignature: The signature is wrong.
            xaccel.exceptions.SignatureExpired: The signature is valid, but the URL has expired.
            ValueError: `variables` does not match the variables in the expression.
        """

    def verify_parts(
        self, url: str, /, *, now: int | None = None, variables: Mapping[str, str] | None = None
    ) -> VerifiedUrl:
        """Verify a URL, and return its parts; see `verify`."""

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Raise an error, because copying or pickling this object would reveal the secrets."""

@final
class VerifiedUrl:
    """A URL with a valid signature that has not expired."""

    @property
    def path(self) -> str:
        """The decoded path."""

    @property
    def params(self) -> list[tuple[str, str]]:
        """The decoded query parameters, sorted by name. They are part of the signature."""

    @property
    def expires(self) -> int | None:
        """The last Unix second in which the URL is valid; None = it never expires."""

    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...

@final
class S3Signer:
    """Signs requests to Amazon S3 and S3-compatible stores (Signature Version 4).

    Args:
        access_key: The access key ID.
        secret_key: The secret access key.
        region: The region, such as `eu-central-1`. Many other stores accept `us-east-1`.
        endpoint: The origin of the store, such as `http://localhost:9000`; None = Amazon S3 in
            `region`.
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
            ValueError: The URL does not have this form, the key contains a `.` or `..` segment, or
                the bucket can't be part of a host name.
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
        """Return a URL that lets anyone make a request with this method.

        The body is not signed. The URL is valid for at most seven days.

        Args:
            method: The HTTP method, such as `"GET"`. A URL for GET is not valid for HEAD.
            url: `s3://bucket/key`. The key is not percent-encoded.
            expires: The last second in which the URL is valid. The result changes every second,
                because the URL contains the time of signing.
            expires_in: The minimum lifetime of the URL; see `Signer.sign`. The URL stays the same
                for half of the lifetime, or for a shorter time if the lifetime is near the maximum.
            now: The current time in Unix seconds; None = the system clock.

        Raises:
            ValueError: The URL or the method is invalid, or the expiry is missing, in the past,
                or more than seven days ahead.
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
            headers: The headers of the request. They are also signed, except for headers that
                clients or proxies change, such as User-Agent. `Host` is taken from the URL.
            payload_hash: The SHA-256 of the body in hexadecimal digits, or `"UNSIGNED-PAYLOAD"`.
            now: The current time in Unix seconds; None = the system clock.

        Raises:
            ValueError: The URL is not absolute or not encoded, or a header is invalid.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Raise an error, because copying or pickling this object would reveal the key."""

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
        """Return a URL that lets anyone make a request with this method."""

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
        """Return the text to sign, and the URL to complete with the hexadecimal signature."""

@final
class BunnySigner:
    """Signs URLs for bunny.net's advanced token authentication (`HS256-`).

    Args:
        key: The pull zone's key for URL token authentication.
        directory: Whether a token covers all files in and below the directory of the URL. The token
            is then part of the path, so that relative URLs in a playlist include it.

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

        bunny.net supports the query parameters `token_countries`, `token_countries_blocked` and
        `limit` (kB/s).

        Args:
            url: The URL or its path, percent-encoded as it will be sent.
            expires: See `Signer.sign`.
            expires_in: See `Signer.sign`.

        Raises:
            ValueError: The URL is not encoded or already contains the token's parameter, or the
                expiry is missing or invalid.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Raise an error, because copying or pickling this object would reveal the key."""

@final
class CloudflareSigner:
    """Signs URLs for a Cloudflare rule that uses `is_timed_hmac_valid_v0()`.

    Args:
        key: The key in the rule.
        ttl: The rule's `ttl` in seconds. It must be at least 1.5 times the longest `expires_in`.
        param: The name of the query parameter with the token.
        url_safe: Whether the rule has the flag `"s"`. If so, the token is unpadded base64url.

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
            expires: See `Signer.sign`. It must be at most `ttl` seconds ahead.
            expires_in: See `Signer.sign`.

        Raises:
            ValueError: The URL is not encoded or already contains the token's parameter, or the
                expiry is missing or invalid.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Raise an error, because copying or pickling this object would reveal the key."""

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
            ValueError: The URL is not encoded or already contains the token's parameter, or the
                expiry is missing or invalid.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Raise an error, because copying or pickling this object would reveal the key."""

@final
class FastlySigner:
    """Signs URLs for Fastly's token authentication in VCL.

    Args:
        key: The base64-encoded key, as in the VCL's `digest.base64_decode()`.

    Raises:
        xaccel.exceptions.ConfigError: The key is empty, is not valid base64, or contains a NUL
            byte, at which Fastly would cut it off.
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
        """Sign a URL. The signature covers the path and the query.

        Args:
            url: The URL or its path, percent-encoded as it will be sent.
            expires: See `Signer.sign`.
            expires_in: See `Signer.sign`.

        Raises:
            ValueError: The URL is not encoded or already contains the token's parameter, or the
                expiry is missing or invalid.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Raise an error, because copying or pickling this object would reveal the key."""

@final
class AkamaiSigner:
    """Signs URLs for Akamai's *Auth Token 2.0 Verification* (EdgeAuth 2.0, HMAC-SHA256).

    Args:
        key: The encryption key in hexadecimal digits.
        param: The name of the token's query parameter.
        salt: The salt, if the behaviour has one.
        escape_early: The value of the option *Escape token input*.
        directory: Whether a token covers all files in and below the directory of the URL. The token
            then contains an access control list.

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
        """Sign the path of a URL. The signature does not cover the query.

        Args:
            url: The URL or its path, percent-encoded as it will be sent.
            expires: See `Signer.sign`.
            expires_in: See `Signer.sign`.

        Raises:
            ValueError: The URL is not encoded or already contains the token's parameter, or the
                expiry is missing or invalid.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Raise an error, because copying or pickling this object would reveal the key."""

def expires_at(
    *, expires: int | datetime | None = None, expires_in: int | timedelta | None = None
) -> int:
    """Return the expiry of a URL in Unix seconds; see `Signer.sign`."""

def split_url(url: str, reserved: Sequence[str], /) -> tuple[str, str, str | None]:
    """Return the origin, the path and the query of an absolute URL.

    Raises:
        ValueError: The URL is not absolute or not percent-encoded, has a fragment or dot segments,
            or has a query parameter with a reserved name.
    """

@final
class ThumborSigner:
    """Signs URLs for thumbor and imagor.

    Args:
        key: thumbor's `SECURITY_KEY`. A str is encoded as UTF-8, as in thumbor (libthumbor's
            `CryptoURL` uses Latin-1).
        algorithm: `"sha1"` for thumbor; imagor also supports `"sha256"` and `"sha512"`.
        length: imagor's `IMAGOR_SIGNER_TRUNCATE`: the number of characters in a signature. None =
            all.

    Raises:
        xaccel.exceptions.ConfigError: The key, the algorithm or the length is invalid.
    """

    def __new__(
        cls, key: str | bytes, *, algorithm: str = "sha1", length: int | None = None
    ) -> ThumborSigner: ...
    def sign_path(self, path: str, /) -> str:
        """Sign a path, encoded as it will be sent, and return `/signature/path`."""

    def url(
        self,
        source: str,
        spec: Spec | str,
        /,
        *,
        source_size: tuple[int, int] | None = None,
    ) -> str:
        """Return the path of a thumbnail's URL.

        With the format `"auto"`, the server negotiates the format itself (`AUTO_WEBP`).

        Args:
            source: The image's name or URL for the server's loader, not encoded.
            spec: What the thumbnail looks like.
            source_size: The width and height of the upright source in pixels. They are required for
                a focal point or a crop, because thumbor uses pixels and a spec uses fractions.

        Raises:
            xaccel.exceptions.SpecError: thumbor does not support an option of the spec. The
                message names the option.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Raise an error, because copying or pickling this object would reveal the key."""

@final
class ImgproxySigner:
    """Signs URLs for imgproxy.

    Args:
        keys: `IMGPROXY_KEY` in hexadecimal: one key, or a list. The first one is used to sign.
        salts: `IMGPROXY_SALT` in hexadecimal: one salt for each key.
        size: `IMGPROXY_SIGNATURE_SIZE`: the number of bytes of a signature, 8 to 32.

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

        With the format `"auto"`, the server negotiates the format itself (`IMGPROXY_AUTO_WEBP`).
        `flip` requires imgproxy 3.31.

        Args:
            source: The URL that imgproxy fetches, such as `https://example.org/a.jpg`.
            spec: What the thumbnail looks like.
            expires: See `Signer.sign`.
            expires_in: See `Signer.sign`.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Raise an error, because copying or pickling this object would reveal the keys."""

@final
class HmacSecureLinkSigner:
    """Signs URLs for the nginx module hmac_secure_link, version 2.

    The module's configuration defines what is signed. `token` works with any configuration.
    `url` requires this one:

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
            expires_in: The lifetime of the URL; see `Signer.sign`. None = it never expires.
            now: The current time in Unix seconds; None = the system clock.
        """

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        """Raise an error, because copying or pickling this object would reveal the secret."""

def encode_path(path: str, /) -> str:
    """Percent-encode a decoded path in the canonical form that `Signer` uses."""

@final
class Location:
    """A regular file under a root."""

    @property
    def path(self) -> str:
        """The absolute path of the file.

        It does not contain symbolic links below the root, unless the `PathMap` follows them.
        """

    @property
    def root(self) -> str:
        """The root that contains the file, as configured."""

    @property
    def url(self) -> str:
        """The internal URL of the file on the web server, percent-encoded."""

    @property
    def size(self) -> int:
        """The size of the file in bytes."""

    @property
    def mtime(self) -> int:
        """The modification time of the file, in whole seconds since 1970."""

    @property
    def mtime_ns(self) -> int:
        """The modification time of the file, in nanoseconds since 1970."""

    @property
    def device(self) -> int:
        """The device number of the file system. With `inode`, it identifies the file."""

    @property
    def inode(self) -> int:
        """The inode number of the file."""

    def open(self) -> OpenedFile:
        """Open the file. Its path is resolved again, below the root.

        Raises:
            xaccel.exceptions.FileNotFound: The file no longer exists, was replaced by
                another file, or can't be read.
            OSError: The process has too many open files, or the disk fails.
        """

@final
class OpenedFile:
    """A regular file under a root, open for reading.

    It is a context manager that closes the file at the end of the `with` block. The file is also
    closed when the object is deleted.
    """

    @property
    def location(self) -> Location:
        """The file's path and metadata at the time it was opened."""

    @property
    def size(self) -> int:
        """The size in bytes at the time the file was opened; the same as `location.size`."""

    def fileno(self) -> int:
        """Return the file descriptor, which this object still owns. It is closed on `exec`.

        Raises:
            ValueError: The file is closed, or its descriptor is detached.
        """

    def detach(self) -> int:
        """Return the descriptor and give up ownership: the caller must close it.

        For example, pass it to `os.fdopen`.

        Raises:
            ValueError: The file is closed, or its descriptor is detached.
        """

    def read(self, limit: int, /) -> bytes | None:
        """Read the file from the current position of its descriptor, which is initially 0.

        Args:
            limit: The maximum number of bytes to read.

        Returns:
            The content, at most `location.size` bytes; `None` if it is longer than `limit`.

        Raises:
            ValueError: The file is closed, or its descriptor is detached.
            OSError: The file can't be read.
        """

    def close(self) -> None:
        """Close the file, unless it is already closed or its descriptor is detached."""

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
    """Maps directories to the internal URL prefixes under which the web server serves them.

    A path matches a directory literally, case-sensitively, and by whole components. The longest
    matching directory wins.

    Args:
        roots: Pairs of an absolute directory and a prefix such as `/_private/files/`.
        follow_symlinks: Whether symbolic links may point outside their root.

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
        """Parse an `X-Accel-Mapping`: `/directory/=/prefix/, "/a, b/"="/c/"`.

        A pair may also be written as `/prefix/=/directory/`. The side that contains a file's path
        is taken as the directory. If both sides contain it, the first side is the directory.

        Raises:
            xaccel.exceptions.ConfigError: The text does not have this form.
        """

    @property
    def roots(self) -> list[tuple[str, str]]:
        """The pairs of a directory and a prefix, longest directory first."""

    def find(self, path: str | PathLike[str], /) -> str | None:
        """Return the internal URL of an absolute path without accessing the disk.

        Returns `None` if the path is outside every root.
        """

    def locate(self, path: str | PathLike[str], /) -> Location:
        """Find a regular file on disk, under one of the roots.

        Raises:
            xaccel.exceptions.FileNotFound: The file does not exist, is not a regular file, is
                outside every root, or is behind a symbolic link that points outside its root.
            OSError: The process has too many open files, or the disk fails.
        """

    def open(self, path: str | PathLike[str], /) -> OpenedFile:
        """Find a regular file as `locate` does, and open it in the same step.

        Raises:
            xaccel.exceptions.FileNotFound: As for `locate`, or the file can't be read.
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
        """Return the file path of the thumbnail with a URL path such as `/t/300x200/cat.jpg`.

        Raises:
            OSError: `uri` is not a valid thumbnail path.
        """

    def aside(self, uri: str, /) -> str:
        """Return the path of the alternative file for the thumbnail.

        This file is used if `path` can't be a file. For example, the path for `x` is a directory if
        the cache already contains `x/b.png`.

        Raises:
            OSError: `uri` is not a valid thumbnail path.
        """

    @staticmethod
    def lock_number(uri: str, /) -> int:
        """Return the number of the lock for the thumbnail at `uri`."""

    def try_lock(self, number: int, /) -> CacheLock | None:
        """Try to take the lock with this number. Across all processes, it has at most one holder.

        Returns:
            The lock, as a context manager; `None` if another holder has it.

        Raises:
            OSError: The cache can't be written to.
        """

    def try_enqueue(self, queue: int, /) -> CacheLock | None:
        """Try to join the queue for the right to render.

        Args:
            queue: The maximum number of waiting requests, in all processes together.

        Returns:
            The place in the queue, as a context manager; `None` if the queue is full.

        Raises:
            OSError: The cache can't be written to.
        """

    def try_admit(self, renders: int, /) -> CacheLock | None:
        """Try to take the right to render.

        Args:
            renders: The maximum number of concurrent renders, in all processes together.

        Returns:
            The right to render, as a context manager; `None` if all rights are taken.

        Raises:
            OSError: The cache can't be written to.
        """

    def publish(self, uri: str, data: bytes, /, *, modified: int | None = None) -> str:
        """Write a thumbnail atomically: readers see either the whole file or no file.

        Args:
            uri: The decoded path of the thumbnail's URL.
            data: The content of the file.
            modified: The modification time of the file, in seconds since 1970 (negative for earlier
                times); None = now.

        Returns:
            The path of the file: `path(uri)`, or `aside(uri)` if `path(uri)` can't be a file.

        Raises:
            OSError: The file can't be written. Nothing is left behind.
        """

    def is_sweep_due(self, max_size: int, /) -> bool:
        """Whether a sweep is due, given how much all processes have written since the last sweep.

        Call this after every `publish`, and call `sweep` whenever it returns true. The thumbnails
        then use at most `max_size` bytes.

        Raises:
            OSError: The cache can't be read.
        """

    def sweep(self, *, max_size: int, inactive: int) -> tuple[_Usage, _Usage] | None:
        """Remove the thumbnails that exceed the limits, as nginx's `proxy_cache_path` does.

        Readers of the cache do not have to wait.

        Args:
            max_size: The maximum total size of the thumbnails on disk, in bytes. The sweep leaves a
                sixteenth of this size free for thumbnails that are written before the next sweep.
                The least recently read thumbnails are removed first.
            inactive: The number of seconds after which an unread thumbnail is removed.

        Returns:
            The number and size of the removed thumbnails and of the remaining thumbnails; `None` if
            another process is sweeping.

        Raises:
            OSError: The cache can't be read or locked.
        """

    def purge(self, prefix: str, source: str, /) -> int:
        """Remove all of a source's thumbnails below a URL prefix, and return their number.

        Raises:
            OSError: A file can't be removed, or `source` is not a valid name.
        """

    def usage(self) -> _Usage:
        """Return the number of thumbnails and their total size in bytes.

        Raises:
            OSError: The cache can't be read.
        """

    def clear(self) -> _Usage:
        """Remove all thumbnails, and return their number and total size in bytes.

        Raises:
            OSError: The cache can't be read.
        """

@final
class CacheLock:
    """A lock with one holder at a time. It is released at the end of the `with` block.

    Processes forked from the holder do not inherit the lock.
    """

    def __enter__(self) -> CacheLock: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
