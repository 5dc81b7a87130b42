"""Hundreds of images of every kind, compared with two independent oracles, Pillow and libvips.

Both decode the whole picture, turn it upright, convert it to sRGB and shrink it by Lanczos, opacity
premultiplied. What `thumbnail()` makes, as PNG, has to be as close to each of them as these
bounds say; a JPEG of which an eighth is enough is compared like any other.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms, ImageDraw, ImageOps
from xaccel._core import thumbnail

from tests.support.thumbnail_images import encoded, opened, photo, wide_rgb_profile

pytestmark = pytest.mark.slow

Reference = Callable[[tuple[int, int]], Image.Image]
PHOTOS = sorted(
    (Path(__file__).resolve().parents[1] / "examples" / "flask_gallery" / "photos").glob("*.jpg")
)
WIDTHS = (25, 180)
MOST_DELTA_E = 1.5
"""The mean distance of colours (CIE 1976): about what an attentive eye can tell apart."""
LEAST_SSIM = 0.98


@dataclass(frozen=True)
class Case:
    """A picture, and how it is encoded."""

    picture: str
    kind: str
    mode: str = "RGB"
    options: dict[str, object] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        options = "-".join(
            f"{key}={'…' if isinstance(value, bytes) else value}"
            for key, value in self.options.items()
        )
        return "-".join(part for part in (self.picture, self.kind, self.mode, options) if part)


@lru_cache
def picture(name: str) -> Image.Image:
    """A picture of 480 x 320 pixels."""
    if name == "graphic":
        drawn = Image.new("RGB", (480, 320), "white")
        draw = ImageDraw.Draw(drawn)
        for i in range(12):
            color = (20 * i, 255 - 20 * i, (60 * i) % 256)
            draw.ellipse((i * 38, 30 + 12 * i, i * 38 + 80, 110 + 12 * i), fill=color)
            draw.line((0, 26 * i, 479, 319 - 20 * i), fill=(0, 0, 20 * i), width=2)
        return drawn
    if name == "smooth":
        return photo(480, 320)
    path = next(path for path in PHOTOS if path.stem == name)
    with Image.open(path) as source:
        return ImageOps.fit(source.convert("RGB"), (480, 320), Image.Resampling.LANCZOS)


def source(case: Case) -> bytes:
    """The encoded picture of a case."""
    original = picture(case.picture)
    if case.mode in {"LA", "RGBA"}:
        original = original.copy()
        y, x = np.mgrid[0:320, 0:480]
        original.putalpha(Image.fromarray((255 * (x + y) / 800).astype(np.uint8)))
    if case.mode == "P":
        original = original.quantize(64)
    options = dict(case.options)
    if "orientation" in options:
        exif = Image.Exif()
        exif[0x0112] = options.pop("orientation")
        options["exif"] = exif
    return encoded(original.convert(case.mode), case.kind, **options)


def cases() -> list[Case]:
    """All of them."""
    photos = [path.stem for path in PHOTOS]
    found = [
        Case(name, "JPEG", mode, {"quality": quality, "progressive": progressive, **more})
        for name in (photos[0], "smooth")
        for quality in (70, 95)
        for progressive in (False, True)
        for mode, more in [
            *(("RGB", {"subsampling": sampling}) for sampling in ("4:4:4", "4:2:2", "4:2:0")),
            ("L", {}),
        ]
    ]
    found += [
        Case(name, kind, "RGB", options)
        for name in photos
        for kind, options in [
            ("JPEG", {"quality": 60}),
            ("JPEG", {"quality": 88}),
            ("TIFF", {}),
            ("WEBP", {"quality": 88}),
            ("PNG", {}),
            ("GIF", {}),
            ("AVIF", {"quality": 70, "speed": 10}),
        ]
    ]
    found += [
        Case(photos[1], kind, "RGB", {"orientation": orientation, **more})
        for kind, more in [("JPEG", {"quality": 92}), ("PNG", {}), ("WEBP", {"lossless": True})]
        for orientation in range(1, 9)
    ]
    found += [
        Case(photos[2], kind, "RGB", {"icc_profile": wide_rgb_profile(), **more})
        for kind, more in [
            ("JPEG", {"quality": 92}),
            ("PNG", {}),
            ("WEBP", {"quality": 92}),
            ("TIFF", {}),
        ]
    ]
    for name in ("graphic", photos[3], "smooth"):
        found += [Case(name, "PNG", mode) for mode in ("L", "LA", "P", "RGB", "RGBA")]
        found += [Case(name, "GIF", mode) for mode in ("L", "P")]
        found += [Case(name, "BMP", mode) for mode in ("L", "P", "RGB")]
        found += [
            Case(name, "TIFF", mode, {"compression": compression})
            for mode in ("L", "RGB", "RGBA")
            for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits")
        ]
        found += [
            Case(name, "WEBP", mode, options)
            for mode in ("RGB", "RGBA")
            for options in ({"lossless": True}, {"quality": 60}, {"quality": 95})
        ]
        found += [
            Case(name, "AVIF", mode, {"quality": 80, "speed": 10, "subsampling": sampling})
            for mode in ("RGB", "RGBA")
            for sampling in ("4:4:4", "4:2:0")
        ]
    return list({str(case): case for case in found}.values())


def by_pillow(data: bytes) -> Reference:
    """The reference by Pillow."""
    original = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    profile = original.info.get("icc_profile")
    original = original.convert("RGBA" if original.has_transparency_data else "RGB")
    if profile:
        original = ImageCms.profileToProfile(
            original,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
        )
    return lambda size: original.resize(size, Image.Resampling.LANCZOS)


def by_vips(data: bytes) -> Reference:
    """The reference by libvips."""
    original = pyvips.Image.new_from_buffer(data, "").autorot()
    if original.get_typeof("icc-profile-data"):
        original = original.icc_transform("srgb", embedded=True)
    original = original.colourspace("srgb").copy_memory()
    has_alpha = original.hasalpha()
    if has_alpha:
        original = original.premultiply()

    def resize(size):
        scale = (size[0] / original.width, size[1] / original.height)
        made = original.resize(scale[0], vscale=scale[1], kernel="lanczos3")
        if has_alpha:
            made = made.unpremultiply()
        return Image.fromarray(made.cast("uchar").numpy()).convert("RGBA" if has_alpha else "RGB")

    return resize


def on_gray(image: Image.Image) -> Image.Image:
    """As it looks on gray, where its opacity matters."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, (128, 128, 128)), image).convert(
        "RGB"
    )


