"""What an app loads to answer requests: the modules that it uses, and no others."""

import io
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image
from xaccel.servers.dialects import DIALECTS

COMMON = {
    "xaccel",
    "xaccel._cdn",
    "xaccel._core",
    "xaccel._hints",
    "xaccel._log",
    "xaccel._observing",
    "xaccel._phases",
    "xaccel._private_files",
    "xaccel._settings",
    "xaccel._verifier",
    "xaccel.config",
    "xaccel.delivery",
    "xaccel.delivery.conditional",
    "xaccel.delivery.files",
    "xaccel.delivery.open_files",
    "xaccel.delivery.origins",
    "xaccel.delivery.presentation",
    "xaccel.delivery.remotes",
    "xaccel.delivery.request",
    "xaccel.delivery.response",
    "xaccel.delivery.rfc9110",
    "xaccel.delivery.scripts",
    "xaccel.delivery.sendfile",
    "xaccel.exceptions",
    "xaccel.sandbox",
    "xaccel.sandbox.backend",
    "xaccel.sandbox.interpreter",
    "xaccel.sandbox.pool",
    "xaccel.sandbox.protocol",
    "xaccel.sandbox.support",
    "xaccel.servers",
    "xaccel.servers.dialects",
    "xaccel.servers.dialects.base",
    "xaccel.servers.dialects.values",
    "xaccel.thumbnails",
    "xaccel.thumbnails.backends",
    "xaccel.thumbnails.delivery",
    "xaccel.thumbnails.endpoint",
    "xaccel.thumbnails.failures",
    "xaccel.thumbnails.names",
    "xaccel.thumbnails.ownership",
    "xaccel.thumbnails.places",
    "xaccel.thumbnails.private",
    "xaccel.thumbnails.rows",
    "xaccel.thumbnails.sandboxed",
    "xaccel.thumbnails.rendering",
    "xaccel.thumbnails.sources",
    "xaccel.thumbnails.sources.base",
    "xaccel.thumbnails.sources.directory",
    "xaccel.thumbnails.specs",
    "xaccel.thumbnails.turns",
    "xaccel.wsgi",
    *(type(dialect).__module__ for dialect in DIALECTS.values()),
}
TEMPLATES = {
    "xaccel.jinja",
    "xaccel.thumbnails.engines",
    "xaccel.thumbnails.engines.base",
    "xaccel.thumbnails.engines.embedded",
    "xaccel.thumbnails.helpers",
    "xaccel.thumbnails.layout",
    "xaccel.thumbnails.markup",
    "xaccel.thumbnails.placeholders",
    "xaccel.thumbnails.urls",
}
HTTP_SOURCE = {
    "xaccel._addresses",
    "xaccel._http",
    "xaccel.thumbnails.sources.fetches",
    "xaccel.thumbnails.sources.http",
}
S3 = {
    "xaccel._s3",
    "xaccel._s3.credentials",
    "xaccel._s3.errors",
    "xaccel._s3.settings",
}
S3_CLIENT = S3 | {
    "xaccel._addresses",
    "xaccel._http",
    "xaccel._s3.bucket",
    "xaccel._s3.listing",
}
REMOTE = {"xaccel._addresses", "xaccel._http", "xaccel.delivery.remote_files"}

REPORT = """
print(json.dumps(sorted(sys.modules)))
"""

WSGI = (
    """
import json, sys
from wsgiref.util import setup_testing_defaults
from xaccel import Config, Signer
from xaccel.wsgi import Thumbnails, XAccel

settings = json.loads(sys.argv[1])
config = Config.from_mapping(settings)

def get(app, path):
    path, _, query = path.partition("?")
    environ = {"PATH_INFO": path, "QUERY_STRING": query}
    setup_testing_defaults(environ)
    statuses = []
    body = app(environ, lambda status, headers: statuses.append(status))
    assert b"".join(body) or settings["SERVER"] != "direct"
    assert statuses == ["200 OK"], statuses

get(XAccel(config).send_private_file(sys.argv[2]), "/")
get(Thumbnails(config), Signer(settings["SECRET_KEYS"]).sign("/t/16x-/cat.png"))
"""
    + REPORT
)

FLASK = (
    """
import json, sys
import flask
from xaccel import Signer
from xaccel.flask import XAccel, send_private_file

settings = json.loads(sys.argv[1])
app = flask.Flask(__name__)
app.config["XACCEL"] = settings
XAccel(app)

@app.get("/")
def index():
    return send_private_file(sys.argv[2])

client = app.test_client()
assert client.get("/").status_code == 200
thumbnail = Signer(settings["SECRET_KEYS"]).sign("/t/16x-/cat.png")
assert client.get(thumbnail).status_code == 200
"""
    + REPORT
)

