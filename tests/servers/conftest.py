"""The sites that the tests of this directory share, each started on first use."""

import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.servers.files import Files
from tests.support.servers.s3 import s3_server
from tests.support.servers.site import FRONTS, GATEWAYS, running_site


@pytest.fixture(scope="session")
def home():
    """A directory that other users can read, unlike pytest's own."""
    directory = Path(tempfile.mkdtemp(prefix="xaccel-servers-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def files(home):
    files = Files(home / "files")
    files.make()
    return files


@pytest.fixture(scope="session")
def site(home, files):
    """A function that returns the site behind a server, for a framework."""
    started, sites = {}, {}
    with contextlib.ExitStack() as stack:

        def site(front, framework="bare"):
            gateway = GATEWAYS[framework]
            if (front, gateway) not in started:
                directory = home / f"{front}-{gateway}"
                directory.mkdir()
                started[front, gateway] = stack.enter_context(
                    running_site(front, files, directory, framework)
                )
            if (front, framework) not in sites:
                sites[front, framework] = started[front, gateway].of(framework)
                stack.callback(sites[front, framework].close)
            return sites[front, framework]

        yield site
        for stopping in started.values():
            stopping.begin_to_stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    files = {"tls_certificate": str(directory / "cert.pem"), "tls_key": str(directory / "key.pem")}
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", files["tls_key"], "-out", files["tls_certificate"]),
            *("-subj", "/CN=a.example", "-addext", "subjectAltName=DNS:a.example,DNS:*.b.example"),
        ],
        check=True,
        capture_output=True,
    )
    return files


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    """A running S3 server without buckets."""
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(params=FRONTS)
def front(request):
    return request.param
