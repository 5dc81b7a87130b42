"""Several sites in one nginx, as `xaccel config nginx --out /etc/nginx/conf.d` writes them."""

import contextlib
import http.client
import ssl
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
from tests.support.servers.site import started

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
        self.server.seen.append(self.path)
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
    server.name, server.seen = name, []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
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
    """One nginx with all sites: its port, and the settings of each, and the apps."""
    directory = home / "to[g]ether $1"
    conf = directory / "etc" / "conf.d"
    conf.mkdir(parents=True)
    (directory / "elsewhere").mkdir()
    port, configs, apps = free_port(), {}, {}
    with contextlib.ExitStack() as stack:
        for domain, (more, options) in SITES.items():
            app = stack.enter_context(serving(domain))
            apps[domain] = app
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
            arguments = (
                "--listen",
                f"{HOST}:{port}",
                "--upstream",
                f"{HOST}:{app.server_port}",
                *options,
            )
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
        yield port, configs, apps


def get(port, domain, target, *, tls=False):
    with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=PATIENCE)) as connection:
        if tls:
            connection.connect()
            context = ssl._create_unverified_context()
            connection.sock = context.wrap_socket(connection.sock, server_hostname=domain)
        connection.request("GET", target, headers={"Host": domain, "Accept": "image/webp,*/*"})
        response = connection.getresponse()
        return response.status, response.read().decode()


@pytest.mark.parametrize("domain", SITES)
def test_each_site_has_its_own_app(together, domain):
    port, *_ = together
    assert get(port, domain, "/page") == (200, domain)


@pytest.mark.parametrize("spec", ["32x32", "32x32,auto"])
@pytest.mark.parametrize("domain", SITES)
def test_each_site_has_its_own_thumbnails(together, domain, spec):
    port, configs, _ = together
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


def spelt_otherwise(url):
    """Other spellings of a URL that nginx decodes and normalises to the same path."""
    path, mark, query = url.partition("?")
    head, _, name = path.rpartition("/")
    for other in (
        f"/{path}",
        f"{head}//{name}",
        f"{head}/./{name}",
        f"{head}/x/../{name}",
        path.replace("cat", "c%61t"),
        path.replace("%C3", "%c3"),
        path.replace(",", "%2C"),
        path.replace("-", "%2D"),
    ):
        assert other != path
        yield f"{other}{mark}{query}"
    if mark:
        yield f"{url}&x=y"
        yield f"{url}&"
        yield f"{path}?x=y&{query}"
    else:
        yield f"{url}?"
        yield f"{url}?x"


@pytest.mark.parametrize("domain", SITES)
def test_a_thumbnail_has_one_url(together, domain):
    port, configs, apps = together
    config, spec = configs[domain], "32x32" if domain == "presets.example" else "32x-,cover"
    file = Path(f"{config.thumbnail_cache}{config.thumbnail_url}{spec}/cat-ä,b.jpg")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"thumbnail {domain}")
    url = engines.get(config).url("cat-ä,b.jpg", spec)
    assert get(port, domain, url) == (200, f"thumbnail {domain}")
    for other in spelt_otherwise(url):
        status, body = get(port, domain, other)
        if domain in {"app.example", "presets.example"}:
            # This app says yes to all, but nginx has asked it about this very spelling.
            assert other in apps[domain].seen or other.removeprefix("/") in apps[domain].seen
        else:
            assert status == 403, other
            assert body != f"thumbnail {domain}", other


def test_a_private_link_has_one_url(together):
    port, configs, _ = together
    config = configs["md5.example"]
    root = next(iter(config.roots))
    Path(root, "cat-ä,b.txt").write_text("private")
    link = Delivery(config).private_url("cat-ä,b.txt")
    assert get(port, "md5.example", link) == (200, "private")
    for other in spelt_otherwise(link):
        assert get(port, "md5.example", other)[0] == 403, other


def test_private_links(together):
    port, configs, _ = together
    link = Delivery(configs["md5.example"]).private_url("private.txt")
    assert get(port, "md5.example", link) == (200, "private md5.example")
    assert get(port, "md5.example", link[:-1])[0] == 403


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a.b", "a--b", "ü", "a;b"])
def test_names_are_plain(name):
    with pytest.raises(ValueError, match="name must be"):
        Deployment(name=name)


def test_long_names_that_begin_alike_have_different_identifiers():
    names = [f"a-shop-with-a-long-name-{number}" for number in range(3)]
    identifiers = {Deployment(name=name).identifier for name in names}
    assert len(identifiers) == 3
    # nginx's hash tables accept short names only.
    assert max(map(len, identifiers)) <= len("xaccel_") + 20


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


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("server", ["apache", "lighttpd", "caddy"])
def test_other_servers(server, tls, home, certificate):
    """The configuration of one site, followed by the site file of another."""
    module, port = generators.load(server), free_port()
    directory = home / f"together-{server}-{tls}"
    (directory / "tmp").mkdir(parents=True)
    listen = {"listen": f"{HOST}:{port}", **(certificate if tls else {})}
    root = directory / "$root"
    root.mkdir()
    config = Config.from_mapping({"SERVER": server, "ROOTS": {root: "/_private/files/"}})
    with contextlib.ExitStack() as stack:
        texts = []
        for name in ("a", "b"):
            upstream = f"{HOST}:{stack.enter_context(serving(name)).server_port}"
            deployment = Deployment(
                name=name, domain=f"{name}.example", upstream=upstream, **listen
            )
            texts.append(
                module.site(config, deployment)
                if texts
                else module.full(config, deployment, directory)
            )
        main_file = directory / module.FULL_FILE
        main_file.write_text("\n".join(texts))
        stack.enter_context(started(server, main_file, port))
        for name in ("a", "b"):
            assert get(port, f"{name}.example", "/page", tls=tls) == (200, name)
