"""Compare thumbnails of the rarer formats with libvips, and with Pillow and its plug-ins.

All libraries use one thread, and the same source bytes, size, output format and quality. The
figures are medians of the processor time, which hardly depends on other load. The libraries take
turns. Times more than 5 % longer than those of libvips are marked.

The libvips in the wheel of `pyvips-binary` does not read HEIC, PDF or JPEG XL. Use Debian's:

    apt-get install libvips42
    pip install pyvips pi-heif pillow-heif pypdfium2 pillow-jxl-plugin cairosvg
    benches/formats.py [--rounds N] [--sizes 96,300,640] [--kinds heic,svg,...] [FILE.svg ...]

Debian's libvips loads a libheif that crashes next to those of the Python packages. Measure HEIC in
separate runs, with `--engines xaccel,Pillow` and `--engines libvips`.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ["VIPS_CONCURRENCY"] = "1"

import pillow_heif
import pillow_jxl  # noqa: F401 - This registers the format with Pillow.
import pypdfium2
from PIL import Image
from xaccel import thumbnail

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches.photographs import photographs
from tests.support.drawings import drawing
from tests.support.pdf import pdf

MOST = 1.05
QUALITY = 85

pillow_heif.register_heif_opener()


def output(kind: str) -> str:
    """Return the format of the thumbnail."""
    return "png" if kind == "svg" else "jpeg"


def ours(source: bytes, size: int, kind: str) -> None:
    thumbnail(source, size, size, format=output(kind), quality=QUALITY, upscale=kind == "svg")


def by_vips(source: bytes, size: int, kind: str) -> None:
    import pyvips

    grows = "both" if kind == "svg" else "down"
    picture = pyvips.Image.thumbnail_buffer(source, size, height=size, size=grows)
    options = {} if kind == "svg" else {"Q": QUALITY}
    picture.write_to_buffer(".png" if kind == "svg" else ".jpg", **options)


def prepare_vips() -> None:
    """Switch the cache of libvips off, and print its version."""
    import pyvips

    pyvips.cache_set_max(0)
    print("libvips", ".".join(str(pyvips.version(part)) for part in range(3)))


def by_pillow(source: bytes, size: int, kind: str) -> None:
    if kind == "svg":
        import cairosvg

        cairosvg.svg2png(source, output_width=size)
        return
    if kind.startswith("pdf"):
        document = pypdfium2.PdfDocument(source)
        page = document[0]
        picture = page.render(scale=size / max(page.get_size())).to_pil()
    else:
        picture = Image.open(io.BytesIO(source))
        picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    picture.convert("RGB").save(io.BytesIO(), output(kind), quality=QUALITY)


ENGINES: dict[str, Callable[[bytes, int, str], None]] = {
    "xaccel": ours,
    "libvips": by_vips,
    "Pillow": by_pillow,
}


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def photo() -> Image.Image:
    """Return the largest of the wallpapers, as a photograph of 12 megapixels."""
    files = [file for file in photographs() if file.name == "2560x1600.jpg"]
    with Image.open(max(files, key=lambda file: file.stat().st_size)) as picture:
        return picture.convert("RGB").resize((4032, 3024))


def lines() -> bytes:
    """Return curves of several colours, as in a map or a chart."""
    curves = (
        f"{i % 7 / 7} {i % 5 / 5} {i % 3 / 3} RG {i % 4} w {i % 595} 0 m "
        f"{i * 7 % 595} 280 {i * 13 % 595} 560 {i * 29 % 595} 842 c S"
        for i in range(2000)
    )
    return "\n".join(curves).encode()


def sources(drawings: list[Path]) -> dict[str, Callable[[], bytes]]:
    """Return the files by kind. They are made when they are needed."""
    picture = photo()
    small = picture.resize((1344, 1008))
    return {
        "heic": lambda: encoded(picture, "HEIF", quality=60),
        "avif": lambda: encoded(small, "AVIF", quality=70, speed=8),
        "jxl": lambda: encoded(picture, "JXL", quality=85, effort=3),
        "tiff": lambda: encoded(picture, "TIFF"),
        "tiff-lzw": lambda: encoded(picture, "TIFF", compression="tiff_lzw"),
        "tiff-fax": lambda: encoded(picture.convert("1"), "TIFF", compression="group4"),
        "bmp": lambda: encoded(picture, "BMP"),
        "gif": lambda: encoded(small.quantize(256), "GIF"),
        "pdf-photo": lambda: encoded(picture, "PDF", quality=85),
        "pdf-lines": lambda: pdf((595, 842), contents=lines()),
        "svg": drawing,
        **{f"svg {file.name}": file.read_bytes for file in drawings},
    }


def compare(
    source: bytes, size: int, kind: str, engines: list[str], rounds: int
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the median time of each library, and the reasons of those that failed."""
    turns: dict[str, list[float]] = {engine: [] for engine in engines}
    failed: dict[str, str] = {}
    for _ in range(rounds):
        for engine, seconds in turns.items():
            if engine in failed:
                continue
            start = time.process_time()
            try:
                ENGINES[engine](source, size, kind)
            except Exception as error:  # noqa: BLE001 - Libraries raise anything.
                failed[engine] = f"{type(error).__name__}: {error}".split("\n")[0]
            seconds.append(time.process_time() - start)
    passed = (engine for engine in engines if engine not in failed)
    return {engine: statistics.median(turns[engine]) for engine in passed}, failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--sizes", default="96,300,640")
    parser.add_argument("--kinds", default="")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("drawings", nargs="*", type=Path)
    given = parser.parse_args()
    engines = given.engines.split(",")
    if "libvips" in engines:
        prepare_vips()
    chosen = set(given.kinds.split(",")) - {""}
    for name, make in sources(given.drawings).items():
        kind = name.split(" ")[0]
        if chosen and kind not in chosen:
            continue
        source = make()
        for size in map(int, given.sizes.split(",")):
            medians, failed = compare(source, size, kind, engines, given.rounds)
            figures = "  ".join(
                f"{engine} {medians[engine] * 1000:7.1f} ms" if engine in medians else f"{engine} -"
                for engine in engines
            )
            verdict = ""
            if {"xaccel", "libvips"} <= medians.keys():
                ratio = medians["xaccel"] / medians["libvips"]
                verdict = f"  {ratio:5.2f}x  {'ok' if ratio <= MOST else 'MISSED'}"
            print(f"{name:12} {size:4} px  {figures}{verdict}", flush=True)
            for engine, reason in failed.items():
                print(f"    {engine}: {reason[:100]}")


if __name__ == "__main__":
    main()
