"""Generated configurations are valid and safe for any settings."""

import contextlib
import http.client
import itertools
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from gixy.core.config import Config as GixyConfig
from gixy.core.manager import Manager
from hypothesis import HealthCheck, Phase, assume, given, settings, strategies as st
from xaccel import Config, ConfigError
from xaccel.delivery.files import Delivery
from xaccel.servers import generators
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import thumbnails as nginx_thumbnails
from xaccel.thumbnails import engines

from tests.support.servers.process import HOST, PATIENCE, free_port, running
from tests.support.servers.site import CHECKS, running_server

# It answers with the headers in the URL, in hexadecimal, on a port and on a Unix socket.
APP = """
import json, os, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import ThreadingMixIn, UnixStreamServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        if self.path.startswith("/offload/"):
            for name, text in json.loads(bytes.fromhex(self.path.removeprefix("/offload/"))):
                self.send_header(name, text)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

class UnixServer(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True

unix = UnixServer(sys.argv[2], Handler)
os.chmod(sys.argv[2], 0o777)
threading.Thread(target=unix.serve_forever, daemon=True).start()
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
INSIDE, OUTSIDE = b"INSIDE", b"OUTSIDE"
KEY = "0123456789abcdef"
SPEC = "96x96,cover"

awkward = st.sampled_from(
    [*" $;{}\"'\\#%?&=+~^*|<>()[]`!@,:.-_", "${x}", "$1", "{env.HOME}", "ü", "山", "🐶", "a", "Z"]
)
names = (
    st.lists(awkward, min_size=1, max_size=8)
    .map("".join)
    .filter(lambda name: name not in {".", "..", "outside"})
)
# The app sends no file with a backslash in its name.
file_names = names.filter(lambda name: "\\" not in name)
keys = st.lists(awkward, max_size=8).map(lambda pieces: KEY + "".join(pieces))


@st.composite
def sites(draw, server):
    """The settings, with names for directories, and what the server is to know."""
    options = {
        "SERVER": server,
        "SIGNATURE": draw(st.sampled_from(["hmac-sha256", "secure-link-md5"])),
        "SECRET_KEYS": draw(st.lists(keys, min_size=1, max_size=2, unique=True)),
        "FOLLOW_SYMLINKS": draw(st.booleans()),
        "PRIVATE_URL": draw(st.none() | names.map("/p{}/".format)),
        "THUMBNAIL_URL": draw(names.map("/t{}/".format)),
        "THUMBNAIL_FORMATS": draw(st.sampled_from([[], ["webp"], ["avif", "webp"]])),
        "THUMBNAIL_CACHE_MAX_SIZE": draw(st.sampled_from(["1m", "200M", "3g", "1000001"])),
        "THUMBNAIL_CACHE_INACTIVE": draw(st.sampled_from(["60d", "1d 12h"])),
    }
    deployment = {
        "name": draw(st.sampled_from([None, "shop", "a-site-with-a-very-long-name-example-org"])),
        "domain": draw(st.sampled_from([None, "a.example", "a.example *.b.example"])),
        "client_max_body_size": draw(st.sampled_from(["0", "10m", "1g"])),
    }
    kinds = ["none", "embedded", "presets"]
    if server == "nginx":
        kinds += ["embedded", "image-filter", "origin"]
    kind = draw(st.sampled_from(kinds))
    if kind == "presets":
        options |= {"THUMBNAIL_ONLY_PRESETS": True, "THUMBNAIL_PRESETS": {"a": SPEC}}
    if kind in {"image-filter", "origin"}:
        options |= {"THUMBNAIL_ENGINE": "image-filter", "SIGNATURE": "secure-link-md5"}
    if kind == "origin":
        options["THUMBNAIL_SOURCE"] = draw(
            st.sampled_from(
                ["https://a.example/b c/$1/", "http://127.0.0.1:1/", "http://a.example"]
            )
        )
    if server == "nginx":
        remotes = ["http://127.0.0.1:1/a b/", "https://media.example/a $1;/", None]
        options["REMOTES"] = {
            url: f"/_remote/{draw(names)}/" for url in (draw(st.sampled_from(remotes)),) if url
        }
        deployment |= {
            "log_header": draw(st.sampled_from([None, "X-User"])),
            "json_log": draw(st.booleans()),
            "resolver": draw(st.sampled_from([None, "127.0.0.1", "127.0.0.1 [::1]:5353"])),
            "real_ip_from": draw(st.sampled_from([(), ("127.0.0.1", "10.0.0.0/8", "::1")])),
        }
        if kind == "embedded" and options["SIGNATURE"] == "hmac-sha256":
            deployment["verify"] = draw(st.sampled_from(["app", "njs"]))
    return {
        "options": {key: value for key, value in options.items() if value is not None},
        "kind": kind,
        "cached": draw(st.booleans()),
        "tls": draw(st.booleans()),
        "socket": draw(st.booleans()),
        "roots": draw(st.lists(names, max_size=3, unique=True)),
        "prefixes": draw(st.lists(names, min_size=3, max_size=3, unique=True)),
        "files": draw(st.lists(file_names, min_size=1, max_size=3, unique=True)),
        "static": draw(st.none() | names),
        "deployment": deployment,
    }


@pytest.fixture(scope="module")
def app():
    """The port and the socket of the app."""
    # A socket's path may have no more than 107 bytes, and other users have to reach it.
    directory = Path(tempfile.mkdtemp(prefix="xaccel-"))
    directory.chmod(0o755)
    port, socket = free_port(), directory / "app.sock"
    with running((sys.executable, "-c", APP, str(port), socket), port, directory / "log"):
        yield port, socket
    shutil.rmtree(directory)


def made(site, home):
    """The settings as they are for directories below `home`, which are made."""
    roots = {}
    for name, prefix in zip(site["roots"], site["prefixes"], strict=False):
        directory = home / "roots" / name
        directory.mkdir(parents=True)
        for file in site["files"]:
            (directory / file).write_bytes(INSIDE)
        roots[str(directory)] = f"/_private/{prefix}/"
        (home / "roots" / "outside").write_bytes(OUTSIDE)
    (home / "outside").write_bytes(OUTSIDE)
    options = {**site["options"], "ROOTS": roots}
    if site["kind"] in {"embedded", "presets", "image-filter"}:
        options["THUMBNAIL_SOURCE"] = str(home / "roots")
    if site["cached"]:
        (home / "cache").mkdir()
        options["THUMBNAIL_CACHE"] = str(home / "cache")
    try:
        config = Config.from_mapping(options)
        Delivery(config)
    except ConfigError:
        # A prefix that can't be, two links that would be the same, what a server can't be given.
        assume(False)
        raise
    return config


def generated(server, examples):
    """A test with that many generated sites for a server."""

    def decorate(test):
        run = settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            # To shrink a case that starts servers takes longer than to understand it.
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        return run(given(site=sites(server))(test))

    return decorate


@generated("nginx", 60)
def test_nginx(app, certificate, site):
    with generated_server(app, certificate, site) as running_site:
        check_taste(running_site.directory)
        serves_finished_thumbnails(running_site)


@generated("apache", 60)
def test_apache(app, certificate, site):
    with generated_server(app, certificate, site):
        pass


@generated("lighttpd", 60)
def test_lighttpd(app, certificate, site):
    with generated_server(app, certificate, site):
        pass


@generated("caddy", 60)
def test_caddy(app, certificate, site):
    with generated_server(app, certificate, site):
        pass


class RunningSite:
    """A site whose server runs."""

    def __init__(self, config, site, directory, port):
        self.config, self.site, self.directory, self.port = config, site, directory, port
        self.server = config.server

    def ask(self, target):
        domain = self.site["deployment"]["domain"] or "a.example"
        host = domain.split()[-1].replace("*", "www")
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            if self.site["tls"]:
                connection.connect()
                context = ssl._create_unverified_context()
                connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
            connection.request("GET", target, headers={"Host": f"{host}:{self.port}"})
            response = connection.getresponse()
            return response.status, response.read()

    def offload(self, headers):
        return self.ask(f"/offload/{json.dumps(headers).encode().hex()}")


@contextlib.contextmanager
def generated_server(app, certificate, site):
    """Run a site's server, and see that it is right and safe."""
    with tempfile.TemporaryDirectory(prefix="xaccel ") as temporary:
        home, server = Path(temporary), site["options"]["SERVER"]
        # The servers' workers may be somebody else.
        home.chmod(0o755)
        config = made(site, home)
        deployment = dict(site["deployment"])
        if deployment.pop("json_log", False):
            deployment["json_log"] = str(home / "json $.log")
        if site["tls"]:
            deployment |= certificate
        if site["static"] is not None:
            static = home / "static" / site["static"]
            static.mkdir(parents=True)
            for name in site["files"]:
                (static / name).write_bytes(INSIDE)
            deployment["static"] = {"/static/": str(static)}
            try:
                generators.load(server).site(config, Deployment(**deployment))
            except ConfigError:
                assume(False)
        directory, port = home / server, plain_port()
        directory.mkdir()
        deployment["resizer"] = f"{HOST}:{plain_port()}"
        app_port, socket = app
        upstream = f"unix:{socket}" if site["socket"] else f"{HOST}:{app_port}"
        with running_server(
            server, config, directory, port, app_port, upstream=upstream, **deployment
        ):
            running_site = RunningSite(config, site, directory, port)
            check_syntax(server, directory)
            serves_the_right_files(running_site)
            refuses_probes(running_site)
            yield running_site


