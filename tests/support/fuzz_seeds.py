"""Small files of every supported kind: seeds for the fuzzers and for a smoke test.

python -m tests.support.fuzz_seeds fuzz/corpus
"""

import gzip
import struct
import sys
from pathlib import Path

from PIL import Image

from tests.support.drawings import drawing, svg
from tests.support.thumbnail_files import apng, avif_grid
from tests.support.thumbnail_images import (
    cmyk_profile,
    display_p3_profile,
    encoded,
    gray_profile,
    photo,
    wide_rgb_profile,
)

SIZE = (48, 30)
NOTICE = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:rights="&#xA9; Ann">'
    "<dc:creator><rdf:Seq><rdf:li>Ann &amp; Bo</rdf:li></rdf:Seq></dc:creator>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)
IMAGES = Path(__file__).parents[1] / "images"


def _exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _still(kind, mode="RGB", **options):
    return lambda: encoded(photo(*SIZE, mode), kind, **options)


def _palette(kind, colors, **options):
    return lambda: encoded(photo(*SIZE).quantize(colors), kind, **options)


def _moving(kind, mode="RGB", **options):
    def make():
        frames = [photo(*SIZE, mode).rotate(30 * index) for index in range(3)]
        options.setdefault("duration", 40)
        return encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)

    return make


def _bitmap(bits, compression=0, height=4):
    """Return a BMP with few bits per pixel or run-length encoding, as written by old programs."""

    def make():
        colors = bytes(range(256)) * 4 if bits <= 8 else b""
        masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F) if compression == 3 else b""
        runs = {1: b"\x08\7\0\0\0\3abc\0\4\1\0\0\0\2\2\1\0\1", 2: b"\x08\x57\0\0\0\4\x12\x34\0\1"}
        data = runs.get(compression, bytes(range(8)) * 32)
        count = 1 << bits if bits <= 8 else 0
        start = 14 + 40 + len(masks) + 4 * count
        header = struct.pack(
            "<IiiHHIIiiII", 40, 8, height, 1, bits, compression, len(data), 0, 0, count, 0
        )
        body = header + masks + colors[: 4 * count] + data
        return b"BM" + struct.pack("<IHHI", 14 + len(body), 0, 0, start) + body

    return make


