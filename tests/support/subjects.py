"""Photographs with the location of their subject, and the location that a thumbnail shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

ROOT = Path(__file__).resolve().parents[2]
GALLERY = ROOT / "examples" / "flask_gallery" / "photos"
PORTRAITS = Path(__file__).parents[1] / "subjects"
SIDE = 480

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, as fractions of the picture."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A picture and the box around its subject, or around the head of a person."""

    name: str
    path: Path
    box: Box

    @cached_property
    def picture(self) -> Image.Image:
        """The picture, small and upright."""
        with Image.open(self.path) as stored:
            stored.draft("RGB", (2 * SIDE, 2 * SIDE))
            upright = ImageOps.exif_transpose(stored)
            picture = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
        picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        return picture


PHOTOS = [
    Subject(path.stem, path, box)
    for path, box in [
        (PORTRAITS / "astronaut.jpg", (0.28, 0.0, 0.6, 0.38)),
        (PORTRAITS / "hopper.jpg", (0.3, 0.0, 0.78, 0.55)),
        (PORTRAITS / "photographer.jpg", (0.3, 0.12, 0.68, 0.5)),
        (PORTRAITS / "cat.jpg", (0.28, 0.2, 0.85, 0.95)),
        (PORTRAITS / "coffee.jpg", (0.27, 0.03, 0.68, 0.55)),
        (PORTRAITS / "parrot.jpg", (0.24, 0.55, 0.65, 0.88)),
        (PORTRAITS / "dragonfly.jpg", (0.46, 0.3, 0.63, 0.55)),
        (GALLERY / "dandelions.jpg", (0.12, 0.05, 0.47, 0.6)),
        (GALLERY / "nuthatch.jpg", (0.4, 0.35, 0.55, 0.65)),
        (GALLERY / "puppies.jpg", (0.3, 0.22, 0.68, 0.7)),
        (GALLERY / "sunset.webp", (0.5, 0.38, 0.66, 0.62)),
        (GALLERY / "fig.png", (0.25, 0.28, 0.62, 0.73)),
    ]
]


@dataclass(frozen=True, eq=False)
class Composed:
    """A real subject in an unusual place in front of a different real background."""

    name: str
    picture: Image.Image
    box: Box


def composed() -> list[Composed]:
    """Return the astronaut's head and the fig's bowl, far from the centre of landscapes."""
    photos = {subject.name: subject.picture for subject in PHOTOS}
    head = photos["astronaut"].crop((88, 0, 248, 160)).convert("RGBA")
    mask = Image.new("L", head.size)
    ImageDraw.Draw(mask).ellipse((10, 4, 150, 158), fill=255)
    head.putalpha(mask.filter(ImageFilter.GaussianBlur(3)))
    bowl = photos["fig"]
    cut_outs = {"head": head, "bowl": bowl}
    found = []
    for cut_out, background, height, x, y in [
        ("head", "bridge.jpg", 0.5, 0.05, 0.45),
        ("head", "picos-de-europa.jpg", 0.4, 0.75, 0.5),
        ("head", "Otoño en Aitzgorri.jpg", 0.4, 0.05, 0.1),
        ("bowl", "stream.jpg", 0.4, 0.0, 0.55),
        ("bowl", "bridge.jpg", 0.35, 0.72, 0.05),
        ("bowl", "Otoño en Aitzgorri.jpg", 0.4, 0.68, 0.5),
    ]:
        scene = Subject("", GALLERY / background, (0, 0, 1, 1)).picture.convert("RGB")
        part = cut_outs[cut_out]
        size = (round(part.width * scene.height * height / part.height), 0)
        size = (size[0], round(scene.height * height))
        place = (round(x * scene.width), round(y * scene.height))
        small = part.resize(size, Image.Resampling.LANCZOS)
        scene.paste(small, place, small)
        right, bottom = place[0] + size[0], place[1] + size[1]
        box = (
            place[0] / scene.width,
            place[1] / scene.height,
            min(1.0, right / scene.width),
            min(1.0, bottom / scene.height),
        )
        found.append(Composed(f"{cut_out} on {background.split('.')[0].split()[-1]}", scene, box))
    return found


def crop_size(size: tuple[int, int], shape: tuple[int, int]) -> tuple[float, float]:
    """Return the size of the largest part of a picture that has this shape."""
    scale = min(size[0] / shape[0], size[1] / shape[1])
    return shape[0] * scale, shape[1] * scale


def locate(original: Image.Image, thumbnail: Image.Image) -> tuple[float, float]:
    """Return where a thumbnail was cut out: its left and top, as fractions of the free space."""
    scale = max(thumbnail.width / original.width, thumbnail.height / original.height)
    whole = original.resize(
        (
            max(thumbnail.width, round(original.width * scale)),
            max(thumbnail.height, round(original.height * scale)),
        ),
        Image.Resampling.LANCZOS,
    )
    black = Image.new("RGBA", whole.size, "black")
    pixels, part = (
        np.asarray(
            Image.alpha_composite(black.crop((0, 0, *picture.size)), picture.convert("RGBA")),
            dtype=np.int32,
        )
        for picture in (whole, thumbnail)
    )
    free = (whole.width - thumbnail.width, whole.height - thumbnail.height)
    _, x, y = min(
        (int(np.square(pixels[y : y + part.shape[0], x : x + part.shape[1]] - part).sum()), x, y)
        for y in range(free[1] + 1)
        for x in range(free[0] + 1)
    )
    return x / free[0] if free[0] else 0.5, y / free[1] if free[1] else 0.5


def share(
    size: tuple[int, int], shape: tuple[int, int], place: tuple[float, float], box: Box
) -> float:
    """Return the share of the subject inside a window, relative to the most that fits into one."""
    shares = []
    for side, window, fraction, (start, end) in zip(
        size, crop_size(size, shape), place, ((box[0], box[2]), (box[1], box[3])), strict=True
    ):
        first = fraction * (side - window)
        inside = min(first + window, end * side) - max(first, start * side)
        shares.append(max(0.0, inside) / min((end - start) * side, window))
    return shares[0] * shares[1]