def plain_port():
    """A free port that gixy, which looks for 443 anywhere in it, does not take for that of TLS."""
    while "443" in str(port := free_port()):
        pass
    return port


def check_syntax(server, directory):
    command = [*CHECKS[server], directory / generators.load(server).FULL_FILE]
    env = {name: str(directory) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **env}
    )
    assert result.returncode == 0, result.stderr
    told = result.stderr.lower()
    lines = [line for line in told.splitlines() if "stapling" not in line]
    assert not [line for line in lines if "warn" in line], result.stderr


def check_taste(directory):
    """gixy has nothing to say."""
    path = directory / "nginx.conf"
    manager = Manager(GixyConfig(load_default_vars=True))
    with path.open() as file:
        manager.audit(str(path), file)
    issues = [(plugin.name, issue.reason) for plugin in manager.results for issue in plugin.issues]
    assert issues == [], f"{issues}\n{path.read_text()}"


def serves_the_right_files(running_site):
    config, site, ask = running_site.config, running_site.site, running_site.ask
    delivery = Delivery(config)
    for directory, name in itertools.product(config.roots, site["files"]):
        path = f"{directory}/{name}"
        headers = delivery.offload(path)
        if headers:
            assert running_site.offload(headers) == (200, INSIDE), path
        else:
            # The app sends files whose names some version of the server gets wrong.
            url = unquote(delivery.locate(path).url)
            assert url.endswith(" ") or (config.server == "caddy" and {*"%?{}"} & {*url})
        if config.private_url is not None and nginx_checks_links(config):
            link = delivery.private_url(path)
            assert ask(link) == (200, INSIDE), path
            assert ask(f"{link}&x=y")[1] != INSIDE
            assert ask(link.partition("?")[0])[1] != INSIDE
    if site["static"] is not None:
        for name in site["files"]:
            assert ask(f"/static/{quote(name)}") == (200, INSIDE), name


