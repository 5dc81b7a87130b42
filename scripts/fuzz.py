"""Fuzz the parsers with libFuzzer and the address sanitizer, and print how many inputs ran.

The script needs clang. It compiles the targets, the decoders and the codecs' C code, which takes
many minutes the first time. An input that crashes a target is saved in the target's directory
`artifacts/`, and the script exits with 1.

    scripts/fuzz.py [--seconds N] [TARGET ...]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "fuzz"
TARGETS = {
    **dict.fromkeys(
        ("decode", "render", "svg", "copyright", "reply", "spec", "sign", "verify"), CORE
    ),
    "jpeg-dc": ROOT / "crates" / "jpeg-dc" / "fuzz",
}
"""The crate of each target. The target of `jpeg-dc` is called `decode`, too."""

COVERAGE = (
    "-Cpasses=sancov-module",
    *(
        f"-Cllvm-args=-sanitizer-coverage-{option}"
        for option in ("level=4", "inline-8bit-counters", "pc-table", "trace-compares")
    ),
)
LIMITS = ("-rss_limit_mb=2048", "-timeout=25", "-max_len=20000")


def build(crate: Path, name: str) -> Path:
    """Compile a target, and return its path."""
    version = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    (host,) = re.findall("^host: (.+)$", version, re.MULTILINE)
    subprocess.run(
        ["cargo", "build", "--quiet", "--release", "--locked", "--target", host, "--bin", name],
        cwd=crate,
        check=True,
        env={
            **os.environ,
            # The stable compiler contains the sanitizer, but does not enable it otherwise.
            "RUSTC_BOOTSTRAP": "1",
            "RUSTFLAGS": " ".join((*COVERAGE, "-Zsanitizer=address", "--cfg", "fuzzing")),
            "CC": "clang",
            "CFLAGS": "-fsanitize=address,fuzzer-no-link",
        },
    )
    return crate / "target" / host / "release" / name


def run(program: Path, crate: Path, seeds: Path, seconds: int) -> tuple[int, str]:
    """Run a target. Returns its status, and the number of inputs or the end of its output."""
    artifacts = crate / "artifacts"
    artifacts.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="xaccel-") as corpus:
        command = [program, corpus, seeds, f"-max_total_time={seconds}", *LIMITS]
        command += [f"-artifact_prefix={artifacts}/", "-print_final_stats=1"]
        ended = subprocess.run(command, check=False, capture_output=True, text=True)
    runs = re.search(r"number_of_executed_units: (\d+)", ended.stderr)
    if ended.returncode or not runs:
        return ended.returncode or 1, ended.stderr[-4000:]
    return 0, f"{int(runs[1]):,} inputs"


def main() -> int:
    """Run the targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    options = parser.parse_args()
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"there is no target {min(unknown)!r}: choose from {', '.join(TARGETS)}")
    failed = False
    with tempfile.TemporaryDirectory(prefix="xaccel-") as seeds:
        subprocess.run(
            [sys.executable, "-m", "tests.support.fuzz_seeds", seeds], cwd=ROOT, check=True
        )
        for target in options.targets or TARGETS:
            crate = TARGETS[target]
            name = target if crate == CORE else "decode"
            status, report = run(build(crate, name), crate, Path(seeds, name), options.seconds)
            print(f"{target}: {report}", flush=True)
            failed |= bool(status)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
