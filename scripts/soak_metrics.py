"""Test under load that nginx's log, the app's metrics and the visitors count the same requests.

The script sends mixed traffic through nginx and Gunicorn, with each way to verify URLs, and
prints figures. It exits with 1 if the counts differ, or if a response is a server error.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.servers.mixed_traffic import (  # noqa: E402
    WAYS,
    Traffic,
    disagreements,
    running_site,
)
from tests.support.thumbnail_images import photo_file  # noqa: E402

VISITORS = 8
ROUNDS_WITH_SAME_MISS = 3
SERVER_ERROR = 500


def _visit_until(traffic: Traffic, end: float) -> None:
    def visit(visitor: int) -> None:
        number = visitor
        while time.monotonic() < end:
            # Several visitors request the same new thumbnail at about the same time.
            traffic.visit(number // ROUNDS_WITH_SAME_MISS)
            number += VISITORS

    with ThreadPoolExecutor(VISITORS) as threads:
        list(threads.map(visit, range(VISITORS)))


def main() -> int:
    """Run the test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for each way")
    options = parser.parse_args()
    failed = False
    for way in WAYS:
        with tempfile.TemporaryDirectory(prefix="xaccel-") as temporary:
            directory = Path(temporary)
            directory.chmod(0o755)
            with running_site(directory / way, way, photo_file("JPEG", 640, 480)) as traffic:
                _visit_until(traffic, time.monotonic() + options.seconds)
                problems = disagreements(traffic)
                lines = traffic.log()
                by = Counter((str(line["kind"]), str(line["handled_by"])) for line in lines)
        print(f"--verify {way}: {traffic.requests} requests, {traffic.received / 1e6:.0f} MB")
        for (kind, handled_by), count in sorted(by.items()):
            print(f"  {kind} by {handled_by}: {count}")
        errors = {status for status in traffic.statuses if status >= SERVER_ERROR}
        print(f"  counts that differ: {problems or 'none'}; server errors: {errors or 'none'}")
        failed |= bool(problems or errors)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