SEEDS = {
    "baseline.jpg": _still("JPEG"),
    "full-chroma.jpg": _still("JPEG", subsampling=0),
    "halved-chroma.jpg": _still("JPEG", subsampling=1),
    "progressive.jpg": _still("JPEG", progressive=True),
    "progressive-full-chroma.jpg": _still("JPEG", progressive=True, subsampling=0),
    "progressive-restarts.jpg": _still("JPEG", "L", progressive=True, restart_marker_blocks=2),
    "gray.jpg": _still("JPEG", "L", icc_profile=gray_profile()),
    "inks.jpg": _still("JPEG", "CMYK", icc_profile=cmyk_profile(2)),
    "restarts.jpg": _still("JPEG", restart_marker_blocks=2),
    "turned.jpg": _still("JPEG", exif=_exif(6), icc_profile=wide_rgb_profile()),
    "wide.jpg": _still("JPEG", icc_profile=display_p3_profile(), xmp=NOTICE.encode()),
    "rgb.png": _still("PNG"),
    "rgba.png": _still("PNG", "RGBA", icc_profile=wide_rgb_profile()),
    "gray.png": _still("PNG", "L"),
    "gray-alpha.png": _still("PNG", "LA"),
    "gray-16.png": lambda: encoded(photo(*SIZE, "L").convert("I;16"), "PNG"),
    "bilevel.png": _still("PNG", "1"),
    "palette.png": _palette("PNG", 64),
    "palette-clear.png": _palette("PNG", 4, transparency=bytes([0, 128])),
    "turned.png": _still("PNG", exif=_exif(5)),
    "animated.png": apng,
    "interlaced.png": lambda: apng(interlaced=True, separate=True),
    "still.gif": _palette("GIF", 64),
    "interlaced.gif": _palette("GIF", 32, interlace=1),
    "animated.gif": _moving("GIF", loop=3),
    "disposed.gif": _moving("GIF", "RGBA", disposal=2),
    "restored.gif": _moving("GIF", "RGBA", disposal=3),
    "lossy.webp": _still("WEBP", quality=30),
    "lossless.webp": _still("WEBP", lossless=True),
    "alpha.webp": _still("WEBP", "RGBA", exif=_exif(8), icc_profile=wide_rgb_profile()),
    "animated.webp": _moving("WEBP", "RGBA", loop=2, quality=30),
    "rgb.bmp": _still("BMP"),
    "rgba.bmp": _still("BMP", "RGBA"),
    "palette.bmp": _palette("BMP", 64),
    "bilevel.bmp": _still("BMP", "1"),
    "short.bmp": _bitmap(16, 3),
    "upside-down.bmp": _bitmap(4, 0, -4),
    "runs.bmp": _bitmap(8, 1),
    "short-runs.bmp": _bitmap(4, 2),
    "raw.tif": _still("TIFF"),
    "lzw.tif": _still("TIFF", "RGBA", compression="tiff_lzw", icc_profile=wide_rgb_profile()),
    "deflate.tif": _still("TIFF", "L", compression="tiff_adobe_deflate"),
    "packbits.tif": _still("TIFF", compression="packbits"),
    "fax.tif": _still("TIFF", "1", compression="group4"),
    "fax-1d.tif": _still("TIFF", "1", compression="group3"),
    "fax-runs.tif": _still("TIFF", "1", compression="tiff_ccitt"),
    "zstandard.tif": _still("TIFF", compression="zstd"),
    "lzma.tif": _still("TIFF", compression="lzma"),
    "jpeg.tif": _still("TIFF", "L", compression="jpeg"),
    "jpeg-chroma.tif": _still("TIFF", compression="jpeg"),
    "differences.tif": _still("TIFF", compression="tiff_lzw", tiffinfo={317: 2}),
    "big.tif": _still("TIFF", big_tiff=True),
    "palette.tif": _palette("TIFF", 64),
    "inks.tif": _still("TIFF", "CMYK"),
    "lossy.avif": _still("AVIF", quality=30, speed=10),
    "full-chroma.avif": _still("AVIF", subsampling="4:4:4", range="limited", speed=10),
    "alpha.avif": _still("AVIF", "RGBA", exif=_exif(6), speed=10, icc_profile=wide_rgb_profile()),
    "gray.avif": _still("AVIF", "L", subsampling="4:0:0", speed=10),
    "grid.avif": lambda: avif_grid(photo(120, 70, "RGBA"), 2, 2, 64),
    "animated.avif": _moving("AVIF", "RGBA", speed=10),
    "fax-2d.tif": (IMAGES / "fax-2d.tif").read_bytes,
    # Gray in HDR is refused.
    **{
        path.name: path.read_bytes
        for path in sorted(IMAGES.glob("*.jxl"))
        if path.stem != "gray-hdr"
    },
}

DRAWINGS = {
    "drawing.svg": drawing,
    "drawing.svgz": lambda: gzip.compress(drawing(), mtime=0),
}

