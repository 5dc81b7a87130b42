"""One site of each kind for all tests of this directory, started when it is first needed."""

import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.servers.files import Files
from tests.servers.site import FRONTS, running_site


@pytest.fixture(scope="session")
def home():
    """A directory that other users can read, which pytest's own are not."""
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
    """A function that gives the site behind a server, by its name."""
    sites = {}
    with contextlib.ExitStack() as stack:

        def site(front):
            if front not in sites:
                directory = home / front
                directory.mkdir()
                sites[front] = stack.enter_context(running_site(front, files, directory))
            return sites[front]

        yield site


@pytest.fixture(params=FRONTS)
def front(request):
    return request.param
