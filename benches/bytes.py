"""Compare the bytes of JPEG, WebP and AVIF files at equal SSIMULACRA2 scores.

The sources are 60 photographs from Debian's plasma-workspace-wallpapers (whole ones and parts) and
20 graphics: text, charts, and PNG files that Debian's packages contain. Pillow scales each of them
down. All encoders encode the same pixels.

The peers use the settings that their documentation names. Pillow and libvips use their defaults.
sharp uses its default quality of 80 with optimised Huffman tables. imgproxy uses its default
qualities: 80 for JPEG, 79 for WebP and 63 for AVIF. pyvips encodes for sharp and imgproxy. For each
file of a peer, the bench searches for the quality at which xaccel's file has the same score, and
interpolates the bytes between two qualities. It prints the mean and the largest ratio of xaccel's
bytes to the peer's. `cargo bench -p jpeg-encode` measures the time.

With `--defaults`, it prints the mean scores and bytes of xaccel's files at several qualities.

    benches/bytes.py [--sizes 300,640,1600] [--photographs 60] [--graphics 20] [--defaults]
"""

from __future__ import annotations

import argparse
import io
import math
import os
import random
import statistics
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

os.environ["VIPS_CONCURRENCY"] = "1"

import pyvips
from PIL import Image, ImageDraw, ImageFont
from xaccel import thumbnail
from xaccel._core import score

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches.photographs import varied

Encode = Callable[[Image.Image], bytes]
SHARE = Path("/usr/share")
TEXT = (Path(__file__).resolve().parents[1] / "docs/thumbnails.md").read_text().split()


