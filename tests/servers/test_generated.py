"""Whatever the settings are, what xaccel writes for nginx is right, safe and in good taste."""

import contextlib
import http.client
import itertools
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest
from gixy.core.config import Config as GixyConfig
from gixy.core.manager import Manager
from hypothesis import HealthCheck, Phase, assume, given, settings, strategies as st
from xaccel import Config, ConfigError
from xaccel.delivery import Delivery

from tests.servers.process import HOST, PATIENCE, free_port, running
from tests.servers.site import running_server

# It offloads to whatever it is told in hexadecimal.
APP = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        told, _, value = self.path.rpartition("/offload/")
        if value and not told:
            self.send_header("X-Accel-Redirect", bytes.fromhex(value).decode())
        self.send_header("Content-Length", "0")
        self.end_headers()

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
INSIDE, OUTSIDE = b"INSIDE", b"OUTSIDE"
KEY = "0123456789abcdef"

awkward = st.sampled_from(
    [*" $;{}\"'\\#%?&=+~^*|<>()[]`!@,:.-_", "${x}", "$1", "ü", "山", "🐶", "a", "Z"]
)
names = (
    st.lists(awkward, min_size=1, max_size=8)
    .map("".join)
    .filter(lambda name: name not in {".", ".."})
)
# The app sends no file with a backslash in its name.
file_names = names.filter(lambda name: "\\" not in name)
keys = st.lists(awkward, max_size=8).map(lambda pieces: KEY + "".join(pieces))


@st.composite
def sites(draw):
    """The settings, with names for directories, and what the server is to know."""
    options = {
        "SIGNATURE": draw(st.sampled_from(["hmac-sha256", "secure-link-md5"])),
        "SECRET_KEYS": draw(st.lists(keys, min_size=1, max_size=2, unique=True)),
        "FOLLOW_SYMLINKS": draw(st.booleans()),
        "PRIVATE_URL": draw(st.sampled_from([None, "/p/", "/pri vate/", "/p$/"])),
        "THUMBNAIL_URL": draw(st.sampled_from(["/t/", "/thumbs;/", "/t.t/", "/t$1/"])),
        "THUMBNAIL_FORMATS": draw(st.sampled_from([[], ["webp"]])),
        "THUMBNAIL_CACHE_MAX_SIZE": draw(st.sampled_from(["1m", "200M", "3g", "1000001"])),
        "THUMBNAIL_CACHE_INACTIVE": draw(st.sampled_from(["60d", "1d 12h"])),
    }
    kind = draw(st.sampled_from(["none", "embedded", "presets", "image-filter", "origin"]))
    if kind == "presets":
        options |= {"THUMBNAIL_ONLY_PRESETS": True, "THUMBNAIL_PRESETS": {"a": "96x96,cover"}}
    if kind in {"image-filter", "origin"}:
        options |= {"THUMBNAIL_ENGINE": "image-filter", "SIGNATURE": "secure-link-md5"}
    if kind == "origin":
        options["THUMBNAIL_SOURCE"] = draw(
            st.sampled_from(
                ["https://a.example/b c/$1/", "http://127.0.0.1:1/", "http://a.example"]
            )
        )
    if draw(st.booleans()):
        options["REMOTES"] = {"http://127.0.0.1:1/a b/": "/_remote/media/"}
    deployment = {
        "domain": draw(st.sampled_from([None, "a.example", "a.example *.b.example"])),
        "client_max_body_size": draw(st.sampled_from(["0", "10m", "1g"])),
        "log_header": draw(st.sampled_from([None, "X-User"])),
        "resolver": draw(st.sampled_from([None, "127.0.0.1", "127.0.0.1 [::1]:5353"])),
    }
    if kind in {"embedded", "presets"} and options["SIGNATURE"] == "hmac-sha256":
        deployment["verify"] = draw(st.sampled_from([None, "app"]))
    return {
        "options": {key: value for key, value in options.items() if value is not None},
        "kind": kind,
        "cached": draw(st.booleans()),
        "tls": draw(st.booleans()),
        "roots": draw(st.lists(names, max_size=3, unique=True)),
        "prefixes": draw(st.lists(names, min_size=3, max_size=3, unique=True)),
        "files": draw(st.lists(file_names, min_size=1, max_size=3, unique=True)),
        "static": draw(st.none() | names),
        "deployment": deployment,
    }


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    port = free_port()
    with running((sys.executable, "-c", APP, str(port)), port, tmp_path_factory.mktemp("a") / "l"):
        yield port


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    files = {"tls_certificate": str(directory / "cert.pem"), "tls_key": str(directory / "key.pem")}
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", files["tls_key"], "-out", files["tls_certificate"]),
            *("-subj", "/CN=a.example"),
        ],
        check=True,
        capture_output=True,
    )
    return files


