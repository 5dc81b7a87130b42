"""nginx configured as the documentation of Rack::Sendfile says, with the URL first."""

import sys
from http.client import HTTPConnection

import pytest

from tests.support.servers.nginx import nginx
from tests.support.servers.process import HOST, PATIENCE, free_port, running

CONTENT = b"0123456789" * 100

# The text of the documentation, with another directory, and with `internal`, which it forgets.
CONFIGURATION = """
server {
  listen $ADDRESS;

  location ~ /files/(.*) {
    internal;
    alias {root}/$1;
  }

  location / {
    proxy_redirect     off;

    proxy_set_header   Host                $host;
    proxy_set_header   X-Real-IP           $remote_addr;
    proxy_set_header   X-Forwarded-For     $proxy_add_x_forwarded_for;

    proxy_set_header   X-Sendfile-Type     X-Accel-Redirect;
    proxy_set_header   X-Accel-Mapping     {mapping};

    proxy_pass         http://{app};
  }
}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("www")
    (root / "a b.txt").write_bytes(CONTENT)
    return root


@pytest.fixture(scope="module")
def port(root):
    port = free_port()
    command = ("gunicorn", "--bind", f"{HOST}:{port}", "tests.support.servers.rack_app:app()")
    env = {"XACCEL_TEST_ROOT": str(root)}
    with running([sys.executable, "-m", *command], port, root.parent / "rack.log", env):
        yield port


@pytest.mark.parametrize("mapping", ["/files/={root}/", "{root}/=/files/", "/files/={root}"])
def test_nginx_sends_the_file_whichever_side_comes_first(root, port, tmp_path, mapping):
    text = CONFIGURATION.replace("{mapping}", mapping).replace("{root}", str(root))
    with nginx(tmp_path, text.replace("{app}", f"{HOST}:{port}")) as server:
        connection = HTTPConnection(HOST, server.port, timeout=PATIENCE)
        for asked in ({}, {"X-Sendfile-Type": "X-Sendfile", "X-Accel-Mapping": "/=/x/"}):
            connection.request("GET", "/download/a%20b.txt", headers=asked)
            reply = connection.getresponse()
            assert (reply.status, reply.read()) == (200, CONTENT)
            # What the app sent itself, before nginx added the file.
            assert reply.headers["Set-Cookie"] == "length=0"
        connection.request("GET", "/files/a%20b.txt")
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 404
        connection.close()
