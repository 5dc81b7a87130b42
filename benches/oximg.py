"""Compare with oximg over HTTP: thumbnails at most 1/8 as large as a JPEG, rendered per request.

oximg is a server written in Rust with its own decoders: `cargo install oximg`. Both use two cores:
xaccel runs in two Gunicorn workers with an app that only calls `thumbnail()`. The servers take
turns. The figures are medians of the rounds, and the total assumes an equal number of requests for
each file. Simultaneous requests ask for different sizes, because oximg would respond to identical
requests with a single thumbnail. If oximg is not installed, the benchmark says so.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches.peers import bare_app
from tests.support.servers.process import HOST, free_port, running

WALLPAPERS = Path("/usr/share/wallpapers")
PHOTOS = {
    "baseline": {
        "BytheWater/contents/images/2560x1600.jpg": 160,
        "EveningGlow/contents/images/2560x1600.jpg": 160,
        "Shell/contents/images/5120x2880.jpg": 300,
    },
    "progressive": {
        "Autumn/contents/images/2560x1600.jpg": 160,
        "Flow/contents/images/5120x2880.jpg": 300,
    },
}
TARGETS = {"baseline": 2.5, "progressive": 15}
ROUNDS = 5
SECONDS = 2
# The sides differ from request to request, and are up to a fifth smaller.
SCRIPT = """
local number = 0
request = function()
  number = number + 1
  local side = math.floor(tonumber(os.getenv("SIDE")) * (1 - (number % 64) / 320))
  return wrk.format("GET", (os.getenv("ADDRESS"):gsub("SIDE", side)))
end
"""


def requests_a_second(script: Path, port: int, path: str, side: int) -> float:
    command = ["wrk", "-t1", "-c8", f"-d{SECONDS}s", "-s", str(script), f"http://{HOST}:{port}"]
    environment = {**os.environ, "SIDE": str(side), "ADDRESS": path}
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    output = run.stdout
    if "Non-2xx" in output:
        raise SystemExit(f"{path}:\n{output}")
    found = re.search(r"Requests/sec:\s+([0-9.]+)", output)
    assert found, output
    return float(found[1])


def main() -> None:
    oximg = shutil.which("oximg")
    if oximg is None:
        print("oximg is not installed: cargo install oximg")
        return
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as stack:
        directory = Path(temporary)
        script = directory / "sizes.lua"
        script.write_text(SCRIPT)
        theirs = free_port()
        environment = {
            **os.environ,
            "PORT": str(theirs),
            "OXIMG_BIND": HOST,
            "IMAGES_DIR": str(WALLPAPERS),
            "PRESET": "fast",
            "OXIMG_DCT_MARGIN": "1.7",
        }
        ours = bare_app(directory, stack, WALLPAPERS, quality=80, workers=2).port
        stack.enter_context(running([oximg], theirs, directory / "oximg.log", environment))
        print(f"{'':50}{'xaccel':>10}{'oximg':>10}   requests a second")
        for kind, photos in PHOTOS.items():
            rates = []
            for name, side in photos.items():
                contestants = ((ours, f"/SIDE/{name}"), (theirs, f"/resize/SIDE/SIDE/{name}"))
                rounds = [
                    [requests_a_second(script, port, path, side) for port, path in contestants]
                    for _ in range(ROUNDS)
                ]
                one, other = (statistics.median(figures) for figures in zip(*rounds, strict=True))
                rates.append((one, other))
                print(f"{kind + ' ' + name:50}{one:10.1f}{other:10.1f}   {one / other:.1f}x")
            one, other = (statistics.harmonic_mean(each) for each in zip(*rates, strict=True))
            verdict = "ok" if one / other >= TARGETS[kind] else "NO"
            print(
                f"{kind + ' in total':50}{one:10.1f}{other:10.1f}   {one / other:.1f}x "
                f"(at least {TARGETS[kind]:g}x: {verdict})"
            )


if __name__ == "__main__":
    main()