ELEMENTS = {
    "path": "<path d='M1 1h9v9A3 3 0 0 1 5 5Q1 2 3 4T9 9z' stroke='#123' stroke-dasharray='1 .1'/>",
    "use": "<g id='a'><rect width='3' height='3'/></g><g id='b'><use href='#a'/></g>"
    "<use href='#b' x='4'/>",
    "pattern": "<pattern id='p' width='.1' height='.1'><rect width='1' height='1'/></pattern>"
    "<rect width='9' height='9' fill='url(#p)'/>",
    "mask": "<mask id='m'><rect width='9' height='9' fill='red' mask='url(#m)'/></mask>"
    "<rect width='9' height='9' mask='url(#m)'/>",
    "filter": "<filter id='f' x='-9' width='99'><feGaussianBlur stdDeviation='3'/><feTurbulence "
    "baseFrequency='.1' numOctaves='3'/><feMorphology radius='2'/><feConvolveMatrix order='3' "
    "kernelMatrix='1 2 1 0 0 0 1 2 1'/><feTile/></filter><circle r='5' filter='url(#f)'/>",
    "marker": "<marker id='k' markerWidth='9' markerHeight='9'><circle r='1'/></marker>"
    "<polyline points='1,1 2,3 5,4' marker-start='url(#k)' marker-mid='url(#k)'/>",
    "text": "<text x='1 2 3' y='5' rotate='9' font-size='4' letter-spacing='2'>Ab<tspan dx='1'>c"
    "</tspan><textPath href='#q'>de</textPath></text><path id='q' d='M0 0L9 9'/>",
    "style": "<style>* { fill: red } g > rect.x:first-child { opacity: .5 }</style>"
    "<g><rect class='x' width='9' height='9'/></g>",
    "switch": "<switch><g systemLanguage='de'/><g><svg viewBox='0 0 3 3' width='5'><rect width='3' "
    "height='3'/></svg></g></switch><symbol id='s'/><use href='#s'/>",
    "entity": "<desc>&#65;</desc><rect transform='matrix(1 .2 .3 1 2 3)' width='9' height='9'/>",
}
"""Elements of SVG files, one kind in each seed."""

TEXTS = {
    "copyright": [
        NOTICE,
        "\x1c\2\x50\0\3Ann\x1c\2\x74\0\4text",
        "8BIM\4\4\0\0\0\0\0\x08\x1c\2\x50\0\3Ann",
        "MM\0*\0\0\0\x08\0\1\1\x3b\0\2\0\0\0\4Ann\0",
    ],
    # The size of the pieces, then a head of 32 bytes and the body.
    "reply": [
        "\x09\1\0\1\0\10\0\0\0\10\0\0\0\6\0\0\0" + "\1\2\0\0\0\0\0\0" * 2 + "a JPEG",
        "\x09\2\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0" + "\0" * 16 + "data:",
        "\x40\3\2\0\0\0\0\0\0\0\0\0\0\7\0\0\0" + "\0" * 16 + "corrupt",
        "\x40\4\0\0\0\5\0\0\0\0\0\0\0\5\0\0\0" + "\0" * 16 + "error",
    ],
    "spec": [
        "300x200",
        "-x-",
        "300x-,cover,upscale,g-smart,crop-0.1-0.2-0.5-0.5,rot-90,flip-h,blur-2.5,sharpen-1",
        "300x200,pad,trim-10,grayscale,detail,radius-12,bg-ffffff,keep-icc,png",
        "1x8192,pad,g-0.3-0.7,bg-ff8000,dpr-2,q-80,webp,v-0123abcd",
    ],
    "sign": [
        "https://cdn.example.com/videos/42/a%20b.m3u8?v=1&token_countries=CA,US",
        "s3://my-bucket/a//b ~%+.jpg",
        "gs://my-bucket/a",
        "$secure_link_expires$uri${remote_addr} $secret",
    ],
    "verify": [
        "/t/300x200/cat.jpg",
        "/t/300x200/c%C3%A4t.jpg?a=b&key=qvHJx0qXanLY9m3LX49R3Q",
        "/p/x?key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&expires=1893456000",
    ],
}


def write(corpus):
    """Write the seeds for every fuzz target to the target's directory."""
    for target in ("decode", "render"):
        directory = Path(corpus, target)
        directory.mkdir(parents=True, exist_ok=True)
        for name, make in (SEEDS | DRAWINGS).items():
            (directory / name).write_bytes(make())
    directory = Path(corpus, "svg")
    directory.mkdir(parents=True, exist_ok=True)
    for name, elements in ELEMENTS.items():
        (directory / f"{name}.svg").write_bytes(svg(elements))
    for name, make in DRAWINGS.items():
        (directory / name).write_bytes(make())
    for target, texts in TEXTS.items():
        directory = Path(corpus, target)
        directory.mkdir(parents=True, exist_ok=True)
        for index, text in enumerate(texts):
            (directory / f"seed-{index}").write_text(text)


if __name__ == "__main__":
    write(sys.argv[1])
