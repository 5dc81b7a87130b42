"""The commands in the READMEs of the examples."""

import re
import shutil
import urllib.request
from urllib.error import HTTPError

import pytest

from tests.support.doc_pages import ROOT, environment, run, runs
from tests.support.servers.process import HOST, free_port, running

pytestmark = pytest.mark.slow


@runs("examples/flask_gallery/README.md", each=True)
def test_the_gallery(found, home):
    """It runs as it is, and behind nginx."""
    (snippet,) = found
    directory = home / f"gallery-{snippet.line}"
    ignored = shutil.ignore_patterns("instance", "__pycache__")
    shutil.copytree(ROOT / "examples" / "flask_gallery", directory, ignore=ignored)
    app, front = free_port(), free_port()
    script = snippet.text.replace("8000", str(app)).replace("8080", str(front))
    script = script.replace("/var/tmp/gallery", f"{directory}/data")
    script = re.sub(r'(nginx -c "\S+")', r"\1 -g 'daemon off;'", script)
    is_behind_nginx = "nginx -c" in script
    command = ["/bin/sh", "-e", "-c", f"cd {directory}\n{script}"]
    variables = environment() | {"GUNICORN_CMD_ARGS": f"--no-control-socket --bind={HOST}:{app}"}
    port = front if is_behind_nginx else app
    with running(command, port, directory / "log", variables):
        page = opened(f"http://{HOST}:{port}/")
        assert "<title>" in page
        assert "/t/" in page
    assert (directory / "data" / "nginx").exists() == is_behind_nginx


def opened(address):
    """Return a page, once the app behind nginx has started."""
    while True:
        try:
            with urllib.request.urlopen(address) as response:
                return response.read().decode()
        except HTTPError as error:
            if error.code != 502:
                raise


@runs("examples/django_photos/README.md#Behind nginx")
def test_the_configuration_of_the_photo_site(found, tmp_path):
    """The demo, which the tests in `e2e` start, runs `collectstatic` and Gunicorn."""
    (snippet,) = found
    lines = snippet.text.replace("\\\n", "").splitlines(keepends=True)
    skipped = ("python manage.py collectstatic", "gunicorn ")
    assert len([line for line in lines if line.startswith(skipped)]) == 2
    script = "".join(line for line in lines if not line.startswith(skipped))
    script = script.replace("/etc/nginx/conf.d", str(tmp_path)).replace("=…", f"={'k' * 50}")
    run(f"export PHOTOSITE_DATA={tmp_path}\n{script}", ROOT / "examples" / "django_photos")
    text = (tmp_path / "xaccel-www-example-com.conf").read_text()
    for location in ("/shop/", "/shop/static/", "/shop/media/"):
        assert f"location ^~ {location} {{" in text or f"location {location} {{" in text, location
