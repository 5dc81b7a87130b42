"""`xaccel serve`, as a real process: a gallery of one directory and nothing else."""

import html
import io
import re
import signal
import socket
import subprocess
from urllib.parse import quote

import pytest
from PIL import Image
from xaccel.cli.main import main

from tests.support.drawings import svg
from tests.support.films import film
from tests.support.gallery import COMMAND, ODD, PATIENCE, make, serving
from tests.support.pdf import pdf
from tests.support.thumbnail_images import photo

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    directory = make(tmp_path_factory.mktemp("serve") / "my <pictures>")
    with serving(directory, "--size", "120x80") as gallery:
        yield gallery


def links(response, attribute="href"):
    assert response.status == 200
    found = re.findall(f'{attribute}="([^"]*)"', response.body.decode())
    return [html.unescape(link) for link in found]


def test_every_picture_has_a_signed_thumbnail_in_its_box(gallery):
    page = gallery.get("/")
    sources = [link for link in links(page, "src") if ",cover" not in link]
    assert len(sources) == len(ODD)
    for source in sources:
        assert source.isascii()
        reply = gallery.get(source)
        assert reply.status == 200, source
        assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert Image.open(io.BytesIO(reply.body)).size in {(120, 80), (120, 79), (120, 78)}
        assert gallery.get(source.replace("/120x80", "/121x80")).status == 403
        assert gallery.get(source.partition("?")[0]).status == 403
    webp = gallery.get(sources[0], Accept="image/webp")
    assert webp.headers["Content-Type"] == "image/webp"


def test_names_are_escaped_and_in_natural_order(gallery):
    page = gallery.get("/").body.decode()
    assert "<script>" not in page
    assert "<b>" not in page.replace("<b>", "", page.count("</b>"))
    for name in ODD:
        assert html.escape(name) in page, name
    assert page.index("IMG_9") < page.index("IMG_10")
    assert "10 pictures · 2 folders · 4 other files" in page
    assert "300 × 200 · PNG" in page


def test_files_are_sent_as_they_are(gallery):
    names = [link for link in links(gallery.get("/")) if link.startswith("/file/")]
    assert len(names) == len(ODD) + 4
    for name in ODD:
        reply = gallery.get(f"/file/{quote(name)}")
        assert reply.body == (gallery.directory / name).read_bytes()
        assert reply.headers["Content-Type"] == "image/png"
    assert gallery.get("/file/caf%E9.png").status == 200
    notes = "/file/notes%20%3Ci%3E.txt"
    part = gallery.get(notes, Range="bytes=2-4")
    assert (part.status, part.body) == (206, b"234")
    assert gallery.get(notes, "HEAD").headers["Content-Length"] == "10"
    page = gallery.get("/file/page.html")
    assert page.headers["Content-Security-Policy"] == "script-src 'none'"


def test_folders_link_to_each_other(gallery):
    assert "/folder/sub%20dir/" in links(gallery.get("/"))
    page = gallery.get("/folder/sub%20dir/")
    assert "/folder/sub%20dir/%3Cb%3E/" in links(page)
    assert "/" in links(page)
    (picture,) = (link for link in links(page, "src") if ",cover" not in link)
    assert gallery.get(picture).status == 200
    inner = gallery.get("/folder/sub%20dir/%3Cb%3E/")
    assert "/folder/sub%20dir/" in links(inner)
    assert b"8 \xc3\x97 8" in inner.body
    assert b"This folder is empty" in gallery.get("/folder/empty/").body


@pytest.mark.parametrize("start", ["/file/", "/folder/", "/thumbnail/100x100/"])
def test_nothing_outside_the_directory_is_served(gallery, start):
    for name in (
        *("../outside/secret.txt", "%2e%2e/outside/secret.txt", "..%2foutside%2fsecret.txt"),
        *("/etc/passwd", "%2fetc/passwd", "../", "..", "%2e%2e/", "../../", ".", "./"),
        *("link/", "link", "link/secret.txt", "link.png", "loop/", "fifo.png", "%00", "a%00b"),
        *(".hidden/", ".hidden/secret.txt", ".secret.png", "sub%20dir/../.secret.png"),
        *("sub%20dir//", "..%5coutside%5csecret.txt", "absent", "absent/"),
    ):
        for end in ("", "/"):
            reply = gallery.get(f"{start}{name}{end}")
            assert reply.status in {400, 403, 404}, name
            assert str(gallery.directory.parent).encode() not in reply.body
    listed = gallery.get("/").body
    for hidden in (b"/link", b"secret", b"hidden", b"loop", b"fifo"):
        assert hidden not in listed


def test_other_host_names_are_refused(gallery):
    for host in ("localhost", "127.0.0.1:80", "[::1]:8000", "photos.localhost"):
        assert gallery.get("/", Host=host).status == 200, host
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "[", "::"):
        assert gallery.get("/", Host=host).status == 421, host


def test_other_methods_and_pages(gallery):
    assert gallery.get("/", "POST").status == 405
    assert gallery.get("/", "HEAD").body == b""
    assert gallery.get("/absent").status == 404
    assert "default-src 'none'" in gallery.get("/").headers["Content-Security-Policy"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_and_leaves_nothing(tmp_path, number):
    directory = make(tmp_path / "pictures")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with serving(directory, TMPDIR=str(temporary)) as gallery:
        gallery.get(links(gallery.get("/"), "src")[-1])
        assert list(temporary.rglob("*.png"))
        assert gallery.stop(number) == 0
        assert "For development only" in gallery.process.stdout.read()
    assert list(temporary.iterdir()) == []
    assert "Traceback" not in (tmp_path / "serve.log").read_text()


def test_a_cache_is_kept(tmp_path):
    directory, cache = make(tmp_path / "pictures"), tmp_path / "cache"
    with serving(directory, "--cache", cache) as gallery:
        gallery.get(links(gallery.get("/"), "src")[-1])
    assert list(cache.rglob("*.png"))


def test_a_missing_directory_is_refused(tmp_path):
    command = [*COMMAND, "serve", tmp_path / "absent"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"xaccel: '{tmp_path}/absent' is not a directory\n"


def test_wrong_arguments(tmp_path, capsys):
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for arguments, message in (
            ([tmp_path / "file"], "is not a directory"),
            ([tmp_path, "--size", "320"], "--size"),
            ([tmp_path, "--size", "0x5"], "--size"),
            ([tmp_path, "--size", "9999x5"], "2730"),
            ([tmp_path, "--port", taken.getsockname()[1]], "in use"),
            ([tmp_path, "--port", 99999], "99999"),
            ([tmp_path, "--host", "192.0.2.1"], "192.0.2.1"),
        ):
            assert main(["serve", *map(str, arguments)]) == 2
            out, err = capsys.readouterr()
            assert out == ""
            assert err.startswith("xaccel: ")
            assert message in err


def test_files_that_decoders_read_are_pictures(tmp_path):
    (tmp_path / "logo.SVG").write_bytes(svg("<rect width='10' height='10' fill='red'/>"))
    (tmp_path / "paper.pdf").write_bytes(pdf((60, 60)))
    (tmp_path / "film.mp4").write_bytes(film([photo(64, 48)] * 2))
    with serving(tmp_path, "--size", "120x80") as gallery:
        page = gallery.get("/")
        assert "3 pictures" in page.body.decode()
        sources = links(page, "src")
        assert len(sources) == 3
        for source in sources:
            assert gallery.get(source).headers["Content-Type"].startswith("image/")