def text(fill: str, background: str, size: int) -> Image.Image:
    picture = Image.new("RGB", (1920, 1200), background)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    for line, y in enumerate(range(20, 1180, size * 3 // 2)):
        draw.text((30, y), " ".join(TEXT[line * 20 : line * 20 + 40]), fill=fill, font=font)
    return picture


def chart(shapes: int) -> Image.Image:
    rng, picture = random.Random(shapes), Image.new("RGB", (1920, 1200), "white")
    draw = ImageDraw.Draw(picture)
    for index in range(shapes):
        x, y, side = rng.randrange(1800), rng.randrange(1100), rng.randrange(10, 300)
        color = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
        shape = draw.ellipse if index % 2 else draw.rectangle
        fill = color if index % 3 else None
        shape((x, y, x + side, y + side), fill=fill, outline=color, width=4)
        draw.line((x, y, rng.randrange(1920), rng.randrange(1200)), fill=color, width=3)
    return picture


def graphics(count: int) -> list[Image.Image]:
    drawn = [
        text("black", "white", 22),
        text("#ffd040", "#102040", 30),
        text("#802020", "#f4f0e8", 40),
        text("#40ff80", "black", 18),
        text("#2060c0", "white", 60),
        text("white", "#c02020", 90),
        *(chart(shapes) for shapes in (40, 100, 160, 220)),
    ]
    files = (file for file in SHARE.glob("**/*.png") if file.stat().st_size > 20_000)
    for file in sorted(files):
        if len(drawn) >= count:
            break
        with Image.open(file) as picture:
            if min(picture.size) < 300 or max(picture.size) > 4000:
                continue
            shown = Image.new("RGBA", picture.size, "white")
            shown.alpha_composite(picture.convert("RGBA"))
        drawn.append(shown.convert("RGB"))
    return drawn[:count]


def smaller(picture: Image.Image, size: int) -> Image.Image | None:
    if max(picture.size) < size:
        return None
    picture = picture.convert("RGB")
    picture.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=None)
    return picture


def by_pillow(kind: str, quality: int, **options: object) -> Encode:
    def encode(picture: Image.Image) -> bytes:
        stream = io.BytesIO()
        picture.save(stream, kind, quality=quality, **options)
        return stream.getvalue()

    return encode


def by_vips(save: str, **options: object) -> Encode:
    def encode(picture: Image.Image) -> bytes:
        pixels = pyvips.Image.new_from_memory(picture.tobytes(), *picture.size, 3, "uchar")
        file: bytes = getattr(pixels, save)(**options)
        return file

    return encode


PEERS: dict[str, dict[str, Encode]] = {
    "jpeg": {
        "Pillow": by_pillow("JPEG", 75),
        "Pillow, quality 85": by_pillow("JPEG", 85),
        "libvips": by_vips("jpegsave_buffer"),
        "libvips, quality 85": by_vips("jpegsave_buffer", Q=85),
        "sharp": by_vips("jpegsave_buffer", Q=80, optimize_coding=True),
        "imgproxy": by_vips("jpegsave_buffer", Q=80),
    },
    "webp": {
        "Pillow": by_pillow("WEBP", 80),
        "libvips": by_vips("webpsave_buffer", Q=75),
        "sharp": by_vips("webpsave_buffer", Q=80),
        "imgproxy": by_vips("webpsave_buffer", Q=79),
    },
    "avif": {
        "Pillow": by_pillow("AVIF", 75, max_threads=1),
        "libvips": by_vips("heifsave_buffer", compression="av1", Q=50),
        "sharp": by_vips(
            "heifsave_buffer", compression="av1", Q=50, effort=4, subsample_mode="off"
        ),
        "imgproxy": by_vips("heifsave_buffer", compression="av1", Q=63, effort=1),
    },
}


class Subject:
    """A picture, and xaccel's files of it."""

    def __init__(self, picture: Image.Image) -> None:
        self.picture = picture
        stream = io.BytesIO()
        picture.save(stream, "BMP")
        self.source = stream.getvalue()
        self.ours = cache(self._ours)

    def _ours(self, kind: str, quality: int) -> tuple[float, int]:
        file = thumbnail(self.source, format=kind, quality=quality).data
        return score(self.source, file), len(file)

    def bytes_at(self, kind: str, wanted: float) -> float | None:
        """Return the bytes at a score, or None if no quality reaches it."""
        low, high = 1, 99
        while low + 1 < high:
            middle = (low + high) // 2
            low, high = (middle, high) if self.ours(kind, middle)[0] < wanted else (low, middle)
        (below, fewer), (above, more) = self.ours(kind, low), self.ours(kind, high)
        if not below < wanted <= above:
            return None
        part = (wanted - below) / (above - below)
        return math.exp(math.log(fewer) * (1 - part) + math.log(more) * part)


def compare(subjects: list[Subject], kind: str) -> None:
    for peer, encode in PEERS[kind].items():
        ratios, scores, unreached = [], [], 0
        for subject in subjects:
            file = encode(subject.picture)
            wanted = score(subject.source, file)
            scores.append(wanted)
            ours = subject.bytes_at(kind, wanted)
            if ours is None:
                unreached += 1
            else:
                ratios.append(ours / len(file))
        mean = math.exp(statistics.mean(map(math.log, ratios)))
        print(
            f"  {kind:4}  {peer:20} score {statistics.mean(scores):5.1f}: "
            f"{mean:.3f}x the bytes, at most {max(ratios):.3f}x"
            f"{f' ({unreached} not reached)' if unreached else ''}",
            flush=True,
        )


def defaults(subjects: list[Subject]) -> None:
    for kind in PEERS:
        for quality in (60, 65, 70, 75, 78, 80, 82, 85, 88):
            found = [subject.ours(kind, quality) for subject in subjects]
            mean = statistics.mean(score for score, _ in found)
            total = sum(size for _, size in found)
            print(f"  {kind:4}  quality {quality}: score {mean:.1f}, {total} bytes", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="300,640,1600")
    parser.add_argument("--photographs", type=int, default=60)
    parser.add_argument("--graphics", type=int, default=20)
    parser.add_argument("--formats", default="jpeg,webp,avif")
    parser.add_argument("--defaults", action="store_true")
    arguments = parser.parse_args()
    photographs = [Image.open(io.BytesIO(file)) for file in varied(arguments.photographs)]
    drawn = graphics(arguments.graphics)
    for size in map(int, arguments.sizes.split(",")):
        for name, pictures in (("photographs", photographs), ("graphics", drawn)):
            smalls = (smaller(picture, size) for picture in pictures)
            subjects = [Subject(picture) for picture in smalls if picture]
            if not subjects:
                continue
            print(f"\n{len(subjects)} {name}, {size} px")
            if arguments.defaults:
                defaults(subjects)
                continue
            for kind in arguments.formats.split(","):
                compare(subjects, kind)


if __name__ == "__main__":
    main()
