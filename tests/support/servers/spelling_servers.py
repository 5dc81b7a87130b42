"""The application servers that run the apps of `spelling_apps`."""

import contextlib
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import xaccel
from xaccel.config import Config
from xaccel.servers import apache
from xaccel.servers.deployment import Deployment

from tests.support.servers.process import HOST, free_port, running
from tests.support.servers.site import started

_APPS = "tests.support.servers.spelling_apps"
_WSGI, _ASGI = f"{_APPS}:wsgi_app", f"{_APPS}:asgi_app"

_PYWSGI = f"""
from gevent.pywsgi import WSGIServer
from {_APPS} import wsgi_app
WSGIServer(("{HOST}", PORT), wsgi_app, log=None).serve_forever()
"""
_WSGIREF = f"""
from wsgiref.simple_server import make_server
from {_APPS} import wsgi_app
make_server("{HOST}", PORT, wsgi_app).serve_forever()
"""
# Apache's Python may have another version. Of the installed packages, only xaccel works with it.
_MOD_WSGI = """
import json, os
from xaccel import Config, wsgi
config = Config.from_mapping(json.loads(os.environ["XACCEL_TEST_SETTINGS"]))
links, thumbnails = wsgi.PrivateLinks(config), wsgi.Thumbnails(config)
def application(environ, start_response):
    app = links if environ["PATH_INFO"].startswith("/p/") else thumbnails
    return app(environ, start_response)
"""


def _uwsgi(socket: str, port: int | str) -> tuple[str, str]:
    options = [f"--{socket}={HOST}:{port}", f"--module={_WSGI}", "--need-app", "--die-on-term"]
    return "-c", f"import pyuwsgi; pyuwsgi.run({options})"


_COMMANDS = {
    "gunicorn": ("-m", "gunicorn", "--no-control-socket", "--bind", f"{HOST}:PORT", _WSGI),
    "uwsgi": _uwsgi("http-socket", "PORT"),
    "waitress": ("-m", "waitress", f"--listen={HOST}:PORT", _WSGI),
    "pywsgi": ("-c", _PYWSGI),
    "wsgiref": ("-c", _WSGIREF),
    "granian, WSGI": (
        *("-m", "granian", "--interface", "wsgi", "--host", HOST, "--port", "PORT"),
        *("--no-ws", _WSGI),
    ),
    "uvicorn": ("-m", "uvicorn", "--host", HOST, "--port", "PORT", _ASGI),
    "hypercorn": ("-m", "hypercorn", "--bind", f"{HOST}:PORT", _ASGI),
    "daphne": ("-m", "daphne", "--bind", HOST, "--port", "PORT", _ASGI),
    "granian, ASGI": (
        *("-m", "granian", "--interface", "asgi", "--host", HOST, "--port", "PORT", _ASGI),
    ),
}
SERVERS = (*_COMMANDS, "mod_wsgi", "mod_proxy_uwsgi")
"""The names of the servers."""


@contextlib.contextmanager
def running_apps(server: str, directory: Path, env: dict[str, str]) -> Iterator[int]:
    """Run the apps under a server until the block ends, and yield the port.

    Args:
        server: The name of the server.
        directory: An empty directory that other users can read.
        env: The environment for the apps.
    """
    port = free_port()
    log = directory / "app.log"
    if server == "mod_wsgi":
        with started("apache", _httpd(directory, port, _mod_wsgi(directory)), port, env):
            yield port
    elif server == "mod_proxy_uwsgi":
        behind = free_port()
        command = [sys.executable, *_uwsgi("socket", behind)]
        httpd = _httpd(directory, port, _mod_proxy_uwsgi(behind))
        with running(command, behind, log, env), started("apache", httpd, port):
            yield port
    else:
        arguments = (part.replace("PORT", str(port)) for part in _COMMANDS[server])
        with running([sys.executable, *arguments], port, log, env):
            yield port


def _httpd(directory: Path, port: int, lines: Iterable[str]) -> Path:
    """Write a configuration for Apache in which these lines replace the proxy to the app."""
    config, deployment = Config(server="apache"), Deployment(listen=f"{HOST}:{port}")
    (directory / "tmp").mkdir(mode=0o755)
    text = apache.full(config, deployment, directory)
    kept = [line for line in text.splitlines() if not line.lstrip().startswith("ProxyPass ")]
    file = directory / apache.FULL_FILE
    file.write_text("\n".join([*kept, *lines, ""]))
    return file


def _module(name: str) -> str:
    return f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"


def _mod_wsgi(directory: Path) -> Iterator[str]:
    # Apache's workers may run as another user, who can't read the original.
    packages, script = directory / "packages", directory / "app.wsgi"
    shutil.copytree(Path(xaccel.__file__).parent, packages / "xaccel")
    script.write_text(_MOD_WSGI)
    yield _module("wsgi")
    yield f'WSGIPythonPath "{packages}"'
    yield f'WSGIScriptAlias / "{script}"'
    yield f'<Directory "{directory}">'
    yield "Require all granted"
    yield "</Directory>"


def _mod_proxy_uwsgi(port: int) -> Iterator[str]:
    yield _module("proxy_uwsgi")
    yield f"ProxyPass / uwsgi://{HOST}:{port}/"
