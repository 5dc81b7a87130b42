"""Measure `quality="auto"`: its scores, its bytes and its time.

The sources are photographs from Debian's plasma-workspace-wallpapers, parts of them, and the
photographs of the example gallery. The scores are those of the Rust crate `ssimulacra2`. They agree
with the reference tool of Cloudinary within 0.1, as do those of `fast-ssim2`, which xaccel uses.

For each format and size, the bench prints the share of thumbnails whose score is within 1.5 of the
target, or whose quality is at most one step from the lowest one that reaches it. It also prints the
bytes relative to the fixed quality with the same 5th percentile of scores, and the time relative to
the same thumbnail with the default quality. A photograph counts only for the time if no quality
from 30 to 94 reaches the target, or if all these qualities do. The time is the processor time.
Renders with and without the option take turns.

    benches/quality.py [--photographs N] [--rounds N] [--sizes 300,640]
"""

from __future__ import annotations

import argparse
import io
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from xaccel import thumbnail

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches.photographs import varied

if TYPE_CHECKING:
    from collections.abc import Sequence

TARGET, CLOSE = 70, 1.5
LIMITS = {"jpeg": 4.0, "webp": 4.0, "avif": 6.0}
"""The formats, and the limits of the time ratio."""


class Scorer:
    """A process that computes scores."""

    def __init__(self) -> None:
        root = Path(__file__).resolve().parents[1]
        manifest, target = root / "benches/scorer/Cargo.toml", root / "target/scorer"
        command = ["cargo", "run", "--quiet", "--release", "--locked", "--manifest-path", manifest]
        self._process = subprocess.Popen(
            [*command, "--target-dir", target], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def score(self, original: bytes, other: bytes) -> float:
        process = self._process
        assert process.stdin
        assert process.stdout
        with Image.open(io.BytesIO(original)) as one, Image.open(io.BytesIO(other)) as two:
            assert one.size == two.size
            process.stdin.write(b"".join(side.to_bytes(4, "little") for side in one.size))
            for picture in (one, two):
                process.stdin.write(picture.convert("RGB").tobytes())
        process.stdin.flush()
        return float(process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def fifth_percentile(scores: Sequence[float]) -> float:
    return sorted(scores)[len(scores) // 20]


def fixed(
    scorer: Scorer, sources: list[bytes], size: int, kind: str, wanted: float
) -> tuple[int, int]:
    """Return the lowest fixed quality with this 5th percentile, and the bytes of all files."""
    originals = [thumbnail(source, size, size, format="png").data for source in sources]

    def files(quality: int) -> list[bytes]:
        return [
            thumbnail(source, size, size, format=kind, quality=quality).data for source in sources
        ]

    low, high = 1, 100
    while low < high:
        quality = (low + high) // 2
        scores = map(scorer.score, originals, files(quality))
        if fifth_percentile(list(scores)) >= wanted:
            high = quality
        else:
            low = quality + 1
    return high, sum(map(len, files(high)))


def ratio(source: bytes, size: int, kind: str, rounds: int) -> float:
    turns: dict[str | None, list[float]] = {None: [], "auto": []}
    for _ in range(rounds):
        for quality, seconds in turns.items():
            start = time.process_time()
            thumbnail(source, size, size, format=kind, quality=quality)
            seconds.append(time.process_time() - start)
    return statistics.median(turns["auto"]) / statistics.median(turns[None])


def is_one_step_away(scorer: Scorer, original: bytes, file: bytes, kind: str) -> bool:
    """Return whether the quality is at most one step from the lowest that reaches the target."""

    def encoded(quality: int) -> bytes:
        return thumbnail(original, format=kind, quality=quality).data

    quality = next(quality for quality in range(30, 95) if encoded(quality) == file)
    below, above = (scorer.score(original, encoded(quality + step)) for step in (-2, 1))
    return below < TARGET <= above


def verdict(*, reached: bool) -> str:
    return "ok" if reached else "MISSED"


def measure(scorer: Scorer, sources: list[bytes], size: int, kind: str, rounds: int) -> None:
    reachable, scores, close, total = [], [], 0, 0
    for source in sources:
        original = thumbnail(source, size, size, format="png").data
        worst, best, auto = (
            thumbnail(source, size, size, format=kind, quality="auto", quality_target=target).data
            for target in (1, 100, TARGET)
        )
        if scorer.score(original, worst) < TARGET <= scorer.score(original, best):
            reachable.append(source)
            score = scorer.score(original, auto)
            scores.append(score)
            total += len(auto)
            is_within = abs(score - TARGET) <= CLOSE
            close += is_within or is_one_step_away(scorer, original, auto, kind)
    share = close / len(scores)
    within = sum(abs(score - TARGET) <= CLOSE for score in scores) / len(scores)
    lowest = fifth_percentile(scores)
    quality, fixed_total = fixed(scorer, reachable, size, kind, lowest)
    part = total / fixed_total
    ratios = [ratio(source, size, kind, rounds) for source in sources]
    times = statistics.median(ratios)
    print(f"\n{kind}, {size} px: {len(scores)} of {len(sources)} photographs can reach {TARGET}")
    is_close = verdict(reached=share >= 0.95)
    print(f"  within {CLOSE} of the target: {within:.1%}")
    print(f"  or at most one quality step from it: {share:.1%}  (at least 95 %: {is_close})")
    print(f"  scores from {min(scores):.1f} to {max(scores):.1f}, 5th percentile {lowest:.1f}")
    print(f"  bytes: {part:.2f}x those of quality {quality}  ({verdict(reached=part <= 0.9)})")
    limit = LIMITS[kind]
    print(
        f"  time: {times:.2f}x  (at most {limit:g}x: {verdict(reached=times <= limit)}), ", end=""
    )
    print(f"largest {max(ratios):.1f}x", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="300,640")
    arguments = parser.parse_args()
    scorer, sources = Scorer(), varied(arguments.photographs)
    for size in map(int, arguments.sizes.split(",")):
        for kind in LIMITS:
            measure(scorer, sources, size, kind, arguments.rounds)
    scorer.close()


if __name__ == "__main__":
    main()
