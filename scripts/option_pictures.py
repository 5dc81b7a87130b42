"""Make the pictures for the table of options in `docs/thumbnails.md`.

On that page, the alternative text of each picture is its spec. Run this after an option has
changed: `.venv/bin/python scripts/option_pictures.py`. It needs the extras `pdf` and `video`.
"""

from __future__ import annotations

import io
import re
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import av
from PIL import Image, ImageDraw, ImageFont, ImageOps
from xaccel import Spec, Watermark
from xaccel._core import render

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
PHOTO = ROOT / "examples" / "flask_gallery" / "photos" / "nuthatch.jpg"
DOCS = ROOT / "docs"
_PICTURE = re.compile(r"!\[([^\]]+)\]\((images/options/[^)]+\.jpg)\)")
_ENLARGED = 4
"""The factor by which the pictures of `subsampling` are enlarged."""

_LOGO = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">
<circle cx="20" cy="20" r="18" fill="#1b5e9e" stroke="white" stroke-width="3"/>
<path d="M13 13 27 27M27 13 13 27" stroke="white" stroke-width="5" stroke-linecap="round"/>
</svg>"""


def pictures() -> dict[Path, str]:
    """Return the spec of each picture on the page, by path."""
    page = (DOCS / "thumbnails.md").read_text()
    return {DOCS / path: spec for spec, path in _PICTURE.findall(page)}


def picture(path: Path, text: str) -> bytes:
    """Make the picture with this path and spec."""
    source = _SOURCES.get(path.stem, _photo)()
    spec = Spec.parse(text)
    watermark = Watermark(_LOGO) if spec.watermark else None
    made = render(source, spec, format="jpeg", watermark=watermark).data
    return _enlarged(made) if spec.subsampling else made


def _enlarged(content: bytes) -> bytes:
    """Return the picture with large pixels, without further loss of colour."""
    with Image.open(io.BytesIO(content)) as small:
        large = ImageOps.scale(small, _ENLARGED, Image.Resampling.NEAREST)
    return render(_encoded(large), Spec(quality=90, subsampling="444"), format="jpeg").data


def _encoded(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


@cache
def _photo() -> bytes:
    return PHOTO.read_bytes()


def _scaled(width: int, height: int) -> Image.Image:
    with Image.open(PHOTO) as photo:
        photo.draft("RGB", (2 * width, 2 * height))
        return photo.resize((width, height), Image.Resampling.LANCZOS)


def _small() -> bytes:
    return _encoded(_scaled(60, 34))


def _bordered() -> bytes:
    return _encoded(ImageOps.expand(_scaled(640, 360), border=70, fill="darkorange"))


def _labelled(photo: Image.Image, label: str) -> Image.Image:
    image = photo.copy()
    font = ImageFont.load_default(size=image.height / 2)
    place = (12, image.height - 12)
    draw = ImageDraw.Draw(image)
    draw.text(place, label, "white", font, anchor="ls", stroke_width=6, stroke_fill="black")
    return image


def _document() -> bytes:
    pages = []
    for number in ("1", "2", "3"):
        page = Image.new("RGB", (360, 480), "white")
        page.paste(_scaled(320, 180), (20, 20))
        lines = ImageDraw.Draw(page)
        for top in range(230, 440, 30):
            lines.line((20, top, 340, top), "gray", 8)
        pages.append(_labelled(page, number))
    content = io.BytesIO()
    pages[0].save(content, "PDF", save_all=True, append_images=pages[1:])
    return content.getvalue()


def _animation() -> bytes:
    photo = _scaled(320, 180)
    first, second = (_labelled(photo, number) for number in ("1", "2"))
    content = io.BytesIO()
    first.save(content, "GIF", save_all=True, append_images=[second])
    return content.getvalue()


def _film() -> bytes:
    """Return a film of four seconds, in which every frame shows its time."""
    rate = 4
    photo = _scaled(320, 180)
    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=rate)
        stream.width, stream.height = photo.size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for number in range(4 * rate):
            image = _labelled(photo, f"{number / rate:g} s")
            frame = av.VideoFrame.from_image(image)
            frame.pts, frame.time_base = number, Fraction(1, rate)
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    return content.getvalue()


def _red_text() -> bytes:
    image = Image.new("RGB", (40, 20), "white")
    font = ImageFont.load_default(size=17)
    ImageDraw.Draw(image).text((20, 10), "Text", "red", font, anchor="mm")
    return _encoded(image)


_SOURCES: dict[str, Callable[[], bytes]] = {
    "160x160_upscale": _small,
    "160x160_page-2": _document,
    "160x160_frame-2": _animation,
    "160x160_at-2.5": _film,
    "160x160_border": _bordered,
    "160x160_trim-20": _bordered,
    "40x20_ss-420": _red_text,
    "40x20_ss-444": _red_text,
}
"""The sources by the names of the pictures. All other pictures show the photograph."""


def main() -> None:
    """Make every picture on the page."""
    for path, text in pictures().items():
        path.parent.mkdir(exist_ok=True)
        content = picture(path, text)
        path.write_bytes(content)
        print(f"{path.name}: {text}, {len(content)} bytes")


if __name__ == "__main__":
    main()
