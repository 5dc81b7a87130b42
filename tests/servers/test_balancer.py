"""The load balancer that xaccel configures, in front of real machines."""

import contextlib
import http.client
import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from xaccel import Config, ConfigError, Signer
from xaccel.cli.main import main
from xaccel.servers import generators
from xaccel.servers.deployment import Deployment

from tests.servers.test_generated import check_syntax, check_taste
from tests.support.servers.bulk_client import ask_all
from tests.support.servers.cluster import running_balancer, running_machines
from tests.support.servers.process import HOST, PATIENCE
from tests.support.servers.visitors import Shared, Visitors

KEY = "a key of more than 16 bytes"
CLIENTS = 100
IMAGES = 40


def signed(path):
    return Signer([KEY]).sign(path)


@pytest.fixture(scope="module")
def photos(home, jpeg):
    directory = home / "balanced-photos"
    directory.mkdir()
    for number in range(IMAGES):
        (directory / f"{number}.jpg").write_bytes(jpeg)
    return directory


@pytest.fixture(scope="module")
def settings(photos):
    return {"THUMBNAIL_SOURCE": str(photos), "SECRET_KEYS": [KEY]}


@pytest.fixture(scope="module")
def machines(home, settings):
    directory = home / "cluster"
    directory.mkdir()
    with running_machines(directory, 3, settings) as machines:
        yield machines


@pytest.fixture(scope="module")
def balancer(home, machines, settings):
    ports = [machine.port for machine in machines]
    with running_balancer(home / "balancer", ports, settings) as port:
        yield port