@lru_cache
def to_lab() -> ImageCms.ImageCmsTransform:
    """From sRGB to CIE L*a*b*."""
    return ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )


def delta_e(one: Image.Image, other: Image.Image) -> float:
    """The mean distance in CIE L*a*b*."""

    def lab(image):
        samples = np.asarray(ImageCms.applyTransform(image, to_lab())).astype(float)
        # Pillow's a* and b* are signed bytes, and L* is 255 for 100.
        samples[..., 1:] = (samples[..., 1:] + 128) % 256
        samples[..., 0] *= 100 / 255
        return samples

    return float(np.sqrt(np.square(lab(one) - lab(other)).sum(axis=-1)).mean())


def similarity(one: Image.Image, other: Image.Image) -> float:
    """The structural similarity (SSIM) of their luma in windows of 8 x 8 pixels."""
    luma = [np.asarray(image.convert("L"), dtype=float) for image in (one, other)]
    windows = [np.lib.stride_tricks.sliding_window_view(y, (8, 8))[::3, ::3] for y in luma]
    (mean_x, mean_y), (var_x, var_y) = (
        [window.mean(axis=(-1, -2)) for window in windows],
        [window.var(axis=(-1, -2)) for window in windows],
    )
    covariance = (windows[0] * windows[1]).mean(axis=(-1, -2)) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    scores = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    )
    return float(scores.mean())


def test_there_are_some_hundred():
    assert len(cases()) > 200


@pytest.mark.parametrize("case", cases(), ids=str)
def test_looks_like_the_references(case):
    data = source(case)
    turned = case.options.get("orientation", 1) > 4
    # This libvips doesn't read BMP.
    makers = [by_pillow] if case.kind == "BMP" else [by_pillow, by_vips]
    references = {maker.__name__: maker(data) for maker in makers}
    for width in WIDTHS:
        made = opened(thumbnail(data, width, format="png"))
        assert made.width == width
        assert made.height == round(width * (480 / 320 if turned else 320 / 480))
        found = on_gray(made)
        for name, reference in references.items():
            expected = on_gray(reference(made.size))
            assert delta_e(found, expected) < MOST_DELTA_E, (name, width)
            assert similarity(found, expected) > LEAST_SSIM, (name, width)


