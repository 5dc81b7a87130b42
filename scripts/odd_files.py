"""Compare thumbnails of odd files with Pillow's, and count how many match.

Pass directories or files: `.venv/bin/python scripts/odd_files.py Pillow/Tests/images bmpsuite`.
Source packages of image libraries are good corpora: Pillow, libtiff, bmpsuite, image-rs.

A file matches if the size is the same and the mean colour difference (CIE 1976) is at most 2. Files
that Pillow can't read either are counted separately. Every other file is listed with the reason.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps
from xaccel import SpecError, ThumbnailError, thumbnail

SIDE = 128
SIDE_LIMIT = 4096
MOST_DELTA_E = 2.0
KINDS = {"AVIF", "BMP", "DIB", "GIF", "JPEG", "MPO", "PNG", "TIFF", "WEBP"}
SMALL = 64
"""Pictures are compared at this size, so that filters do not matter."""


def _upright(path: Path) -> tuple[str, Image.Image]:
    with Image.open(path) as source:
        kind = source.format or ""
        if kind not in KINDS:
            raise ValueError(kind)
        source.load()
        image = ImageOps.exif_transpose(source)
        profile = image.info.get("icc_profile")
        if image.mode.startswith("I;16") or image.mode in {"I", "F"}:
            samples = np.asarray(image).astype(float)
            # These modes do not define a range: the samples have 16 bits, or are floats up to 1.
            most = 1.0 if image.mode == "F" and samples.max(initial=0) <= 1 else 65535.0
            # Pillow does not scale samples of 12 bits.
            depths = getattr(source, "tag_v2", {}).get(258)
            most = 4095.0 if depths == (12,) else most
            image = Image.fromarray((samples.clip(0, most) * (255 / most)).round().astype("uint8"))
        if profile and image.mode in {"RGB", "L", "CMYK"}:
            with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
                image = ImageCms.profileToProfile(
                    image,
                    ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                    ImageCms.createProfile("sRGB"),
                    outputMode="RGB",
                )
        gamma = image.info.get("gamma")
        if gamma and not profile and "srgb" not in image.info:
            # Pillow ignores the gamma value of a PNG.
            curve = [round(255 * (i / 255) ** (1 / gamma / 2.2)) for i in range(256)]
            image = image.convert("RGBA")
            image = image.point(curve * 3 + list(range(256)))
        if image.mode == "LAB":
            image = ImageCms.profileToProfile(
                image,
                ImageCms.createProfile("LAB"),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        return kind, image.convert("RGBA")


def _lab(image: Image.Image) -> np.ndarray:
    """Return colours on gray in CIE L*a*b*."""
    gray = Image.new("RGBA", image.size, (128, 128, 128))
    samples = np.asarray(Image.alpha_composite(gray, image).convert("RGB")) / 255
    linear = np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = linear @ np.array(matrix).T / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1
    )


def delta_e(one: Image.Image, other: Image.Image) -> float:
    """Return the mean colour difference of two pictures."""
    return float(np.sqrt(np.square(_lab(one) - _lab(other)).sum(axis=-1)).mean())


def compare(path: Path) -> tuple[str, str]:
    """Return the kind of a file, and the outcome."""
    data = path.read_bytes()
    try:
        kind, expected = _upright(path)
    except Exception:  # noqa: BLE001 - Pillow raises nearly everything for damaged files.
        try:
            thumbnail(data, SIDE)
        except ThumbnailError:
            return "", "neither"
        return "", "only xaccel"
    if max(expected.size) > SIDE_LIMIT:
        expected.thumbnail((SIDE_LIMIT, SIDE_LIMIT), reducing_gap=None)
    try:
        made = thumbnail(data, *expected.size, format="png")
    except (SpecError, ThumbnailError) as error:
        return kind, f"refused: {type(error).__name__}: {error}"
    with Image.open(io.BytesIO(made.data)) as image:
        found = image.convert("RGBA")
    if found.size != expected.size:
        return kind, f"another size: {found.size}, not {expected.size}"
    side = (min(SMALL, found.width), min(SMALL, found.height))
    found, expected = (image.resize(side, Image.Resampling.BOX) for image in (found, expected))
    difference = delta_e(found, expected)
    return kind, "as Pillow" if difference <= MOST_DELTA_E else f"another colour: {difference:.1f}"


def files(paths: list[Path]) -> list[Path]:
    """Return the files below the paths. If several files have the same content, return only one."""
    found: dict[bytes, Path] = {}
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and file.stat().st_size:
                found.setdefault(hashlib.sha256(file.read_bytes()).digest(), file)
    return sorted(found.values())


def main() -> None:
    """Print the files that differ, and the counts by kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=Path)
    warnings.simplefilter("ignore")
    counts: Counter[tuple[str, str]] = Counter()
    for file in files(parser.parse_args().paths):
        kind, outcome = compare(file)
        counts[kind, outcome.split(":")[0]] += 1
        if (kind and outcome != "as Pillow") or outcome == "only xaccel":
            print(f"{kind:5} {outcome}  {file}")
    print()
    for (kind, outcome), count in sorted(counts.items()):
        print(f"{count:5}  {kind or '-':5} {outcome}")
    read = sum(count for (kind, _), count in counts.items() if kind)
    same = sum(count for (_, outcome), count in counts.items() if outcome == "as Pillow")
    print(f"{same} of {read} files that Pillow reads give the same result as with Pillow")


if __name__ == "__main__":
    main()
