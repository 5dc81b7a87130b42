"""Several sites in one nginx, as `xaccel config nginx --out /etc/nginx/conf.d` writes them."""

import contextlib
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from xaccel import Config
from xaccel.cli.main import main
from xaccel.delivery.files import Delivery
from xaccel.servers import generators
from xaccel.servers.deployment import Deployment
from xaccel.thumbnails import engines

from tests.servers.test_generated import check_taste
from tests.support.servers.nginx import MODULES
from tests.support.servers.process import HOST, PATIENCE, free_port, running

SITES = {
    "md5.example": (
        {"SIGNATURE": "secure-link-md5", "PRIVATE_URL": "/p/", "THUMBNAIL_FORMATS": ["avif"]},
        (),
    ),
    "md-5.example": ({"SIGNATURE": "secure-link-md5", "THUMBNAIL_URL": "/images/"}, ()),
    "njs.example": ({"THUMBNAIL_FORMATS": ["webp"]}, ("--verify", "njs")),
    "app.example": ({}, ("--verify", "app")),
    "presets.example": (
        {"THUMBNAIL_ONLY_PRESETS": True, "THUMBNAIL_PRESETS": {"a": "32x32"}},
        ("--log-header", "X-User"),
    ),
}


class App(BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.server.name.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(name):
    server = ThreadingHTTPServer((HOST, 0), App)
    server.name = name
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{key}" = {toml(item)}' for key, item in value.items()) + " }"
    return str(value).lower() if isinstance(value, bool) else repr(value)


@pytest.fixture(scope="module")
def together(home):
    """One nginx with all sites: its port, and the settings of each."""
    directory = home / "to[g]ether $1"
    conf = directory / "etc" / "conf.d"
    conf.mkdir(parents=True)
    (directory / "elsewhere").mkdir()
    port, configs = free_port(), {}
    with contextlib.ExitStack() as stack:
        for domain, (more, options) in SITES.items():
            app = stack.enter_context(serving(domain))
            site = directory / domain
            for name in ("root", "source", "cache"):
                (site / name).mkdir(parents=True)
            (site / "root" / "private.txt").write_text(f"private {domain}")
            settings = {
                "SERVER": "nginx",
                "ROOTS": {str(site / "root"): "/_private/files/"},
                "SECRET_KEYS": [f"key of {domain} $1"],
                "THUMBNAIL_SOURCE": str(site / "source"),
                "THUMBNAIL_CACHE": str(site / "cache"),
                **more,
            }
            file = site / "settings.toml"
            file.write_text("".join(f"{key} = {toml(item)}\n" for key, item in settings.items()))
            arguments = ("--listen", f"{HOST}:{port}", "--upstream", f"{HOST}:{app}", *options)
            domains = ("--domain", domain)
            written = ("--config", str(file), "--out", str(conf))
            assert main(["config", "nginx", *written, *domains, *arguments]) == 0
            configs[domain] = Config.from_mapping(settings)
        for path in conf.glob("*.conf"):
            text = path.read_text()
            path.write_text(text.replace("/var/", f"{home}/").replace("/log/nginx/", "/"))
        (home / "cache").mkdir(exist_ok=True)
        main_file = directory / "nginx.conf"
        included = str(conf / "*.conf").replace("[g]", "\\\\[g]")
        main_file.write_text(
            f"""
            load_module {MODULES}/ngx_http_js_module.so;
            user root;
            daemon off;
            pid "{directory}/nginx.pid";
            error_log "{directory}/error.log";
            events {{}}
            http {{
                access_log off;
                include "{included}";
            }}
            """
        )
        # nginx looks for a file with a relative path in the directory of this file.
        main_file = main_file.rename(directory / "elsewhere" / "nginx.conf")
        command = ("nginx", "-e", directory / "error.log", "-c", main_file)
        stack.enter_context(running(command, port, directory / "log"))
        yield port, configs


def get(port, domain, target):
    with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=PATIENCE)) as connection:
        connection.request("GET", target, headers={"Host": domain, "Accept": "image/webp,*/*"})
        response = connection.getresponse()
        return response.status, response.read().decode()


@pytest.mark.parametrize("domain", SITES)
def test_each_site_has_its_own_app(together, domain):
    port, _ = together
    assert get(port, domain, "/page") == (200, domain)


@pytest.mark.parametrize("spec", ["32x32", "32x32,auto"])
@pytest.mark.parametrize("domain", SITES)
def test_each_site_has_its_own_thumbnails(together, domain, spec):
    port, configs = together
    config = configs[domain]
    if config.thumbnail_only_presets and spec != "32x32":
        return
    ending = ""
    if "auto" in spec:
        ending = ".webp" if "webp" in config.thumbnail_formats else ".jpeg"
    directory = f"{config.thumbnail_cache}{config.thumbnail_url}{spec}"
    file = Path(directory, f"cat.jpg{ending}")
    file.parent.mkdir(parents=True)
    file.write_text(f"thumbnail {domain}")
    url = engines.get(config).url("cat.jpg", spec)
    assert get(port, domain, url) == (200, f"thumbnail {domain}")
    if domain not in {"app.example", "presets.example"}:
        other = url.replace("key=", "key=A", 1)[:-1]
        assert get(port, domain, other)[0] == 403


def test_private_links(together):
    port, configs = together
    link = Delivery(configs["md5.example"]).private_url("private.txt")
    assert get(port, "md5.example", link) == (200, "private md5.example")
    assert get(port, "md5.example", link[:-1])[0] == 403


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a.b", "a--b", "ü", "a;b"])
def test_names_are_plain(name):
    with pytest.raises(ValueError, match="name must be"):
        Deployment(name=name)


@pytest.mark.parametrize("server", generators.DIALECTS_WITH_GENERATOR)
def test_the_files_of_sites_differ(server):
    module = generators.load(server)
    one, other = Deployment(name="one"), Deployment(name="other")
    for file in (module.site_file, module.secrets_file):
        assert len({file(one), file(other), file(Deployment())}) == 3


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (("--domain", "WWW.Example.org example.org"), "xaccel-www-example-org.conf"),
        (("--domain", "*.example.org"), "xaccel-example-org.conf"),
        (("--name", "shop", "--domain", "example.org"), "xaccel-shop.conf"),
        ((), "xaccel.conf"),
    ],
)
def test_the_name_comes_from_the_domain(tmp_path, options, name):
    settings = tmp_path / "settings.toml"
    settings.write_text("")
    out = tmp_path / "out"
    arguments = ("--config", str(settings), "--out", str(out), *options)
    assert main(["config", "nginx", *arguments]) == 0
    assert [path.name for path in out.iterdir()] == [name]


def test_gixy_reports_nothing_on_the_njs_configuration(tmp_path):
    settings = {"THUMBNAIL_SOURCE": "/srv/source", "THUMBNAIL_CACHE": "/srv/cache"}
    config = Config.from_mapping({**settings, "SERVER": "nginx", "SECRET_KEYS": [16 * "k"]})
    module, deployment = generators.load("nginx"), Deployment(verify="njs", directory=tmp_path)
    (tmp_path / "nginx.conf").write_text(module.full(config, deployment, tmp_path))
    (tmp_path / module.secrets_file(deployment)).write_text(module.secrets(config, deployment))
    check_taste(tmp_path)
