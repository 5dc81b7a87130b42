"""Set-ups that people configure by hand, each as its own scenario."""

import contextlib
import http.client
import json
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from xaccel import Config
from xaccel.servers import generators
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import configuration as nginx

from tests.support.servers.dns import dns
from tests.support.servers.nginx import nginx as running_nginx
from tests.support.servers.process import HOST, PATIENCE, free_port, running
from tests.support.servers.site import running_server


def get(port, target, **headers):
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
    with contextlib.closing(connection):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", target, headers=fields)
        response = connection.getresponse()
        return response, response.read()


@contextlib.contextmanager
def gunicorn(app, directory, port, *, socket=None, **env):
    bind = [f"{HOST}:{port}", *([f"unix:{socket}"] if socket else [])]
    command = [
        *(sys.executable, "-m", "gunicorn", "--threads", "2", "--no-control-socket"),
        *(part for address in bind for part in ("--bind", address)),
        *("--worker-tmp-dir", str(directory), f"tests.support.servers.scenario_apps:{app}()"),
    ]
    env = {"XACCEL_TEST_SETTINGS": "{}", **env}
    with running(command, port, directory / "app.log", env):
        yield


@pytest.fixture
def videos(home):
    # A socket's path may have no more than 107 bytes.
    directory = Path(tempfile.mkdtemp(dir=home)) / "videos"
    (directory / "bill" / "to_jane").mkdir(parents=True)
    (directory / "bill" / "to_jane" / "cute_puppies_7.mp4").write_bytes(b"puppies")
    for path in (directory.parent, directory, *directory.rglob("*")):
        path.chmod(0o755)
    return directory


@pytest.mark.parametrize("by", ["tcp", "socket", "name"])
def test_a_flask_app_under_gunicorn_with_private_videos_and_static_files(videos, by):
    work = videos.parent
    static = work / "static" / "img"
    static.mkdir(parents=True)
    (static / "img_1203.jpg").write_bytes(b"a picture")
    settings = {"SERVER": "nginx", "ROOTS": {str(videos): "/_private/videos/"}}
    app_port, port, socket = free_port(), free_port(), work / "app.sock"
    directory = work / "nginx"
    directory.mkdir()
    (directory / "tmp").mkdir()
    deployment = Deployment(
        upstream={
            "tcp": f"{HOST}:{app_port}",
            "socket": f"unix:{socket}",
            # As that of a container.
            "name": f"localhost:{app_port}",
        }[by],
        listen=f"{HOST}:{port}",
        domain="www.kennedyfamilyrecipes.com",
        static={"/static/": str(static.parent)},
        client_max_body_size="5m",
    )
    text = nginx.full(Config.from_mapping(settings), deployment, directory)
    (directory / "nginx.conf").write_text(text)
    env = {"XACCEL_TEST_SETTINGS": json.dumps(settings)}
    server = ("nginx", "-e", directory / "e.log", "-c", directory / "nginx.conf")
    with (
        gunicorn("videos", work, app_port, socket=socket, **env),
        running((*server, "-g", "daemon off;"), port, work / "server.log"),
    ):
        assert get(port, "/video/7")[0].status == 403
        response, body = get(port, "/video/7", Authorization="bill")
        assert (response.status, body) == (200, b"puppies")
        assert response.headers["Content-Type"] == "video/mp4"
        assert get(port, "/video/7", Authorization="bill", Range="bytes=1-2")[1] == b"up"
        assert get(port, "/video/8", Authorization="bill")[0].status == 404
        assert get(port, "/_private/videos/bill/to_jane/cute_puppies_7.mp4")[0].status == 404
        assert get(port, "/static/img/img_1203.jpg")[1] == b"a picture"
        response, body = get(port, "/", Host="www.kennedyfamilyrecipes.com")
        assert json.loads(body) == {
            "Host": "www.kennedyfamilyrecipes.com",
            "X-Real-IP": HOST,
            "X-Forwarded-For": HOST,
            "X-Forwarded-Proto": "http",
        }