def by_pillow_as_tiff(mode: str, **options: object) -> bytes:
    """A TIFF file by Pillow."""
    original = picture("graphic")
    if mode in {"LA", "PA"}:
        original = original.copy()
        original.putalpha(Image.linear_gradient("L").resize(original.size))
    made = original.quantize(200) if mode == "P" else original.convert(mode)
    return encoded(made, "TIFF", **options)


def by_vips_as_tiff(space: str = "srgb", **options: object) -> bytes:
    """A TIFF file by libvips."""
    original = pyvips.Image.new_from_array(np.asarray(picture("graphic")))
    if space == "float":
        made = original.colourspace("b-w").linear(1 / 255, 0).cast("float")
    else:
        made = original.copy(interpretation="srgb").colourspace(space)
    return made.tiffsave_buffer(**options)


TIFFS = {
    **{
        f"palette-{compression}": lambda compression=compression: by_pillow_as_tiff(
            "P", compression=compression
        )
        for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits")
    },
    "1-bit-group4": lambda: by_pillow_as_tiff("1", compression="group4"),
    "1-bit": lambda: by_pillow_as_tiff("1"),
    "gray-alpha": lambda: by_pillow_as_tiff("LA"),
    "inks": lambda: by_pillow_as_tiff("CMYK", compression="tiff_lzw"),
    "jpeg": lambda: by_vips_as_tiff(compression="jpeg", Q=95),
    "jpeg-gray": lambda: by_vips_as_tiff("b-w", compression="jpeg", Q=95),
    "jpeg-tiles": lambda: by_vips_as_tiff(compression="jpeg", Q=95, tile=True),
    "2-bit": lambda: by_vips_as_tiff("b-w", bitdepth=2),
    "4-bit": lambda: by_vips_as_tiff("b-w", bitdepth=4),
    "4-bit-white-is-zero": lambda: by_vips_as_tiff("b-w", bitdepth=4, miniswhite=True),
    "16-bit": lambda: by_vips_as_tiff("rgb16", compression="deflate", predictor="horizontal"),
    "16-bit-gray": lambda: by_vips_as_tiff("grey16", compression="lzw"),
    "float-gray": lambda: by_vips_as_tiff("float", compression="deflate", predictor="float"),
    "tiles": lambda: by_vips_as_tiff(tile=True, tile_width=64, tile_height=64),
    "big": lambda: by_vips_as_tiff(bigtiff=True, compression="lzw"),
    "big-palette": lambda: by_pillow_as_tiff("P", big_tiff=True),
    "pages": lambda: by_pillow_as_tiff(
        "P", save_all=True, append_images=[Image.new("RGB", (5, 900), "red")]
    ),
}


@pytest.mark.parametrize("kind", TIFFS)
def test_tiff_of_every_kind_in_practice(kind):
    data = TIFFS[kind]()
    if kind.startswith(("2-bit", "4-bit", "16-bit", "float")):
        # Of these libvips knows the range, and Pillow doesn't.
        known = pyvips.Image.new_from_buffer(data, "")
        known = known.linear(255, 0) if kind == "float-gray" else known.colourspace("srgb")
        original = Image.fromarray(known.cast("uchar").numpy().squeeze())
    else:
        with Image.open(io.BytesIO(data)) as read:
            original = read.copy()
    png = encoded(original.convert("RGBA" if kind == "gray-alpha" else "RGB"), "PNG")
    for width in WIDTHS:
        made, expected = (opened(thumbnail(file, width, format="png")) for file in (data, png))
        assert made.size == expected.size
        assert delta_e(on_gray(made), on_gray(expected)) < MOST_DELTA_E
        assert similarity(on_gray(made), on_gray(expected)) > LEAST_SSIM


def test_tiff_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(picture("graphic").quantize(200), "TIFF", exif=exif)
    assert opened(thumbnail(data, 64)).size == (64, 96)
