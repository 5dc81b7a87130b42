"""Compare thumbnails with an option to the same thumbnails without it.

The sources are a photograph of 12 megapixels and the largest wallpaper of 2560x1600 pixels in
Debian's plasma-workspace-wallpapers. The figures are medians of the processor time, which hardly
depends on other load. Renders with and without the options take turns.

    benches/options.py [--rounds N]
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import time
from pathlib import Path

from PIL import Image
from xaccel import Watermark, thumbnail

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches.photographs import photographs

SIZES = (300, 640)


def encoded(picture: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, quality=90)
    return out.getvalue()


def sources() -> dict[str, bytes]:
    files = [file for file in photographs() if file.name == "2560x1600.jpg"]
    file = max(files, key=lambda file: file.stat().st_size)
    with Image.open(file) as picture:
        photo = picture.convert("RGB").resize((4000, 3000))
    return {"12 megapixels": encoded(photo, "JPEG"), "2560x1600": file.read_bytes()}


def options() -> dict[str, tuple[dict[str, object], float]]:
    """Return the options with the limits of their ratios."""
    logo = encoded(Image.new("RGBA", (400, 200), (250, 20, 20, 128)), "PNG")
    return {
        "brightness": ({"brightness": 1.2}, 1.25),
        "contrast": ({"contrast": 1.2}, 1.25),
        "saturation": ({"saturation": 1.2}, 1.25),
        "grayscale": ({"grayscale": True}, 1.25),
        "watermark": ({"watermark": Watermark(logo)}, 1.4),
        "watermark, tiled": ({"watermark": Watermark(logo, tiled=True, scale=0.2)}, 1.4),
        "trim": ({"trim": True}, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    all_options = options()
    for name, source in sources().items():
        for size in SIZES:
            turns: dict[str, list[float]] = {option: [] for option in ("", *all_options)}
            for _ in range(rounds):
                for option, seconds in turns.items():
                    keywords = all_options[option][0] if option else {}
                    start = time.process_time()
                    thumbnail(source, size, size, **keywords)
                    seconds.append(time.process_time() - start)
            plain = statistics.median(turns.pop(""))
            print(f"\n{name} to {size} px: {plain * 1000:.1f} ms without an option")
            for option, seconds in turns.items():
                ratio, limit = statistics.median(seconds) / plain, all_options[option][1]
                verdict = "ok" if ratio <= limit else "MISSED"
                print(f"  {option:18}{ratio:6.2f}x  (at most {limit:g}x: {verdict})")


if __name__ == "__main__":
    main()