class MediaServer(BaseHTTPRequestHandler):
    """The shared media server, separate from the application's."""

    def do_GET(self):
        self.server.seen.append((self.path, self.headers["Host"], self.headers["Authorization"]))
        found = self.path == "/videos/abc/def/awesome%20video%20%231.mp4"
        body = b"puppies" if found else b"of the media server"
        self.send_response(200 if found else 302)
        self.send_header("Location", "/_private/videos/bill/to_jane/cute_puppies_7.mp4")
        self.send_header("X-MyApp-Username", "media server")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_videos_on_a_media_server_whose_name_only_the_resolver_knows(videos):
    """Each of the three gotchas: the headers, whose they are, and nginx's own DNS."""
    work, app_port, port = videos.parent, free_port(), free_port()
    directory = work / "nginx"
    directory.mkdir()
    with contextlib.ExitStack() as stack:
        media = stack.enter_context(ThreadingHTTPServer((HOST, 0), MediaServer))
        media.seen = []
        thread = threading.Thread(target=media.serve_forever, args=(0.01,))
        thread.start()
        stack.callback(thread.join)
        stack.callback(media.shutdown)
        resolver, asked = stack.enter_context(dns({"videoserver": HOST}))
        authority = f"videoserver:{media.server_address[1]}"
        settings = {
            "SERVER": "nginx",
            "ROOTS": {str(videos): "/_private/videos/"},
            "REMOTES": {f"http://{authority}/videos/": "/raw_videos/url/"},
        }
        env = {"XACCEL_TEST_SETTINGS": json.dumps(settings)}
        stack.enter_context(gunicorn("videos", work, app_port, **env))
        config, deployed = Config.from_mapping(settings), {"log_header": "X-MyApp-Username"}
        stack.enter_context(
            running_server(
                "nginx", config, directory, port, app_port, resolver=resolver, **deployed
            )
        )
        awesome = "/elsewhere/awesome%20video%20%231.mp4"
        assert get(port, awesome)[0].status == 403
        response, body = get(port, awesome, Authorization="bill")
        assert (response.status, body) == (200, b"puppies")
        assert response.headers["Content-Type"] == "video/mp4"
        assert response.headers["X-MyApp-Username"] is None
        assert media.seen == [("/videos/abc/def/awesome%20video%20%231.mp4", authority, None)]
        assert set(asked) == {"videoserver"}
        # A media server can't send visitors on to a private file of this one.
        response, body = get(port, "/elsewhere/moved.mp4", Authorization="bill")
        assert (response.status, response.headers["Location"]) == (404, None)
        assert b"media server" not in body
        assert get(port, "/raw_videos/url/abc/def/awesome%20video%20%231.mp4")[0].status == 404
        assert len(media.seen) == 2
    # nginx's workers write in any order.
    lines = (directory / "access.log").read_text().splitlines()
    (log,) = (line for line in lines if f'"GET {awesome} HTTP/1.1" 200 7 ' in line)
    assert '"bill"' in log


@pytest.mark.parametrize("by", ["tcp", "socket"])
def test_an_asgi_app_under_uvicorn(videos, by):
    work, app_port, port = videos.parent, free_port(), free_port()
    directory, socket = work / "nginx", work / "app.sock"
    directory.mkdir()
    settings = {"SERVER": "nginx", "ROOTS": {str(videos): "/_private/videos/"}}
    env = {"XACCEL_TEST_SETTINGS": json.dumps(settings)}
    command = (
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        "tests.support.servers.scenario_apps:asgi_videos",
    )
    address = ("--uds", socket) if by == "socket" else ("--port", str(app_port))
    upstream = f"unix:{socket}" if by == "socket" else f"{HOST}:{app_port}"
    config = Config.from_mapping(settings)
    with contextlib.ExitStack() as stack:
        address_of_app = socket if by == "socket" else app_port
        stack.enter_context(running((*command, *address), address_of_app, work / "app.log", env))
        stack.enter_context(
            running_server("nginx", config, directory, port, app_port, upstream=upstream)
        )
        response, body = get(port, "/video/7", Authorization="bill", Range="bytes=1-2")
        assert (response.status, body) == (206, b"up")
        response, body = get(port, "/video/7")
        assert response.status == 403
        assert json.loads(body) == {"http": "1.1", "host": f"{HOST}:{port}"}