def ask(port, target, method="GET", *, address=HOST, headers=None):
    connection = http.client.HTTPConnection(
        HOST, port, timeout=PATIENCE, source_address=(address, 0)
    )
    with contextlib.closing(connection):
        connection.request(method, target, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read()


def renders(machines, spec, name):
    """How often each machine has made a thumbnail."""
    start = f"made {spec} of '{name}'"
    return [len(machine.lines(start)) for machine in machines]


def test_a_new_thumbnail_is_made_once_in_the_whole_cluster(machines, balancer):
    replies = list(ask_all(balancer, [signed("/t/301x201/0.jpg")] * CLIENTS, at_once=CLIENTS))
    assert {reply.status for reply in replies} == {200}
    assert len({reply.body for reply in replies}) == 1
    assert sum(renders(machines, "301x201", "0.jpg")) == 1


def test_without_hashing_it_is_made_at_most_once_on_each_machine(home, machines, settings):
    ports = [machine.port for machine in machines]
    with running_balancer(home / "balancer-unhashed", ports, settings, hashing=False) as port:
        replies = list(ask_all(port, [signed("/t/302x202/0.jpg")] * CLIENTS, at_once=CLIENTS))
    assert {reply.status for reply in replies} == {200}
    made = renders(machines, "302x202", "0.jpg")
    assert max(made) == 1
    assert sum(made) > 1


def test_one_machine_makes_all_thumbnails_of_an_image(machines, balancer):
    specs = ("40x-", "50x50,cover", "60x-,webp,v-AAAAAAAA")
    targets = [signed(f"/t/{spec}/{number}.jpg") for number in range(IMAGES) for spec in specs]
    assert {reply.status for reply in ask_all(balancer, targets)} == {200}
    shares = []
    for number in range(IMAGES):
        made = [renders(machines, spec, f"{number}.jpg") for spec in specs]
        assert made[0] == made[1] == made[2]
        assert sum(made[0]) == 1
        shares.append(made[0].index(1))
    assert set(shares) == {0, 1, 2}


def test_the_machines_learn_the_visitors_address(balancer):
    status, body = ask(
        balancer, "/page", address="127.0.0.2", headers={"X-Forwarded-For": "192.0.2.1"}
    )
    seen = json.loads(body)
    assert status == 200
    assert seen["HTTP_X_REAL_IP"] == "127.0.0.2"
    assert seen["HTTP_X_FORWARDED_FOR"].split(", ")[-1] == "127.0.0.2"
    assert seen["HTTP_HOST"] == f"{HOST}:{balancer}"
    assert seen["HTTP_X_FORWARDED_PROTO"] == "http"


def test_a_machine_believes_nobody_else(machines):
    told = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
    _, body = ask(machines[0].port, "/page", address="127.0.0.3", headers=told)
    seen = json.loads(body)
    assert seen["HTTP_X_REAL_IP"] == "127.0.0.3"
    assert seen["HTTP_X_FORWARDED_PROTO"] == "http"
    _, body = ask(machines[0].port, "/page", headers=told)
    seen = json.loads(body)
    assert seen["HTTP_X_REAL_IP"] == "192.0.2.1"
    assert seen["HTTP_X_FORWARDED_PROTO"] == "https"


def test_pages_go_to_every_machine(machines, balancer):
    replies = ask_all(balancer, ["/page"] * 30)
    assert {json.loads(reply.body)["machine"] for reply in replies} == {
        machine.name for machine in machines
    }


def test_a_stream_of_the_app_is_not_buffered(balancer):
    connection = http.client.HTTPConnection(HOST, balancer, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", "/stream")
        response = connection.getresponse()
        # nginx sends what came with the header at once, but would wait with the rest.
        assert response.read(5) == b"first"
        assert response.read(10) == b".........."


def test_an_error_of_the_app_is_passed_on(machines, balancer):
    for _ in range(20):
        assert ask(balancer, "/origin-is-down") == (502, b"of the app")
    assert sum(len(machine.lines("bad gateway")) for machine in machines) == 20


def test_a_request_that_may_have_changed_something_is_not_repeated(home, settings):
    directory = home / "mortal"
    directory.mkdir()
    with (
        running_machines(directory, 3, settings) as machines,
        running_balancer(
            directory / "balancer", [machine.port for machine in machines], settings
        ) as port,
    ):
        assert ask(port, "/die", "POST")[0] == 502
        assert sum(len(machine.lines("died POST")) for machine in machines) == 1
        ask(port, "/die")
        assert sum(len(machine.lines("died GET")) for machine in machines) > 1


def test_no_answer_fails_when_a_machine_is_killed(home, settings):
    directory = home / "killed"
    directory.mkdir()
    new = (
        signed(f"/t/{width}x-/{number}.jpg")
        for width in itertools.count(20)
        for number in range(IMAGES)
    )
    old = itertools.cycle([signed(f"/t/10x-/{number}.jpg") for number in range(IMAGES)])
    targets = Shared(itertools.chain.from_iterable(zip(new, old, itertools.repeat("/page"))))
    with (
        running_machines(directory, 3, settings) as machines,
        running_balancer(
            directory / "balancer", [machine.port for machine in machines], settings
        ) as port,
        Visitors(port, targets) as visitors,
    ):
        visitors.wait_for(300)
        machines[1].kill()
        visitors.wait_for(600)
    assert set(visitors.statuses) == {200}


class _Machine(BaseHTTPRequestHandler):
    def do_GET(self):
        body = str(self.server.server_port).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("mount", ["", "/the shop"])
def test_the_part_of_the_path_that_chooses_the_machine(home, mount):
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(3):
            server = stack.enter_context(ThreadingHTTPServer((HOST, 0), _Machine))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            ports.append(server.server_port)
        options = {"THUMBNAIL_SOURCE": "/srv/photos", "SECRET_KEYS": [KEY], "MOUNT": mount}
        directory = home / f"part-{len(mount)}"
        port = stack.enter_context(running_balancer(directory, ports, options))
        prefix = mount.replace(" ", "%20")
        for name in ("a/b%20%C3%BC.jpg", "~avatars/1.jpg", "~avatars/2.jpg", "a", "%0A/b"):
            specs = ("1x1", "300x-,cover", "-x9,auto,v-AAAAAAAA")
            chosen = {ask(port, f"{prefix}/t/{spec}/{name}?key=x") for spec in specs}
            assert len(chosen) == 1, name
        others = [ask(port, f"{prefix}/t/1x1/{number}.jpg") for number in range(30)]
        assert len(set(others)) == 3


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"THUMBNAIL_SOURCE": "/srv/photos", "MOUNT": "/a $b"},
        {
            "THUMBNAIL_SOURCE": "/srv/photos",
            "THUMBNAIL_ENGINE": "image-filter",
            "SIGNATURE": "secure-link-md5",
        },
    ],
)
def test_the_configuration_is_valid_and_clean(tmp_path, certificate, options, tls):
    config = Config.from_mapping({"SECRET_KEYS": [KEY], **options})
    deployment = Deployment(
        name="shop",
        balance=("127.0.0.1:81", "localhost:82", "unix:/run/shop.sock"),
        real_ip_from=("10.0.0.0/8",),
        domain="a.example",
        **(certificate if tls else {}),
    )
    nginx = generators.load("nginx")
    (tmp_path / "tmp").mkdir()
    (tmp_path / "nginx.conf").write_text(nginx.full(config, deployment, tmp_path))
    check_syntax("nginx", tmp_path)
    check_taste(tmp_path)
    assert nginx.secrets(config, deployment) is None
    text = nginx.site(config, deployment)
    assert ("_thumbnails" in text) is bool(options)
    for absent in ("root ", "alias ", "proxy_cache", "internal;", KEY):
        assert absent not in text


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text(
        'THUMBNAIL_SOURCE = "/srv/photos"\nSECRET_KEYS = ["a key of 16 bytes or more"]\n'
    )
    return file


