from typing import Any, Literal, TypeAlias, final

__version__: str

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
