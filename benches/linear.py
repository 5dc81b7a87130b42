"""Compare thumbnails in linear light with the default ones, a full decode, libvips and oximg.

The first part prints the processor time in linear light, relative to the same thumbnail without it.
The sources are three of Debian's wallpapers at the size and quality of a phone's photographs, as
baseline and as progressive JPEG. The thumbnails are JPEG files, which store half of the chroma, and
PNG files, for which more of the source is decoded. The two kinds of render take turns. The figures
are ratios of medians; the limit applies to baseline files.

The second part compares the pixels of PNG thumbnails with a reference: a full decode by Pillow, and
a Lanczos resize of linear light, in floating point. It prints the colour difference (CIE 1976: the
mean of the picture, and the 95th percentile), and the SSIMULACRA2 scores of xaccel, of libvips in
linear light, and of oximg if it is installed (`cargo install oximg`). libvips decodes the whole
picture. oximg also works in linear light, and halves the luma of large reductions in it.

    benches/linear.py [--rounds N] [--widths 96,300,640]
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["VIPS_CONCURRENCY"] = "1"

import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image
from xaccel import thumbnail
from xaccel._core import score

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches.photographs import photographs
from benches.versions import print_versions
from benches.widths import PHOTOGRAPHS, photograph

SLOWEST = 1.8
"""The limit of the time, relative to a thumbnail without linear light."""

DIFFERENCE = 0.5
"""The limit of the mean colour difference."""

SHARE = 0.95
"""The share of thumbnails whose score has to be at least that of libvips."""

HAS_OXIMG = shutil.which("oximg") is not None

SMALLEST = 2_000_000
"""Sources with fewer pixels are left out."""


def progressive(source: bytes) -> bytes:
    with Image.open(io.BytesIO(source)) as picture:
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=92, subsampling=2, progressive=True)
    return out.getvalue()


def ratio(source: bytes, width: int, kind: str, rounds: int) -> float:
    turns: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(rounds):
        for linear, seconds in turns.items():
            start = time.process_time()
            thumbnail(source, width, width, format=kind, quality=85, linear=linear)
            seconds.append(time.process_time() - start)
    return statistics.median(turns[True]) / statistics.median(turns[False])


def light(samples: NDArray[Any]) -> NDArray[Any]:
    samples = samples.astype(np.float32) / 255
    bright = ((samples + 0.055) / 1.055) ** 2.4
    return np.where(samples <= 0.04045, samples / 12.92, bright).astype(np.float32)


def encoded(linear: NDArray[Any]) -> NDArray[Any]:
    linear = linear.clip(0, 1)
    bright = 1.055 * linear ** (1 / 2.4) - 0.055
    samples = np.where(linear <= 0.0031308, linear * 12.92, bright)
    return (255 * samples).round().astype(np.uint8)


def reference(source: bytes, width: int) -> Image.Image:
    with Image.open(io.BytesIO(source)) as picture:
        size = (width, round(picture.height * width / picture.width))
        linear = light(np.asarray(picture.convert("RGB")))
    resized = [
        np.asarray(Image.fromarray(channel).resize(size, Image.Resampling.LANCZOS))
        for channel in np.ascontiguousarray(linear.transpose(2, 0, 1))
    ]
    return Image.fromarray(encoded(np.stack(resized, axis=2)))


def difference(one: Image.Image, other: Image.Image) -> NDArray[Any]:
    """Return the colour difference of each pixel (CIE 1976)."""
    pictures = (np.asarray(picture.convert("RGB")) for picture in (one, other))
    a, b = (pyvips.Image.new_from_array(picture, interpretation="srgb") for picture in pictures)
    found: NDArray[Any] = a.dE76(b).numpy()
    return found


def by_oximg(source: bytes, size: tuple[int, int]) -> bytes:
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        (directory / "source.jpg").write_bytes(source)
        command = ["oximg", "resize", "source.jpg", *map(str, size), "made.png"]
        subprocess.run(command, cwd=directory, check=True, capture_output=True)
        return (directory / "made.png").read_bytes()


def compare(name: str, source: bytes, width: int) -> tuple[float, dict[str, float]]:
    """Print a line, and return the mean colour difference, and the lead over each peer."""
    wanted = reference(source, width)
    out = io.BytesIO()
    wanted.save(out, "PNG")
    _, height = wanted.size
    ours = thumbnail(source, width, height, fit="fill", format="png", linear=True).data
    theirs = pyvips.Image.thumbnail_buffer(
        source, width, height=height, size="force", linear=True
    ).write_to_buffer(".png")
    peers = {"libvips": theirs}
    if HAS_OXIMG:
        peers["oximg"] = by_oximg(source, wanted.size)
    found = difference(wanted, Image.open(io.BytesIO(ours)))
    mean, most = found.mean(), np.percentile(found, 95)
    reached = score(out.getvalue(), ours)
    scores = {peer: score(out.getvalue(), made) for peer, made in peers.items()}
    columns = "".join(f"{each:9.1f}" for each in (reached, *scores.values()))
    print(f"{name:32}{width:5}{mean:8.2f}{most:7.2f}{columns}", flush=True)
    return float(mean), {peer: reached - each for peer, each in scores.items()}


def verdict(*, reached: bool) -> str:
    return "ok" if reached else "MISSED"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--widths", default="96,300,640")
    given = parser.parse_args()
    print_versions("xaccel", "pillow")
    widths = list(map(int, given.widths.split(",")))
    print(f"\n{'time':28}{''.join(f'{width:8}' for width in widths)}")
    for name in PHOTOGRAPHS:
        baseline = photograph(name)
        for source, kind, label in (
            (baseline, "jpeg", "baseline"),
            (baseline, "png", "baseline to PNG"),
            (progressive(baseline), "jpeg", "progressive"),
        ):
            ratios = [ratio(source, width, kind, given.rounds) for width in widths]
            row = "".join(f"{found:7.2f}x" for found in ratios)
            limit = f"  at most {SLOWEST:g}x: {verdict(reached=max(ratios) <= SLOWEST)}"
            print(f"{name + ', ' + label:28}{row}{limit if source is baseline else ''}", flush=True)
    last = "    oximg" if HAS_OXIMG else ""
    print(f"\n{'source':32}width    mean   95 %   xaccel  libvips{last}")
    results = []
    for path in photographs():
        source = path.read_bytes()
        with Image.open(path) as picture:
            is_large = picture.width * picture.height >= SMALLEST
        if is_large:
            name = "/".join((path.parts[4], path.parts[-2], path.stem))
            results.extend(compare(name, source, width) for width in widths)
    differences, leads = zip(*results, strict=True)
    close = sum(mean <= DIFFERENCE for mean in differences)
    print(f"\nmean colour difference: median {statistics.median(differences):.2f}, ", end="")
    print(f"largest {max(differences):.2f}, ", end="")
    reached = verdict(reached=close == len(results))
    print(f"at most {DIFFERENCE:g} for {close} of {len(results)} (all: {reached})")
    for peer in leads[0]:
        ours = [lead[peer] for lead in leads]
        share = sum(lead >= 0 for lead in ours) / len(ours)
        print(f"score at least that of {peer}: {share:.0%}, lowest lead {min(ours):+.1f} ", end="")
        print(f"(at least {SHARE:.0%}: {verdict(reached=share >= SHARE)})")


if __name__ == "__main__":
    main()
