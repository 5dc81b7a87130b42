"""Run the example gallery until Ctrl-C, on Gunicorn alone or behind nginx."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "flask_gallery"
BIN = Path(sys.executable).parent
START_TIMEOUT = 30


def main() -> int:
    """Start the servers, wait, stop them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=["direct", "nginx"], default="direct")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()

    data = ROOT / ".demo" / options.server
    data.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "XACCEL_SERVER": options.server,
        "GALLERY_DATA": str(data),
    }
    if not _is_free(options.port):
        print(f"Port {options.port} is in use. Choose another: make demo PORT=…", file=sys.stderr)
        return 1

    signal.signal(signal.SIGTERM, _interrupt)
    servers: list[subprocess.Popen[bytes]] = []
    try:
        if options.server == "nginx":
            servers += _behind_nginx(options.port, data, environment)
        else:
            servers.append(_gunicorn(f"127.0.0.1:{options.port}", environment))
        _wait_for(options.port, servers)
        print(
            f"\n  The gallery is at http://127.0.0.1:{options.port}/ (Ctrl-C stops it)\n",
            flush=True,
        )
        while all(server.poll() is None for server in servers):
            time.sleep(0.2)
        print("A server has stopped unexpectedly.", file=sys.stderr)
    except KeyboardInterrupt:
        return 0
    except TimeoutError as error:
        print(error, file=sys.stderr)
    finally:
        for server in reversed(servers):
            server.terminate()
        for server in servers:
            server.wait()
    return 1


def _behind_nginx(
    port: int, data: Path, environment: Mapping[str, str]
) -> list[subprocess.Popen[bytes]]:
    socket_path = data / "gunicorn.sock"
    config = data / "nginx"
    subprocess.run(
        [
            BIN / "xaccel",
            *("config", "nginx", "--app", "app:app", "--full", "--out", config),
            *("--upstream", f"unix:{socket_path}", "--listen", f"127.0.0.1:{port}"),
            *("--static", f"/static/={EXAMPLE / 'gallery' / 'static'}"),
        ],
        cwd=EXAMPLE,
        env=environment,
        check=True,
    )
    return [
        _gunicorn(f"unix:{socket_path}", environment),
        subprocess.Popen(
            ["nginx", "-c", config / "nginx.conf", "-g", "daemon off;"],
            env={**environment, "PATH": f"{environment['PATH']}:/usr/sbin"},
            process_group=0,
        ),
    ]


def _gunicorn(address: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *(BIN / "gunicorn", "--bind", address, "--workers", "2", "--threads", "4"),
            *("--no-control-socket", "app:app"),
        ],
        cwd=EXAMPLE,
        env=environment,
        # Ctrl-C must reach only this script, which then stops its servers in order.
        process_group=0,
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _wait_for(port: int, servers: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and all(server.poll() is None for server in servers):
        try:
            # nginx answers 502 until the app behind it has started.
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("The gallery did not start; the messages above say why.")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
