"""Compare thumbnails of one photograph of 12 megapixels at every width that sites ask for.

The sources are three of Debian's wallpapers at the size and quality of a phone's photographs:
4032x3024 pixels, JPEG of quality 92 with 4:2:0. All libraries use one thread, and the same source,
size, format and quality. They take turns. The figures are medians of the processor time in
milliseconds.

The column "limit" is the time of the two parts of a render that can't be avoided: finding the
blocks of the source, and encoding the result. A ratio below its target is marked, and so is a width
that takes over 10 % less time than a smaller one.

    benches/widths.py [--rounds N] [--widths 96,300,...] [--formats jpeg,webp] [--plot FILE.svg]
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

import pyvips
from PIL import Image
from xaccel import thumbnail

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches.limits import reading, writing
from benches.photographs import WALLPAPERS
from benches.versions import print_versions

PHOTOGRAPHS = ("FallenLeaf", "Autumn", "BytheWater")
SIZE = (4032, 3024)
WIDTHS = (96, 150, 200, 240, 256, 300, 400, 480, 640, 800, 1024, 1280, 1600, 1920, 2048)
QUALITY = {"jpeg": 85, "webp": 80}
TOLERANCE = 1.1
TARGETS = {"jpeg": ((240, 3.3), (672, 2.2), (2016, 1.8)), "webp": ((480, 2.0),)}
"""For each format, pairs of a maximum width and the target ratio to libvips."""

pyvips.cache_set_max(0)


def photograph(name: str) -> bytes:
    """Return a wallpaper as a phone would store it."""
    with Image.open(WALLPAPERS / name / "contents/images/2560x1600.jpg") as picture:
        large = picture.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    large.save(out, "JPEG", quality=92, subsampling=2)
    return out.getvalue()


def ours(source: bytes, width: int, kind: str) -> bytes:
    return thumbnail(source, width, width, format=kind, quality=QUALITY[kind]).data


def by_vips(source: bytes, width: int, kind: str) -> bytes:
    picture = pyvips.Image.thumbnail_buffer(source, width, height=width, size="down")
    made: bytes = picture.write_to_buffer({"jpeg": ".jpg"}.get(kind, f".{kind}"), Q=QUALITY[kind])
    return made


def by_pillow(source: bytes, width: int, kind: str) -> bytes:
    picture = Image.open(io.BytesIO(source))
    picture.thumbnail((width, width), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, kind, quality=QUALITY[kind])
    return out.getvalue()


ENGINES: dict[str, Callable[[bytes, int, str], bytes]] = {
    "xaccel": ours,
    "libvips": by_vips,
    "Pillow": by_pillow,
}


def medians(source: bytes, width: int, kind: str, rounds: int) -> dict[str, float]:
    """Return the median of each library's processor time."""
    times: dict[str, list[float]] = {name: [] for name in ENGINES}
    for _ in range(rounds):
        for name, make in ENGINES.items():
            start = time.process_time()
            make(source, width, kind)
            times[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def target(kind: str, width: int) -> float | None:
    """Return the target for xaccel's speed relative to libvips."""
    return next((ratio for widest, ratio in TARGETS[kind] if width <= widest), None)


def compare(name: str, kind: str, widths: list[int], rounds: int) -> dict[int, float]:
    """Print a line for each width, and return xaccel's speeds relative to libvips."""
    print(f"\n{name} to {kind}\n width   xaccel  libvips   Pillow   limit     ratio to libvips")
    source = photograph(name)
    least = reading(source, rounds)
    slowest, ratios = 0.0, {}
    for width in widths:
        times = medians(source, width, kind, rounds)
        encoder = writing(ours(source, width, kind), kind, QUALITY[kind], rounds)
        ratios[width] = times["libvips"] / times["xaccel"]
        verdicts = []
        wanted = target(kind, width)
        if wanted is not None:
            verdict = "ok" if ratios[width] >= wanted else "MISSED"
            verdicts.append(f"at least {wanted:g}: {verdict}")
        elif kind == "webp":
            rest = (times["xaccel"] - encoder) / max(times["libvips"] - encoder, 1e-6)
            verdict = "ok" if rest <= 0.5 else "MISSED"
            verdicts.append(f"without libwebp's encoder {rest:.2f} of libvips's time: {verdict}")
        if times["xaccel"] * TOLERANCE < slowest:
            verdicts.append("MISSED: a smaller width takes longer")
        slowest = max(slowest, times["xaccel"])
        row = "".join(f"{1000 * times[engine]:9.1f}" for engine in ENGINES)
        limit = 1000 * (least + encoder)
        print(f"{width:6}{row}{limit:8.1f}{ratios[width]:9.2f}  {'; '.join(verdicts)}", flush=True)
    return ratios


def plot(curves: dict[str, dict[int, float]], file: Path) -> None:
    """Draw the ratios by width."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.use("svg")
    # The text stays text, so that a screen reader can read it and the file is small.
    plt.rcParams["svg.fonttype"] = "none"
    figure, axes = plt.subplots(figsize=(8, 4))
    styles = {"jpeg": "-", "webp": ":"}
    for label, ratios in curves.items():
        kind = label.rpartition(" ")[2]
        axes.plot(list(ratios), list(ratios.values()), styles[kind], marker=".", label=label)
    axes.axhline(1, color="gray", linewidth=1)
    axes.set_xscale("log")
    ticks = [96, 150, 240, 400, 640, 1024, 1600, 2048]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("width of the thumbnail in pixels (the source has 4032)")
    axes.set_ylabel("times as fast as libvips")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(frameon=False)
    figure.tight_layout()
    # Without a date, the same figures give the same file.
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--widths", default=",".join(map(str, WIDTHS)))
    parser.add_argument("--formats", default="jpeg,webp")
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    print_versions("xaccel", "pillow")
    widths = list(map(int, given.widths.split(",")))
    curves = {}
    for kind in given.formats.split(","):
        for name in PHOTOGRAPHS:
            curves[f"{name} to {kind}"] = compare(name, kind, widths, given.rounds)
    if given.plot is not None:
        plot(curves, given.plot)


if __name__ == "__main__":
    main()
