"""The decoders that come with xaccel. Each needs the extra of the same name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

_HEIC_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)
"""Brands of HEVC-coded images, and generic brands of images (ISO/IEC 23008-12)."""

_VIDEO_BRANDS = frozenset(
    (b"mp41", b"mp42", b"avc1", b"hvc1", b"av01", b"dash", b"qt  ", b"M4V ", b"M4VH", b"M4VP")
) | {b"f4v ", b"mmp4", b"MSNV", b"XAVC"}
"""Brands of films. 3GPP and ISO have many versions of their brands; see `is_video`."""


@dataclass(frozen=True, slots=True)
class OurDecoder:
    """A decoder that comes with xaccel."""

    name: str
    """The name shared by the decoder, its module in this package, and the extra."""
    formats: str
    """The formats, as messages name them."""
    library: str
    """The module that the extra installs."""
    matches: Callable[[bytes], bool]
    extensions: tuple[str, ...]
    """The usual extensions of its files, in lower case."""

    @property
    def is_installed(self) -> bool:
        """Whether the extra is installed."""
        return _is_installed(self.library)

    @property
    def advice(self) -> str:
        """The explanation to show if the extra is missing."""
        return f"{self.formats} needs xaccel[{self.name}]"


@cache
def _is_installed(library: str) -> bool:
    """Whether a module is installed. A sandboxed process can't look for the module later."""
    return find_spec(library) is not None


def is_heic(head: bytes) -> bool:
    """Whether a file is HEIC or HEIF."""
    brands = _brands(head)
    return bool(brands) and brands[0] in _HEIC_BRANDS and not {b"avif", b"avis"} & {*brands}


def is_pdf(head: bytes) -> bool:
    """Whether a file is a PDF document (ISO 32000). PDF readers accept bytes before the header."""
    return b"%PDF-" in head[:1024]


def is_video(head: bytes) -> bool:
    """Whether a file is a film in MP4, QuickTime, Matroska or WebM."""
    brands = _brands(head)
    if brands:
        return brands[0] in _VIDEO_BRANDS or brands[0].startswith((b"3gp", b"3g2", b"iso"))
    # Old QuickTime files do not have brands.
    return is_matroska(head) or head[4:8] in {b"moov", b"mdat", b"wide"}


def is_matroska(head: bytes) -> bool:
    """Whether a file is a film in Matroska (RFC 9559) or WebM."""
    return head.startswith(b"\x1a\x45\xdf\xa3") and (
        b"matroska" in head[:64] or b"webm" in head[:64]
    )


def _brands(head: bytes) -> list[bytes]:
    """Return the major brand of an ISO-BMFF file (ISO/IEC 14496-12), then its compatible brands."""
    if head[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(head[:4]), len(head))
    return [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]


OURS = {
    decoder.name: decoder
    for decoder in (
        OurDecoder("heic", "HEIC", "pi_heif", is_heic, ("heic", "heif")),
        OurDecoder("pdf", "PDF", "pypdfium2", is_pdf, ("pdf",)),
        OurDecoder("video", "a film", "av", is_video, ("mp4", "m4v", "mov", "mkv", "webm")),
    )
}
"""Our decoders, by name, in the order in which they are tried."""
