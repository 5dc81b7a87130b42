"""Compare the peak memory of JPEG thumbnails with libvips's.

The sources are Debian's wallpapers that are baseline JPEG files, and the thumbnails larger than a
sixteenth of them. Each render has a process of its own, which has the file's bytes in memory and
has made a small thumbnail before. The figures are the growth of the resident memory at its peak
(VmHWM, after a reset by /proc/self/clear_refs) without newly loaded code, in MB. Both libraries use
one thread. xaccel should need at most half of libvips's memory.

    benches/memory.py [--files N] [--runs N]
"""

from __future__ import annotations

import argparse
import io
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

SIZES = (96, 300, 640, 1600)
TARGET = 0.5
QUALITY = 85


def xaccel() -> Callable[[bytes, int], bytes]:
    from xaccel import thumbnail

    return lambda source, size: thumbnail(source, size, size, format="jpeg", quality=QUALITY).data


def libvips() -> Callable[[bytes, int], bytes]:
    os.environ["VIPS_CONCURRENCY"] = "1"
    import pyvips

    pyvips.cache_set_max(0)

    def render(source: bytes, size: int) -> bytes:
        picture = pyvips.Image.thumbnail_buffer(source, size, height=size, size="down")
        return bytes(picture.write_to_buffer(".jpg", Q=QUALITY))

    return render


ENGINES = {"xaccel": xaccel, "libvips": libvips}


def resident(field: str) -> int:
    """Return a field of the process's memory, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def growth(engine: str, first: Path, source: Path, size: int) -> int:
    """Return by how much a render increases the memory of this process at its peak."""
    render = ENGINES[engine]()
    render(first.read_bytes(), 16)
    data = source.read_bytes()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before, code = resident("VmRSS"), resident("RssFile")
    render(data, size)
    return resident("VmHWM") - before - (resident("RssFile") - code)


def measure(engine: str, first: Path, source: Path, size: int, runs: int) -> float:
    """Return the median of several processes."""
    command = [sys.executable, __file__, "--render", engine, str(first), str(source), str(size)]
    outputs = (
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for _ in range(runs)
    )
    return statistics.median(map(int, outputs))


def compare(files: list[Path], first: Path, runs: int) -> None:
    from PIL import Image

    medians: dict[int, list[tuple[float, float]]] = {}
    print(f"{'source':44}{'size':>5}   xaccel  libvips   ratio")
    for file in files:
        with Image.open(file) as picture:
            longest = max(picture.size)
        for size in SIZES:
            if not size < longest < 16 * size:
                continue
            ours, theirs = (measure(engine, first, file, size, runs) for engine in ENGINES)
            medians.setdefault(size, []).append((ours, theirs))
            name = f"{file.parts[-4]}/{file.stem}"
            print(
                f"{name:44}{size:5}{ours / 1e6:9.2f}{theirs / 1e6:9.2f}{ours / theirs:8.2f}",
                flush=True,
            )
    print()
    for size, pairs in sorted(medians.items()):
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        worst = max(ours / theirs for ours, theirs in pairs)
        verdict = "ok" if ratio <= TARGET else "MISSED"
        ours, theirs = (statistics.median(pair[index] for pair in pairs) / 1e6 for index in (0, 1))
        print(
            f"{size:5} px: {ours:.2f} MB, libvips {theirs:.2f} MB, ratio {ratio:.2f}"
            f" (worst {worst:.2f}), target {TARGET} {verdict}"
        )


def main() -> None:
    if sys.argv[1:2] == ["--render"]:
        engine, first, source, size = sys.argv[2:]
        print(growth(engine, Path(first), Path(source), int(size)))
        return
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from PIL import Image

    from benches.photographs import photographs

    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=12)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        first = Path(directory) / "first.jpg"
        picture = Image.effect_noise((64, 64), 50).convert("RGB")
        picture.save(first, quality=90)
        baseline = [path for path in photographs() if not is_progressive(path)]
        compare(baseline[: options.files], first, options.runs)


def is_progressive(path: Path) -> bool:
    from PIL import Image

    with Image.open(io.BytesIO(path.read_bytes())) as picture:
        return "progressive" in picture.info


if __name__ == "__main__":
    main()