FRAMEWORK = (
    """
import json, sys
import flask

app = flask.Flask(__name__)

@app.get("/")
def index():
    return flask.Response(b"text")

assert app.test_client().get("/").status_code == 200
"""
    + REPORT
)


@pytest.fixture(scope="module")
def png():
    out = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def origin(png):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(png)))
            self.end_headers()
            self.wfile.write(png)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def load(tmp_path, png):
    (tmp_path / "cat.png").write_bytes(png)

    def load(script, path="cat.png", **settings):
        settings = {
            "ROOTS": {str(tmp_path): "/_p/"},
            "THUMBNAIL_SOURCE": str(tmp_path),
            "SERVER": "direct",
            "SECRET_KEYS": ["a key of more than 16 bytes"],
            **settings,
        }
        command = [sys.executable, "-c", script, json.dumps(settings), path]
        result = subprocess.run(command, check=True, capture_output=True, timeout=60)
        return set(json.loads(result.stdout))

    return load


def ours(modules):
    return {name for name in modules if name.partition(".")[0] == "xaccel"}


CLIENT = {"ssl", "http.client"}


@pytest.mark.parametrize("server", DIALECTS)
def test_plain_wsgi(load, server):
    modules = load(WSGI, SERVER=server)
    assert ours(modules) == COMMON
    assert modules.isdisjoint(CLIENT)


@pytest.mark.parametrize("server", ["direct", "nginx"])
def test_flask(load, server):
    modules = load(FLASK, SERVER=server)
    assert ours(modules) == COMMON | TEMPLATES | {"xaccel.flask"}
    assert not modules & CLIENT - load(FRAMEWORK)


OBSERVERS = {"prometheus_client", "opentelemetry"}


def test_metrics_and_tracing_load_their_packages_only_if_they_are_on(load):
    assert load(WSGI).isdisjoint(OBSERVERS)
    modules = load(WSGI, METRICS=True)
    assert ours(modules) == COMMON | {"xaccel.metrics"}
    assert "opentelemetry" not in modules
    modules = load(WSGI, TRACING=True)
    assert ours(modules) == COMMON | {"xaccel.tracing"}
    assert "prometheus_client" not in modules


def test_an_http_source_loads_the_client(load, origin):
    modules = load(WSGI, THUMBNAIL_SOURCE=origin, THUMBNAIL_SOURCE_PRIVATE=True)
    assert ours(modules) == COMMON | HTTP_SOURCE
    assert modules >= CLIENT


def test_a_remote_that_the_app_fetches_loads_the_client(load, origin):
    modules = load(WSGI, f"{origin}cat.png", REMOTES={origin: "/_remote/"})
    assert ours(modules) == COMMON | REMOTE
    assert modules >= CLIENT


def test_a_remote_that_nginx_fetches_loads_none(load, origin):
    modules = load(WSGI, f"{origin}cat.png", SERVER="nginx", REMOTES={origin: "/_remote/"})
    assert ours(modules) == COMMON
    assert modules.isdisjoint(CLIENT)


BUCKET = {"access_key": "AKIATEST", "secret_key": "the secret key"}


def test_the_setting_alone_loads_its_checks(load):
    modules = load(WSGI, S3=BUCKET)
    assert ours(modules) == COMMON | {"xaccel._s3", "xaccel._s3.settings"}
    assert modules.isdisjoint(CLIENT)


def test_a_file_in_a_bucket_that_nginx_fetches_loads_no_client(load):
    remotes = {"s3://vault/": "/_remote/"}
    modules = load(WSGI, "s3://vault/a.mp4", SERVER="nginx", REMOTES=remotes, S3=BUCKET)
    assert ours(modules) == COMMON | S3 | {"xaccel.delivery.buckets"}
    assert modules.isdisjoint(CLIENT | {"botocore"})


def test_a_store_loads_the_client(load, tmp_path):
    """Of the store that does not respond, only a warning is left."""
    modules = load(
        WSGI,
        THUMBNAIL_CACHE=str(tmp_path / "cache"),
        THUMBNAIL_STORE="s3://thumbs/",
        S3={**BUCKET, "endpoint": "http://127.0.0.1:1"},
    )
    assert ours(modules) == COMMON | S3_CLIENT | {"xaccel.thumbnails.store"}
    assert "botocore" not in modules
