"""Compare renders in caged workers with renders in the app's process.

Photographs of several megapixels and the small ones in tests/subjects are rendered one at a time
for the latency, and by two threads for the throughput. Rounds with and without the sandbox
alternate, so that other load affects both. The memory is the proportional set size of the launcher
and of each worker.

    benches/sandbox.py [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

from xaccel._core import Limits, Spec
from xaccel.sandbox.backend import RenderProcesses
from xaccel.thumbnails.backends import Backend, EncoderSettings, RenderJob, RenderThreads

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benches.photographs import photographs  # noqa: E402 - it needs the path above
from tests.support.render_workers import launchers, workers  # noqa: E402

THREADS = 2
RENDERS = 60
ENCODER = EncoderSettings(
    quality={"jpeg": 85, "webp": 80, "avif": 60},
    quality_target=70,
    progressive=False,
    subsampling="420",
)


def jobs(files: list[Path], width: int) -> list[RenderJob]:
    spec = Spec(width, width)
    return [
        RenderJob(
            str(file),
            spec,
            "jpeg",
            ENCODER,
            watermark=None,
            limits=Limits(),
            decoders=None,
            fonts=None,
        )
        for file in files
    ]


def run(backend: Backend, job: RenderJob) -> float:
    start = time.perf_counter()
    backend.submit(job, time.monotonic() + 60)
    return time.perf_counter() - start


def throughput(backend: Backend, work: list[RenderJob]) -> float:
    start = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda index: run(backend, work[index % len(work)]), range(RENDERS)))
    return RENDERS / (time.perf_counter() - start)


def memory(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    caged, in_process = RenderProcesses(Limits(), None), RenderThreads(THREADS)
    start = time.perf_counter()
    small = sorted((ROOT / "tests/subjects").glob("*.jpg"))
    run(caged, jobs(small, 300)[0])
    print(f"first render: {1000 * (time.perf_counter() - start):.0f} ms")
    start = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda job: run(caged, job), jobs(small, 300)))
    sets = {"several megapixels": photographs(8), "small": small}
    for (name, files), width in product(sets.items(), (300, 96)):
        work = jobs(files, width)
        times: dict[str, list[float]] = {"caged": [], "in process": []}
        ratios = []
        for _ in range(rounds):
            for job in work:
                times["caged"].append(run(caged, job))
                times["in process"].append(run(in_process, job))
            ratios.append(throughput(caged, work) / throughput(in_process, work))
        medians = {name: 1000 * statistics.median(found) for name, found in times.items()}
        print(
            f"{name} to {width} px: throughput {statistics.median(ratios):.3f} of in-process; "
            f"latency p50 {medians['caged']:.2f} ms, in process {medians['in process']:.2f} ms "
            f"({medians['caged'] - medians['in process']:+.2f} ms)"
        )
    for name, pids in (("launcher", launchers(os.getpid())), ("worker", workers(os.getpid()))):
        for pid in pids:
            print(f"{name}: {memory(pid):.1f} MB")


if __name__ == "__main__":
    main()
