"""The list of servers: what each entry states is what the rest of the package relies on."""

import ast
from pathlib import Path

import pytest
import xaccel
from xaccel import Config, ConfigError
from xaccel.delivery.files import Delivery
from xaccel.servers import generators
from xaccel.servers.deployment import Deployment
from xaccel.servers.dialects import DIALECTS, is_offload_header

ALL = pytest.mark.parametrize("name", DIALECTS)


@pytest.fixture
def offload(tmp_path):
    (tmp_path / "a.txt").write_text("content")

    def offload(name, limit_rate=None):
        config = Config.from_mapping({"SERVER": name, "ROOTS": {tmp_path: "/_p/"}})
        delivery = Delivery(config)
        return delivery.dialect.offload(delivery.locate("a.txt"), limit_rate=limit_rate)

    return offload


@ALL
def test_the_first_header_names_the_file_and_is_stripped_from_apps(name, offload):
    headers = offload(name)
    assert (headers is None) == (not DIALECTS[name].offloads)
    if headers is not None:
        header = headers[0][0]
        assert header.lower() in DIALECTS[name].sendfile_types
        assert header.lower().startswith(DIALECTS[name].header_prefixes)
        assert is_offload_header(header)


@pytest.mark.parametrize("name", [n for n, each in DIALECTS.items() if each.supports_limit_rate])
def test_a_rate_adds_a_header_of_the_server(name, offload):
    (rate,) = set(offload(name, limit_rate=2048)) - set(offload(name))
    assert is_offload_header(rate[0])


@pytest.mark.parametrize("name", [n for n, each in DIALECTS.items() if each.supports_remotes])
def test_a_server_that_redirects_to_remotes_says_so_with_its_own_header(name):
    headers = DIALECTS[name].redirect("/_remote/a", limit_rate=None)
    assert (headers is None) == (not DIALECTS[name].offloads)
    if headers is not None:
        assert headers[0] == ("X-Accel-Redirect", "/_remote/a")


@pytest.mark.parametrize("name", generators.DIALECTS_WITH_GENERATOR)
def test_every_generator_is_complete(name):
    generator = generators.load(name)
    names = {generator.site_file(Deployment()), generator.secrets_file(Deployment())}
    assert len({generator.FULL_FILE, *names}) == 3
    assert set(Deployment.__dataclass_fields__) >= generator.OPTIONS
    assert generator.further_files(Deployment()) == {}
    assert generator.secrets(Config(), Deployment()) is None


def test_an_unknown_server_is_named():
    with pytest.raises(ConfigError, match=r"'nginx'.*not 'ngnix'"):
        Delivery(Config(server="ngnix"))


def test_headers_that_only_describe_the_apps_own_response_pass():
    assert not is_offload_header("X-Accel-Buffering")
    assert not is_offload_header("X-Accel-Expires")
    assert is_offload_header("X-ACCEL-Redirect")


@pytest.mark.parametrize("key", [b"\xff" * 16, "a key with a\nline break"])
def test_a_key_that_nginx_can_not_be_given_is_an_error_at_the_start(key, tmp_path):
    settings = {
        "SERVER": "nginx",
        "ROOTS": {tmp_path: "/_p/"},
        "PRIVATE_URL": "/p/",
        "SECRET_KEYS": [key],
    }
    Delivery(Config.from_mapping(settings))
    config = Config.from_mapping({**settings, "SIGNATURE": "secure-link-md5"})
    with pytest.raises(ConfigError, match=r"SECRET_KEYS.*UTF-8") as caught:
        Delivery(config)
    assert repr(key) not in str(caught.value)


def test_no_other_module_names_a_server():
    """A name written anywhere else would be a place to change for a new server."""
    package = Path(xaccel.__file__).parent
    names = set(DIALECTS) - {"direct"}
    found = [
        f"{path.relative_to(package)}:{node.lineno}"
        for path in package.rglob("*.py")
        if "servers" not in path.relative_to(package).parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in names
    ]
    assert found == []
