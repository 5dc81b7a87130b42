"""Run an example until Ctrl-C, by itself or behind nginx."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parent.parent
GALLERY = ROOT / "examples" / "flask_gallery"
PHOTOS = ROOT / "examples" / "django_photos"
BIN = Path(sys.executable).parent
START_TIMEOUT = 30
PASSWORD = "xaccel"  # noqa: S105  of the demonstration


@dataclass(frozen=True, kw_only=True)
class Demo:
    """An example that is ready to start."""

    directory: Path
    environment: Mapping[str, str]
    app: Callable[[str], list[str | Path]]
    """Returns the command that starts the app at an address."""
    config: list[str]
    """The options of `xaccel config nginx`."""
    path: str = "/"
    ready: str


def flask_gallery(server: str, data: Path, _port: int) -> Demo:
    """Prepare the Flask gallery on Gunicorn."""
    return Demo(
        directory=GALLERY,
        environment={"XACCEL_SERVER": server, "GALLERY_DATA": str(data)},
        app=lambda address: [
            *(BIN / "gunicorn", "--bind", address, "--workers", "2", "--threads", "4"),
            *("--no-control-socket", "app:app"),
        ],
        config=["--app", "app:app", "--static", f"/static/={GALLERY / 'gallery' / 'static'}"],
        ready="The gallery is at {url} (Ctrl-C stops it)",
    )


def django_photos(server: str, data: Path, port: int) -> Demo:
    """Prepare the Django site: on Gunicorn behind nginx, or by itself in development."""
    settings = "photosite.settings." + ("development" if server == "direct" else "demo")
    path = "/" if server == "direct" else "/shop/"
    environment = {
        "DJANGO_SETTINGS_MODULE": settings,
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "DJANGO_SECRET_KEY": _key(data / "django.key"),
        "XACCEL_SECRET_KEY": _key(data / "url.key"),
        "PHOTOSITE_DATA": str(data),
        "PHOTOSITE_URL": f"http://127.0.0.1:{port}",
    }
    document = GALLERY / "private" / "Einladung – Größe & Licht.pdf"  # noqa: RUF001
    demo = Demo(
        directory=PHOTOS,
        environment=environment,
        app=lambda address: (
            [sys.executable, "manage.py", "runserver", "--noreload", address]
            if server == "direct"
            else [BIN / "gunicorn", "--bind", address, "--no-control-socket"]
        ),
        config=[
            *("--settings", settings, "--mount", "/shop", "--client-max-body-size", "50m"),
            *("--static", f"/shop/static/={data / 'static'}"),
            *("--static", f"/shop/media/={data / 'media'}"),
        ],
        path=path,
        ready=(
            "The photo site is at {url} (Ctrl-C stops it)\n"
            "  Django's admin is at {url}admin/, Wagtail's at {url}cms/\n"
            f"  Log in as admin or as visitor, with the password {PASSWORD}"
        ),
    )
    print("Preparing the database, the photos and the static files", flush=True)
    manage = partial(_run, demo, sys.executable, "manage.py")
    manage("migrate", "--verbosity", "0")
    manage("create_demo", GALLERY / "photos", "--document", document, "--password", PASSWORD)
    if server != "direct":
        manage("collectstatic", "--no-input", "--verbosity", "0")
    return demo


EXAMPLES = {"flask": flask_gallery, "django": django_photos}


def main() -> int:
    """Start the servers, wait for Ctrl-C, and stop them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--example", choices=EXAMPLES, default="flask")
    parser.add_argument("--server", choices=["direct", "nginx"], default="direct")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--data", type=Path, help="the example's data (default: a directory below .demo/)"
    )
    options = parser.parse_args()

    example = "" if options.example == "flask" else f"{options.example}-"
    data = (options.data or ROOT / ".demo" / f"{example}{options.server}").absolute()
    data.mkdir(parents=True, exist_ok=True)
    if not _is_free(options.port):
        print(f"Port {options.port} is in use. Choose another: make demo PORT=…", file=sys.stderr)
        return 1

    signal.signal(signal.SIGTERM, _interrupt)
    servers: list[subprocess.Popen[bytes]] = []
    try:
        demo = EXAMPLES[options.example](options.server, data, options.port)
        if options.server == "nginx":
            servers += _behind_nginx(demo, options.port, data)
        else:
            servers.append(_start(demo, *demo.app(f"127.0.0.1:{options.port}")))
        url = f"http://127.0.0.1:{options.port}{demo.path}"
        _wait_for(url, servers)
        print(f"\n  {demo.ready.format(url=url)}\n", flush=True)
        while all(server.poll() is None for server in servers):
            time.sleep(0.2)
        print("A server has stopped unexpectedly.", file=sys.stderr)
    except KeyboardInterrupt:
        return 0
    except TimeoutError as error:
        print(error, file=sys.stderr)
    except subprocess.CalledProcessError as error:
        # The command has already printed the reason.
        return error.returncode
    finally:
        for server in reversed(servers):
            server.terminate()
        for server in servers:
            server.wait()
    return 1


def _behind_nginx(demo: Demo, port: int, data: Path) -> list[subprocess.Popen[bytes]]:
    socket_path = data / "gunicorn.sock"
    config = data / "nginx"
    _run(
        demo,
        *(BIN / "xaccel", "config", "nginx", "--full", "--out", config, *demo.config),
        *("--upstream", f"unix:{socket_path}", "--listen", f"127.0.0.1:{port}"),
    )
    return [
        _start(demo, *demo.app(f"unix:{socket_path}")),
        _start(demo, "nginx", "-c", config / "nginx.conf", "-g", "daemon off;"),
    ]


def _run(demo: Demo, *command: str | Path) -> None:
    subprocess.run(command, cwd=demo.directory, env=_environment(demo), check=True)


def _start(demo: Demo, *command: str | Path) -> subprocess.Popen[bytes]:
    # Ctrl-C must reach only this script, which then stops the servers in order.
    return subprocess.Popen(command, cwd=demo.directory, env=_environment(demo), process_group=0)


def _environment(demo: Demo) -> dict[str, str]:
    return {**os.environ, **demo.environment, "PATH": f"{os.environ['PATH']}:/usr/sbin"}


def _key(path: Path) -> str:
    """Return a secret key, which is created at the first start."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50), encoding="ascii")
    return path.read_text(encoding="ascii")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _wait_for(url: str, servers: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and all(server.poll() is None for server in servers):
        try:
            # nginx responds with 502 until the app behind it has started.
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  ours
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("The example did not start; the messages above say why.")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