def test_racks_mapping_header_from_nginx(videos):
    """nginx's part as Rack's documentation of its middleware has it."""
    work = videos.parent
    app_port = free_port()
    configuration = f"""
    server {{
        listen $ADDRESS;
        location ~ /files/(.*) {{
            internal;
            alias {videos}/$1;
        }}
        location / {{
            proxy_redirect     off;
            proxy_set_header   Host                $host;
            proxy_set_header   X-Real-IP           $remote_addr;
            proxy_set_header   X-Forwarded-For     $proxy_add_x_forwarded_for;
            proxy_set_header   X-Sendfile-Type     X-Accel-Redirect;
            proxy_set_header   X-Accel-Mapping     {videos}/=/files/;
            proxy_pass         http://{HOST}:{app_port}/;
        }}
    }}
    """
    directory = work / "nginx"
    directory.mkdir()
    with (
        gunicorn("files", work, app_port, XACCEL_TEST_FILES=str(videos)),
        running_nginx(directory, configuration) as server,
    ):
        response, body = get(server.port, "/bill/to_jane/cute_puppies_7.mp4")
        assert (response.status, body) == (200, b"puppies")
        assert response.headers["Set-Cookie"] == "by=X-Accel-Redirect"
        assert get(server.port, "/files/bill/to_jane/cute_puppies_7.mp4")[0].status >= 400


@pytest.mark.parametrize("front", ["apache", "lighttpd"])
def test_x_sendfile_by_the_servers_own_header(videos, front):
    """The server says in each request which directory it sends. The app knows the server."""
    work = videos.parent
    app_port, port = free_port(), free_port()
    config = Config.from_mapping({"SERVER": front, "ROOTS": {str(videos): "/_private/videos/"}})
    directory = work / front
    directory.mkdir()
    original = generators.load(front).full

    def full(*arguments):
        text = original(*arguments)
        if front == "apache":
            before, after = "RequestHeader unset {}", 'RequestHeader set {} "{}"'
        else:
            before, after = '"{}" => ""', '"{}" => "{}"'
        for name, value in (
            ("X-Sendfile-Type", "X-Sendfile"),
            ("X-Accel-Mapping", f"{videos}/=/_private/videos/"),
        ):
            assert before.format(name) in text
            text = text.replace(before.format(name), after.format(name, value))
        return text

    with (
        pytest.MonkeyPatch.context() as patch,
        gunicorn(
            "files",
            work,
            app_port,
            XACCEL_TEST_FILES=str(videos),
            XACCEL_TEST_SERVER=front,
        ),
    ):
        patch.setattr(generators.load(front), "full", full)
        with running_server(front, config, directory, port, app_port):
            response, body = get(port, "/bill/to_jane/cute_puppies_7.mp4")
            assert (response.status, body) == (200, b"puppies")
            assert response.headers["Set-Cookie"] == "by=X-Sendfile"
            assert response.headers["X-Sendfile"] is None


def test_a_visitor_can_not_choose_the_mapping(videos):
    """Without a server that sets the headers there is nothing to trust."""
    app_port, port, work = free_port(), free_port(), videos.parent
    directory = work / "nginx"
    directory.mkdir()
    settings = {"SERVER": "nginx", "ROOTS": {str(videos): "/_private/videos/"}}
    env = {"XACCEL_TEST_SETTINGS": json.dumps(settings)}
    with (
        gunicorn("videos", work, app_port, **env),
        running_server("nginx", Config.from_mapping(settings), directory, port, app_port),
    ):
        headers = {"X_Sendfile_Type": "X-Sendfile", "X_Accel_Mapping": "/=/_private/videos/"}
        response, body = get(port, "/video/7", Authorization="bill", **headers)
        assert (response.status, body) == (200, b"puppies")
        assert response.headers["X-Sendfile"] is None
