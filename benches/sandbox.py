"""Compare renders in sandboxed workers with renders in the app's process.

The photographs have several megapixels, or are the small ones in tests/subjects. The latency is
that of one render at a time, and the throughput is that of two threads. Renders with and without
the sandbox alternate, and each goes first in half of the turns, so that other load affects both.
The difference of the latencies is the median over pairs of renders of the same photograph. The
memory is the proportional set size of the launcher and of each worker.

    benches/sandbox.py [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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
RENDERS = 40
ENCODER = EncoderSettings(
    quality={"jpeg": 85, "webp": 80, "avif": 60},
    quality_target=70,
    progressive=False,
    subsampling="420",
    avif_speed=None,
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


def together(threads: ThreadPoolExecutor, backend: Backend, work: list[RenderJob]) -> float:
    start = time.perf_counter()
    list(threads.map(lambda index: run(backend, work[index % len(work)]), range(RENDERS)))
    return time.perf_counter() - start


def both(measure: Callable[[Backend], float], backends: list[Backend], turn: int) -> list[float]:
    """Measure the backends one after the other. In every other turn, the second goes first."""
    order = range(len(backends))[:: 1 if turn % 2 else -1]
    times = {index: measure(backends[index]) for index in order}
    return [times[index] for index in range(len(backends))]


def memory(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    caged = RenderProcesses(Limits(), None)
    backends: list[Backend] = [caged, RenderThreads(THREADS)]
    start = time.perf_counter()
    small = sorted((ROOT / "tests/subjects").glob("*.jpg"))
    run(caged, jobs(small, 300)[0])
    print(f"first render: {1000 * (time.perf_counter() - start):.0f} ms")
    sets = {"several megapixels": photographs(8), "small": small}
    for (name, files), width in product(sets.items(), (300, 96)):
        work = jobs(files, width)
        with ThreadPoolExecutor(THREADS) as threads:
            measure = partial(together, threads, work=work)
            rates = [both(measure, backends, turn) for turn in range(rounds)]
        times = [
            both(partial(run, job=job), backends, turn) for turn in range(rounds) for job in work
        ]
        ratio = statistics.median(other_time / caged_time for caged_time, other_time in rates)
        more = 1000 * statistics.median(caged_time - other_time for caged_time, other_time in times)
        latencies = [1000 * statistics.median(each) for each in zip(*times, strict=True)]
        print(
            f"{name} to {width} px: throughput {ratio:.3f} of in-process; latency p50 "
            f"{latencies[0]:.2f} ms, in process {latencies[1]:.2f} ms; difference {more:+.2f} ms",
            flush=True,
        )
    for name, pids in (("launcher", launchers(os.getpid())), ("worker", workers(os.getpid()))):
        for pid in pids:
            print(f"{name}: {memory(pid):.1f} MB")


if __name__ == "__main__":
    main()