def test_the_command(file, tmp_path, capsys):
    arguments = ("config", "nginx", "--config", str(file), "--name", "shop")
    assert main([*arguments, "--balance", "10.0.0.2:80", "--balance", "10.0.0.3:80"]) == 0
    assert "server 10.0.0.3:80 " in capsys.readouterr().out
    # The load balancer may run on one of the machines.
    out = ("--out", str(tmp_path / "out"))
    assert main([*arguments, *out]) == 0
    assert main([*arguments, *out, "--balance", "10.0.0.2:80", "--listen", "81"]) == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"xaccel-shop.conf", "xaccel-shop-balancer.conf"}
    both = "".join(f"include {tmp_path}/out/{name};\n" for name in names)
    (tmp_path / "nginx.conf").write_text(f"pid {tmp_path}/pid; events {{}} http {{ {both} }}")
    check_syntax("nginx", tmp_path)


def test_a_load_balancer_has_no_cache(tmp_path):
    file = tmp_path / "settings.toml"
    cache = tmp_path / "cache"
    file.write_text(
        f'THUMBNAIL_SOURCE = "/srv/photos"\nTHUMBNAIL_CACHE = "{cache}"\nSECRET_KEYS = ["{KEY}"]\n'
    )
    out = ("--full", "--out", str(tmp_path / "out"), "--balance", "10.0.0.2:80")
    assert main(["config", "nginx", "--config", str(file), *out]) == 0
    assert not cache.exists()
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"nginx.conf", "tmp"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--balance", "a"), "balance must be HOST:PORT or unix:/path/to.sock, not 'a'"),
        (("--balance", "a:80;"), "balance has an invalid character: 'a:80;'"),
        (("--real-ip-from", "a.internal"), "real_ip_from must be an address"),
        (("--real-ip-from", "10.0.0.1/8"), "has host bits set"),
        (("--balance", "a:80", "--static", "/s/=/srv"), "the load balancer does not use static"),
        (("--balance", "a:80", "--verify", "app"), "the load balancer does not use verify"),
        (("--balance", "a:80", "--upstream", "b:1"), "the load balancer does not use upstream"),
    ],
)
def test_options_that_do_not_fit(file, capsys, arguments, message):
    assert main(["config", "nginx", "--config", str(file), *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--balance", "--real-ip-from"])
def test_other_servers_do_not_balance(file, capsys, option):
    assert main(["config", "apache", "--config", str(file), option, "10.0.0.1:80"]) == 2
    assert f"{option} is for nginx" in capsys.readouterr().err


def test_errors_name_no_option_of_the_command(file):
    with pytest.raises(ConfigError, match="the load balancer does not use log_header"):
        generators.load("nginx").site(
            Config.from_mapping({}), Deployment(balance=("a:1",), log_header="X-User")
        )
