"""Compare SVG thumbnails with those of librsvg: how they look, and how long they take.

Pass directories with SVG files. The default is Debian's papirus-icon-theme. This theme and
openclipart-svg contain thousands of files. The figures are the structural similarity to the picture
of `rsvg-convert` on white, and the processor time compared with that of librsvg in libvips.
(libvips crops files with sizes in millimetres.)
Files that one of the libraries refuses, and the least similar ones, are listed.

    benches/svg.py [--files N] [--size N] [--rounds N] [DIRECTORY...]
"""

from __future__ import annotations

import argparse
import io
import math
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ["VIPS_CONCURRENCY"] = "1"

import pyvips
from PIL import Image
from xaccel import thumbnail

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches.thumbnails import ssim

pyvips.cache_set_max(0)
ICONS = Path("/usr/share/icons/Papirus")
LISTED = 12
"""The number of files to list that look least alike."""


def ours(source: bytes, size: int) -> bytes:
    return thumbnail(source, size, size, format="png", upscale=True).data


def by_libvips(source: bytes, size: int) -> bytes:
    picture = pyvips.Image.thumbnail_buffer(source, size, height=size)
    data: bytes = picture.write_to_buffer(".png")
    return data


def by_librsvg(source: bytes, size: int) -> bytes:
    command = ["rsvg-convert", "--width", str(size), "--height", str(size), "--keep-aspect-ratio"]
    return subprocess.run(command, input=source, capture_output=True, check=True).stdout


def on_white(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        shown = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB")


def timed(engine: Callable[[bytes, int], bytes], source: bytes, size: int) -> tuple[bytes, float]:
    start = time.process_time()
    data = engine(source, size)
    return data, time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("directories", nargs="*", type=Path, default=[ICONS])
    given = parser.parse_args()
    found = [
        file
        for directory in given.directories
        for file in sorted(directory.rglob("*.svg"))
        if file.is_file() and not file.is_symlink()
    ]
    files = random.Random(1).sample(found, min(given.files, len(found)))
    scores, ratios, totals, other_sizes = [], [], [0.0, 0.0], 0
    for file in files:
        source = file.read_bytes()
        made, seconds = [], []
        try:
            for engine in (ours, by_libvips):
                runs = [timed(engine, source, given.size) for _ in range(given.rounds)]
                made.append(runs[0][0])
                seconds.append(statistics.median(taken for _, taken in runs))
            one, other = on_white(made[0]), on_white(by_librsvg(source, given.size))
        except Exception as error:  # noqa: BLE001 - Each library raises its own errors.
            refuser = "librsvg" if made else "xaccel"
            print(f"{refuser} refused {file}: {str(error).strip().splitlines()[0]}")
            continue
        totals = [total + taken for total, taken in zip(totals, seconds, strict=True)]
        ratios.append(seconds[0] / seconds[1])
        if one.size != other.size:
            other_sizes += 1
            other = other.resize(one.size)
        scores.append((ssim(one.convert("L"), other.convert("L")), file))
    scores.sort(key=lambda score: score[0])
    for score, file in scores[:LISTED]:
        print(f"{score:.3f}  {file}")
    values = [score for score, _ in scores]
    print(f"{len(scores)} files; {other_sizes} have another size, mostly by rounding")
    print(
        f"SSIM: median {statistics.median(values):.4f}, mean {statistics.mean(values):.4f}, ",
        end="",
    )
    print(f"5th percentile {values[math.floor(len(values) * 0.05)]:.3f}")
    print(f"time: median ratio {statistics.median(ratios):.2f}, ", end="")
    print(f"total {totals[0]:.2f} s, librsvg {totals[1]:.2f} s, {totals[0] / totals[1]:.2f}x")


if __name__ == "__main__":
    main()
