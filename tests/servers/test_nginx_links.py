"""Signed links to private files that a real nginx answers by itself."""

import pytest
from xaccel import Config
from xaccel.delivery.files import Delivery
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import configuration as nginx

from tests.support.servers.nginx import nginx as run_nginx

KEY = 'a key with $dollar, "quotes" and ; in it'
NAMES = ("plain.txt", "Grüße – 猫 100% a+b&c;d.txt", "sub/what?#.txt", "qu\"ote's.txt", "{x}$y.txt")


def configuration(root, **settings):
    return Config.from_mapping(
        {
            "SERVER": "nginx",
            "ROOTS": {root: "/_private/files/"},
            "PRIVATE_URL": "/p/",
            "SIGNATURE": "secure-link-md5",
            "SECRET_KEYS": [KEY],
            **settings,
        }
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    directory = tmp_path_factory.mktemp("links") / 'ro$ot "1"; ü'
    (directory / "sub").mkdir(parents=True)
    for name in NAMES:
        (directory / name).write_text(name)
    (directory / "outside").symlink_to("/etc/hostname")
    (directory / "inside").symlink_to("plain.txt")
    (directory.parent / "secret.txt").write_text("secret")
    return directory


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    def serve(config):
        directory = tmp_path_factory.mktemp("nginx")
        # Nothing listens there: what nginx can't answer alone is a 502.
        deployment = Deployment(upstream="127.0.0.1:1", listen="ADDRESS")
        (directory / nginx.secrets_file(deployment)).write_text(nginx.secrets(config, deployment))
        return run_nginx(directory, nginx.site(config, deployment).replace("ADDRESS", "$ADDRESS"))

    return serve


@pytest.fixture(scope="module")
def server(root, serve):
    with serve(configuration(root)) as server:
        yield server


@pytest.fixture(scope="module")
def delivery(root):
    return Delivery(configuration(root))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [{}, {"expires_in": 60}])
def test_nginx_sends_the_file(server, delivery, name, options):
    assert server.get(delivery.private_url(name, **options)) == (200, name.encode())


def test_nginx_refuses_unsigned_links(server, delivery):
    good = delivery.private_url("plain.txt")
    for bad in (
        good + "=",
        good[:-1] + chr(ord(good[-1]) + 1),
        good.replace("key", "KEY"),
        good + "&a=b",
        good.replace("plain", "other"),
        good.partition("?")[0],
        "/p/files/../secret.txt",
        "/p/files../secret.txt",
    ):
        assert server.get(bad).status in {403, 404, 502}, bad
        assert b"secret" not in server.get(bad).body
    assert server.get(delivery.private_url("plain.txt", expires=1)).status == 410
    assert server.get("/_private/files/plain.txt").status == 404


def test_nginx_does_not_follow_links(server, delivery):
    assert server.get(delivery.private_url("outside")).status == 403
    assert server.get(delivery.private_url("inside")).status == 403


def test_older_keys_are_the_apps_business(root, serve, delivery):
    rotated = configuration(root, SECRET_KEYS=["the newest key of all", KEY])
    with serve(rotated) as server:
        assert server.get(Delivery(rotated).private_url("plain.txt")).status == 200
        assert server.get(delivery.private_url("plain.txt")).status == 502


def test_links_are_followed_when_asked_for(root, serve, delivery):
    with serve(configuration(root, FOLLOW_SYMLINKS=True)) as server:
        assert server.get(delivery.private_url("inside")) == (200, b"plain.txt")
