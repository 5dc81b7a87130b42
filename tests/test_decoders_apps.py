"""Files for decoders in the endpoint, in views, in Django's forms and on the command line."""

import functools
import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from xaccel import Config, thumbnail
from xaccel.cli.main import main
from xaccel.delivery.files import Delivery
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.thumbnails.private import PrivateThumbnails

from tests.support.films import film
from tests.support.heic import heic
from tests.support.pdf import pdf
from tests.support.thumbnail_endpoint import get, read, request
from tests.support.thumbnail_images import photo

KEYS = ["a key of more than 16 bytes"]


@pytest.fixture(scope="module")
def contents():
    return {
        "photo.heic": heic(photo(320, 200)),
        "paper.pdf": pdf((320, 200), (200, 320)),
        "film.mp4": film([photo(320, 192)]),
    }


@pytest.fixture
def directory(tmp_path, contents):
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def site(directory):
    def site(**settings):
        settings = {"THUMBNAIL_SOURCE": directory, "SECRET_KEYS": KEYS, **settings}
        config = Config.from_mapping(settings)
        thumbnails, url = Thumbnails(config), TemplateHelpers(config).thumbnail_url
        return lambda *arguments, **options: get(thumbnails, url(*arguments, **options))

    return site


NAMES = pytest.mark.parametrize("name", ["photo.heic", "paper.pdf", "film.mp4"])


@NAMES
def test_endpoint(site, contents, tmp_path, name):
    ask = site(THUMBNAIL_CACHE=tmp_path / "cache")
    answer = ask(name, 100)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert answer.data == thumbnail(contents[name], 100).data
    assert ask(name, 100).data == answer.data
    assert ask(name, 100, format="webp").headers["Content-Type"] == "image/webp"


@NAMES
def test_a_source_that_arrives_in_pieces(site, contents, directory, name):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=directory)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        ask = site(
            THUMBNAIL_SOURCE=f"http://127.0.0.1:{server.server_port}/",
            THUMBNAIL_SOURCE_PRIVATE=True,
        )
        try:
            assert ask(name, 100).data == thumbnail(contents[name], 100).data
        finally:
            server.shutdown()
            thread.join()


@NAMES
def test_private_thumbnails(directory, contents, name):
    config = Config.from_mapping({"ROOTS": {directory: "/_private/"}})
    private = PrivateThumbnails(config, Delivery(config))
    answer = read(private.answer(name, 100, None, request()))
    assert (answer.status, answer.data) == (200, thumbnail(contents[name], 100).data)


def test_pages(site, contents, tmp_path):
    ask = site(THUMBNAIL_CACHE=tmp_path / "cache")
    assert ask("paper.pdf", 100, page=2).data == thumbnail(contents["paper.pdf"], 100, page=2).data
    assert ask("paper.pdf", 100, page="2").status == 200
    for name in ("paper.pdf", "photo.heic", "film.mp4"):
        assert ask(name, 100, page=3).status == 404
        # The other thumbnails of the source are not affected.
        assert ask(name, 90).status == 200


@NAMES
def test_a_decoder_that_is_not_enabled(site, caplog, name):
    assert site(THUMBNAIL_DECODERS=[])(name, 100).status == 415
    assert "XACCEL['THUMBNAIL_DECODERS'] does not have" in caplog.text


@NAMES
def test_broken_files(site, directory, caplog, name):
    path = directory / name
    path.write_bytes(path.read_bytes()[:60])
    assert site()(name, 100).status == 422
    (record,) = caplog.records
    assert "\n" not in record.getMessage()
    assert record.exc_info is None


def test_limits(site):
    ask = site(THUMBNAIL_MAX_MEMORY=320 * 192 * 3 - 1)
    assert [ask(name, 100).status for name in ("photo.heic", "film.mp4", "paper.pdf")] == [
        413,
        413,
        200,
    ]


def test_command_line(capsys, directory):
    names = ["photo.heic", "paper.pdf", "film.mp4"]
    assert main(["probe", *(str(directory / name) for name in names)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2] for line in lines] == [
        "320x200, heic",
        "1333x833, pdf, 2 pages",
        "320x192, mp4",
    ]
    assert main(["probe", "--json", str(directory / "paper.pdf")]) == 0
    assert json.loads(capsys.readouterr().out)[0]["pages"] == 2
    out = directory / "small.png"
    assert not main(["thumbnail", "60x60,page-2", str(directory / "paper.pdf"), str(out)])
    assert out.read_bytes().startswith(b"\x89PNG")
    assert main(["thumbnail", "60x60,page-3", str(directory / "paper.pdf"), str(out)])
    assert "page 3 does not exist" in capsys.readouterr().err


LIBRARIES = ("pi_heif", "pypdfium2", "av")
LOADED = """
import sys
import xaccel
from xaccel import Config
Config.from_mapping({"THUMBNAIL_DECODERS": ["heic", "pdf", "video"]})
for path in sys.argv[1:]:
    try:
        xaccel.thumbnail(path, 10)
    except xaccel.UnsupportedImage:
        pass
print(*(name for name in ("pi_heif", "pypdfium2", "av") if name in sys.modules))
"""


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("photo.heic", "pi_heif"),
        ("paper.pdf", "pypdfium2"),
        ("film.mp4", "av"),
        ("a.txt", ""),
        ("a.gif", ""),
    ],
)
def test_only_the_library_of_the_format_is_loaded(directory, name, library):
    (directory / "a.txt").write_text("text")
    photo(9, 9).save(directory / "a.gif")
    command = [sys.executable, "-c", LOADED, directory / name]
    result = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert result.stdout.strip() == library


def test_no_descriptor_stays_open(directory):
    before = len([*Path("/proc/self/fd").iterdir()])
    for name in ("photo.heic", "paper.pdf", "film.mp4", "a.txt"):
        (directory / "a.txt").write_text("text")
        for source in (directory / name, (directory / name).read_bytes()):
            try:
                thumbnail(source, 20)
            except Exception:  # noqa: BLE001
                assert name == "a.txt"
    assert len([*Path("/proc/self/fd").iterdir()]) == before