def nginx_checks_links(config):
    return config.server == "nginx" and config.signature == "secure-link-md5"


def serves_finished_thumbnails(running_site):
    """nginx finds the file in the cache, and finds out by itself who may not have it."""
    config, site = running_site.config, running_site.site
    deployment = Deployment(verify=site["deployment"].get("verify"))
    how = nginx_thumbnails.verification_of(config, deployment)
    if how == "none":
        return
    for name in site["files"]:
        path = Path(f"{config.thumbnail_cache}{config.thumbnail_url}{SPEC}/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(INSIDE)
        url = engines.get(config).url(name, SPEC)
        assert running_site.ask(url) == (200, INSIDE), url
        if how in {"secure-link", "njs"}:
            assert running_site.ask(url.partition("?")[0])[1] != INSIDE
        if how != "app":
            assert running_site.ask(f"{url}&x=y" if "?" in url else f"{url}?x=y")[1] != INSIDE


def refuses_probes(running_site):
    config, site, ask = running_site.config, running_site.site, running_site.ask
    header = "X-Accel-Redirect" if config.server in {"nginx", "caddy"} else "X-Sendfile"
    for directory, prefix in config.roots.items():
        before, name = quote(prefix), quote(site["files"][0])
        for target in (
            f"{before}{name}",
            f"{before[:-1]}../{name}",
            f"{before}../outside",
            f"{before[:-1]}../outside",
            f"/x/..{before}{name}",
            f"/{before}{name}",
        ):
            assert ask(target)[1] not in {INSIDE, OUTSIDE}, target
            if "outside" in target:
                for told in (target, unquote(target).encode().decode("latin-1")):
                    assert running_site.offload([(header, told)])[1] != OUTSIDE, told
        for outside in (f"{directory}/../outside", f"{directory}/../../outside"):
            for told in (quote(outside), outside.encode().decode("latin-1")):
                assert running_site.offload([(header, told)])[1] != OUTSIDE, told
    for target in ("/static../outside", "/static/../outside", "/static/..%2foutside"):
        assert ask(target)[1] != OUTSIDE
