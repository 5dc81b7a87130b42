"""Compare the AVIF encoder with Pillow and libvips (libaom): time and size at equal quality.

SSIMULACRA2 measures the visible quality. Each encoder encodes the same picture at several of its
own quality settings. The time and the size at equal scores are interpolated between these results.
The times are processor times of one thread.

    benches/avif.py [--sizes 300,640,1600] [--photos N]
"""

from __future__ import annotations

import argparse
import io
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["VIPS_CONCURRENCY"] = "1"

import numpy as np
import pyvips
from PIL import Image, ImageOps
from ssimulacra2 import compute_ssimulacra2
from xaccel import thumbnail

ROOT = Path(__file__).resolve().parents[1]
PHOTOS = [
    *(
        ROOT / "examples" / "flask_gallery" / "photos" / name
        for name in ("puppies.jpg", "picos-de-europa.jpg")
    ),
    *(
        Path("/usr/share/wallpapers") / name / "contents/images/2560x1600.jpg"
        for name in ("FallenLeaf", "EveningGlow")
    ),
]
QUALITIES = (30, 45, 60, 75, 90)
SCORES = (50, 60, 70)
"""SSIMULACRA2 scores, from low to high quality. Above these scores, no difference is visible."""

Encode = Callable[[Image.Image, int], tuple[float, bytes]]


def ours(speed: int | None = None) -> Encode:
    def encode(picture: Image.Image, quality: int) -> tuple[float, bytes]:
        # Of all formats that xaccel reads, BMP takes the least time to decode.
        stream = io.BytesIO()
        picture.save(stream, "BMP")
        source = stream.getvalue()
        start = time.process_time()
        data = thumbnail(source, format="avif", quality=quality, avif_speed=speed).data
        return time.process_time() - start, data

    return encode


def by_pillow(speed: int, subsampling: str) -> Encode:
    def encode(picture: Image.Image, quality: int) -> tuple[float, bytes]:
        stream = io.BytesIO()
        options = {"speed": speed, "subsampling": subsampling, "max_threads": 1}
        start = time.process_time()
        picture.save(stream, "AVIF", quality=quality, **options)
        return time.process_time() - start, stream.getvalue()

    return encode


def by_vips(effort: int) -> Encode:
    def encode(picture: Image.Image, quality: int) -> tuple[float, bytes]:
        pixels = pyvips.Image.new_from_memory(picture.tobytes(), *picture.size, 3, "uchar")
        start = time.process_time()
        data = pixels.heifsave_buffer(compression="av1", Q=quality, effort=effort)
        return time.process_time() - start, data

    return encode


ENCODERS = {
    "xaccel": ours(),
    **{f"xaccel, speed {speed}": ours(speed) for speed in (5, 7, 9)},
    **{f"Pillow, speed {speed}": by_pillow(speed, "4:2:0") for speed in (6, 8, 10)},
    "Pillow, speed 8, 4:4:4": by_pillow(8, "4:4:4"),
    **{f"libvips, effort {effort}": by_vips(effort) for effort in (0, 1, 4)},
}


def score(picture: Image.Image, data: bytes, directory: Path) -> float:
    original, decoded = directory / "original.png", directory / "decoded.png"
    picture.save(original, compress_level=1)
    with Image.open(io.BytesIO(data)) as made:
        made.convert("RGB").save(decoded, compress_level=1)
    return float(compute_ssimulacra2(str(original), str(decoded)))


def curve(picture: Image.Image, encode: Encode, directory: Path) -> dict[int, tuple[float, float]]:
    """Return the logarithms of the bytes and seconds for each score, in ascending order."""
    points = []
    for quality in QUALITIES:
        runs = [encode(picture, quality) for _ in range(3)]
        data = runs[0][1]
        seconds = statistics.median(run[0] for run in runs)
        points.append((score(picture, data, directory), math.log(len(data)), math.log(seconds)))
    points.sort()
    scores, sizes, times = zip(*points, strict=True)
    return {
        wanted: (float(np.interp(wanted, scores, sizes)), float(np.interp(wanted, scores, times)))
        for wanted in SCORES
        if scores[0] <= wanted <= scores[-1]
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="300,640,1600")
    parser.add_argument("--photos", type=int, default=len(PHOTOS))
    options = parser.parse_args()
    photos = [path for path in PHOTOS if path.exists()][: options.photos]
    print("At equal SSIMULACRA2, relative to ours: bytes / time")
    print(f"{'':24}{'size':>5}" + "".join(f"{f'score {wanted}':>15}" for wanted in SCORES))
    with tempfile.TemporaryDirectory() as temporary:
        for size in map(int, options.sizes.split(",")):
            curves: dict[str, list[dict[int, tuple[float, float]]]] = {}
            for path in photos:
                with Image.open(path) as stored:
                    picture = ImageOps.exif_transpose(stored).convert("RGB")
                picture.thumbnail((size, size), Image.Resampling.LANCZOS)
                for name, encode in ENCODERS.items():
                    curves.setdefault(name, []).append(curve(picture, encode, Path(temporary)))
            for name, found in curves.items():
                cells = ""
                for wanted in SCORES:
                    pairs = [
                        (theirs[wanted], our[wanted])
                        for theirs, our in zip(found, curves["xaccel"], strict=True)
                        if wanted in theirs and wanted in our
                    ]
                    ratios = [
                        math.exp(statistics.mean(one[which] - other[which] for one, other in pairs))
                        if pairs
                        else math.nan
                        for which in (0, 1)
                    ]
                    cells += f"{ratios[0]:8.2f} /{ratios[1]:5.2f}"
                print(f"{name:24}{size:5}{cells}", flush=True)


if __name__ == "__main__":
    main()
