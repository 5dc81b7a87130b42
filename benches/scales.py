"""Compare the sharpness of JPEG thumbnails with libvips's, at the limits of each decoding scale.

The sources are Debian's wallpapers of 2560x1600 pixels, written as JPEG of quality 85. The
reference is a full decode by Pillow and a Lanczos resize. Both thumbnails are written with quality
100, so that the encoders hardly matter. The figures are xaccel's SSIM of luma minus libvips's; the
lowest one of a width must not be below -0.002.

    benches/scales.py
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image
from xaccel import thumbnail

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches.photographs import WALLPAPERS

WIDTHS = (160, 300, 336, 480, 576, 800, 960, 1066, 1280)
"""Widths that a source of 2560 pixels has at the limits of the scales, and between them."""

LOWEST = -0.002
WINDOW = 8


def means(samples: NDArray[Any]) -> NDArray[Any]:
    """Return the mean of each window."""
    sums = np.pad(samples, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    sums = sums[WINDOW:] - sums[:-WINDOW]
    return (sums[:, WINDOW:] - sums[:, :-WINDOW]) / WINDOW**2


def ssim(one: Image.Image, other: Image.Image) -> float:
    """Return the structural similarity of luma (Wang et al., 2004)."""
    a, b = (np.asarray(picture.convert("L"), dtype=float) for picture in (one, other))
    mean_a, mean_b = means(a), means(b)
    variances = means(a * a) - mean_a**2 + means(b * b) - mean_b**2
    covariance = means(a * b) - mean_a * mean_b
    light, contrast = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    above = (2 * mean_a * mean_b + light) * (2 * covariance + contrast)
    return float((above / ((mean_a**2 + mean_b**2 + light) * (variances + contrast))).mean())


def opened(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file))


def difference(source: bytes, width: int) -> float:
    with opened(source) as picture:
        height = round(picture.height * width / picture.width)
        reference = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    ours = thumbnail(source, width, height, fit="fill", format="jpeg", quality=100)
    theirs = pyvips.Image.thumbnail_buffer(source, width, height=height, size="force")
    their_file = theirs.write_to_buffer(".jpg[Q=100,subsample_mode=on]")
    return ssim(opened(ours.data), reference) - ssim(opened(their_file), reference)


def main() -> None:
    sources = {}
    for path in sorted(WALLPAPERS.glob("*/contents/images/2560x1600.jpg")):
        out = io.BytesIO()
        with Image.open(path) as picture:
            picture.convert("RGB").save(out, "JPEG", quality=85, subsampling=2)
        sources[path.parts[-4]] = out.getvalue()
    for width in WIDTHS:
        found = {name: difference(source, width) for name, source in sources.items()}
        name = min(found, key=found.__getitem__)
        verdict = "ok" if found[name] >= LOWEST else "MISSED"
        mean = sum(found.values()) / len(found)
        print(f"{width:5} px: lowest {found[name]:+.4f} ({name}: {verdict}), mean {mean:+.4f}")


if __name__ == "__main__":
    main()
