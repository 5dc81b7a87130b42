"""Compare the crops of `gravity="smart"` with the centre and with the two methods of libvips.

A person has marked the subject of each image with a box. The first table shows how much of the box
each method keeps, relative to the largest part that fits into a crop of that shape, and how often
the whole box is kept. The second table shows how much time the search for the crop adds to a
thumbnail. The images are photographs from this repository, images with subjects in unusual places,
and photographs from Debian's plasma-workspace-wallpapers.

    benches/smart_crop.py [--sheet FILE]    write a contact sheet too
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import sys
import time
from pathlib import Path

os.environ["VIPS_CONCURRENCY"] = "1"

import pyvips
from PIL import Image, ImageDraw
from xaccel import thumbnail

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.subjects import GALLERY, PHOTOS, Composed, Subject, composed, locate, share

SHAPES = ((1, 1), (2, 3), (3, 2), (16, 9))
LONGER = 180
WALLPAPERS = Path("/usr/share/wallpapers")
WAYS = ("smart", "centre", "attention", "entropy")
BEYOND = [
    Subject(name, WALLPAPERS / name / "contents/images/2560x1600.jpg", box)
    for name, box in [
        ("FallenLeaf", (0.5, 0.18, 0.95, 0.75)),
        ("OneStandsOut", (0.62, 0.44, 0.73, 0.57)),
        ("Kite", (0.64, 0.3, 0.73, 0.42)),
    ]
]


def cropped(source: bytes, size: tuple[int, int], way: str) -> Image.Image:
    if way in {"smart", "centre"}:
        gravity = {"smart": "smart", "centre": "c"}[way]
        data = thumbnail(source, *size, fit="cover", gravity=gravity, format="png").data
    else:
        picture = pyvips.Image.thumbnail_buffer(source, size[0], height=size[1], crop=way)
        data = picture.write_to_buffer(".png")
    return Image.open(io.BytesIO(data))


def shares(subject: Subject | Composed) -> dict[str, list[float]]:
    """Return the share of the subject that each method keeps, for each shape."""
    stream = io.BytesIO()
    subject.picture.save(stream, "PNG")
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for shape in SHAPES:
        size = (LONGER * shape[0] // max(shape), LONGER * shape[1] // max(shape))
        for way in WAYS:
            place = locate(subject.picture, cropped(stream.getvalue(), size, way))
            found[way].append(share(subject.picture.size, size, place, subject.box))
    return found


def compare(subjects: list[Subject | Composed]) -> None:
    shapes = ", ".join(f"{width}:{height}" for width, height in SHAPES)
    print(f"Percent of the subject that is kept, at {shapes}\n")
    print(f"{'':28}" + "".join(f"{way:>24}" for way in WAYS))
    every: dict[str, list[float]] = {way: [] for way in WAYS}
    for subject in subjects:
        found = shares(subject)
        row = (" ".join(f"{100 * value:4.0f}" for value in found[way]) for way in WAYS)
        print(f"{subject.name:28}" + "".join(f"{cells:>24}" for cells in row))
        for way in WAYS:
            every[way] += found[way]
    beside = [value < 0.9 for value in every["centre"]]
    for what, figure in {
        "mean": statistics.mean,
        "whole": lambda values: statistics.mean(value > 0.95 for value in values),
        "mean where the centre cuts": lambda values: statistics.mean(
            value for value, is_cut in zip(values, beside, strict=True) if is_cut
        ),
        "worse than the centre": lambda values: statistics.mean(
            value < other - 0.05 for value, other in zip(values, every["centre"], strict=True)
        ),
    }.items():
        print(f"{what:28}" + "".join(f"{100 * figure(every[way]):22.1f} %" for way in WAYS))


def cost() -> None:
    """Print the time that the search for the crop adds to a thumbnail of a large JPEG."""
    print()
    for name in ("bridge.jpg", "nuthatch.jpg"):
        source = (GALLERY / name).read_bytes()
        for size in (96, 300, 640):
            seconds: dict[str, list[float]] = {"c": [], "smart": []}
            for _ in range(15):
                for gravity, times in seconds.items():
                    start = time.process_time()
                    thumbnail(source, size, size, fit="cover", gravity=gravity)
                    times.append(1000 * (time.process_time() - start))
            usual, smart = (statistics.median(times) for times in seconds.values())
            print(f"{name}, {size} x {size}: {usual:.1f} ms, smart {smart - usual:+.1f} ms")


def contact_sheet(subjects: list[Subject | Composed], path: Path) -> None:
    """Draw each image with the subject's box, followed by upright and wide crops by two methods."""
    side, upright, wide = 96, (64, 96), (96, 54)
    rows = ("smart", "centre", "attention")
    columns = 6
    height = side + 14 + len(rows) * (side + 4)
    lines = -(-len(subjects) // columns)
    block = side + upright[0] + 12
    sheet = Image.new("RGB", (columns * block + 4, lines * (height + 8) + 4), "white")
    draw = ImageDraw.Draw(sheet)
    for number, subject in enumerate(subjects):
        left, top = 4 + number % columns * block, 4 + number // columns * (height + 8)
        whole = subject.picture.convert("RGB")
        whole.thumbnail((side, side))
        draw.text((left, top), subject.name, fill="black")
        sheet.paste(whole, (left, top + 14))
        x0, y0, x1, y1 = subject.box
        draw.rectangle(
            (
                left + x0 * whole.width,
                top + 14 + y0 * whole.height,
                left + x1 * whole.width,
                top + 14 + y1 * whole.height,
            ),
            outline="red",
        )
        stream = io.BytesIO()
        subject.picture.save(stream, "PNG")
        for line, way in enumerate(rows):
            y = top + 14 + (line + 1) * (side + 4)
            for x, size in ((left, upright), (left + upright[0] + 4, wide)):
                part = cropped(stream.getvalue(), size, way).convert("RGB")
                sheet.paste(part, (x, y))
            draw.text((left + upright[0] + 4, y + wide[1] + 2), way, fill="black")
    sheet.save(path, quality=62, optimize=True, progressive=True)
    print(f"\n{path}: {path.stat().st_size // 1000} kB")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    ours = [*PHOTOS, *composed()]
    compare([*ours, *(subject for subject in BEYOND if subject.path.exists())])
    cost()
    if options.sheet:
        contact_sheet(ours, options.sheet)


if __name__ == "__main__":
    main()