def made(site, home):
    """The settings as they are for directories below `home`, which are made."""
    roots = {}
    for name, prefix in zip(site["roots"], site["prefixes"], strict=False):
        directory = home / "roots" / name
        directory.mkdir(parents=True)
        for file in site["files"]:
            (directory / file).write_bytes(INSIDE)
        roots[str(directory)] = f"/_private/{prefix}/"
    (home / "outside").write_bytes(OUTSIDE)
    if roots:
        (home / "roots" / "outside").exists() or (home / "roots" / "outside").write_bytes(OUTSIDE)
    options = {**site["options"], "SERVER": "nginx", "ROOTS": roots}
    if site["kind"] in {"embedded", "presets", "image-filter"}:
        options["THUMBNAIL_SOURCE"] = str(home / "roots")
    if site["cached"]:
        (home / "cache").mkdir()
        options["THUMBNAIL_CACHE"] = str(home / "cache")
    try:
        return Config.from_mapping(options)
    except ConfigError:
        # A prefix that can't be, or two links that would be the same.
        assume(False)
        raise


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    # To shrink a case that starts servers takes longer than to understand it.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(site=sites())
def test_generated_configurations(app, certificate, site):
    with tempfile.TemporaryDirectory(prefix="xaccel ") as temporary:
        home = Path(temporary)
        assume("outside" not in site["roots"])
        config = made(site, home)
        deployment = dict(site["deployment"])
        if site["tls"]:
            deployment |= certificate
        if site["static"] is not None:
            static = home / "static" / site["static"]
            static.mkdir(parents=True)
            for name in site["files"]:
                (static / name).write_bytes(INSIDE)
            deployment["static"] = {"/static/": str(static)}
        directory, port = home / "nginx", plain_port()
        directory.mkdir()
        deployment["resizer"] = f"{HOST}:{plain_port()}"
        with running_server("nginx", config, directory, port, app, **deployment):
            check_syntax(directory)
            check_taste(directory)
            serves_the_right_files(config, site, port)
            refuses_probes(config, site, port)


def plain_port():
    """A free port that gixy, which looks for 443 anywhere in it, does not take for that of TLS."""
    while "443" in str(port := free_port()):
        pass
    return port


def check_syntax(directory):
    command = ["nginx", "-t", "-q", "-c", directory / "nginx.conf"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    warnings = [line for line in result.stderr.splitlines() if "stapling" not in line]
    assert (result.returncode, warnings) == (0, [])


def check_taste(directory):
    """gixy has nothing to say."""
    path = directory / "nginx.conf"
    skips = ["proxy_pass_normalized"] if config.remotes else None
    manager = Manager(GixyConfig(load_default_vars=True))
    with path.open() as file:
        manager.audit(str(path), file)
    issues = [(plugin.name, issue.reason) for plugin in manager.results for issue in plugin.issues]
    assert issues == [], path.read_text()


def ask(site, port, target):
    context = ssl._create_unverified_context()
    connection = (
        http.client.HTTPSConnection(HOST, port, timeout=PATIENCE, context=context)
        if site["tls"]
        else http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
    )
    with contextlib.closing(connection):
        connection.request("GET", target)
        response = connection.getresponse()
        return response.status, response.read()


def offload(site, port, url):
    return ask(site, port, f"/offload/{url.encode().hex()}")


def serves_the_right_files(config, site, port):
    delivery = Delivery(config)
    for directory, name in itertools.product(config.roots, site["files"]):
        path = f"{directory}/{name}"
        ((_, url),) = delivery.offload(path)
        assert offload(site, port, url) == (200, INSIDE), path
        if config.private_url is not None and config.signature == "secure-link-md5":
            link = delivery.private_url(path)
            assert ask(site, port, link) == (200, INSIDE), path
            assert ask(site, port, f"{link}&x=y")[1] != INSIDE
            assert ask(site, port, link.partition("?")[0])[1] != INSIDE
    if site["static"] is not None:
        for name in site["files"]:
            assert ask(site, port, f"/static/{quote(name)}") == (200, INSIDE), name


def refuses_probes(config, site, port):
    for prefix in config.roots.values():
        before, name = quote(prefix), quote(site["files"][0])
        for target in (
            f"{before}{name}",
            f"{before[:-1]}../{name}",
            f"{before}../outside",
            f"{before[:-1]}../outside",
            f"/x/..{before}{name}",
            f"/{before}{name}",
        ):
            assert ask(site, port, target)[1] not in {INSIDE, OUTSIDE}, target
            if "outside" in target:
                assert offload(site, port, target)[1] != OUTSIDE, target
    for target in ("/static../outside", "/static/../outside", "/static/..%2foutside"):
        assert ask(site, port, target)[1] != OUTSIDE
