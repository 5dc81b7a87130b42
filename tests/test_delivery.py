import os

import pytest
from xaccel import Config, ConfigError, FileNotFound
from xaccel.delivery.files import AT_ONCE, Delivery
from xaccel.delivery.presentation import FileOptions, content_disposition
from xaccel.delivery.request import Request

CONTENT = bytes(range(256)) * 300


@pytest.fixture
def root(tmp_path):
    directory = tmp_path / "private"
    directory.mkdir()
    (directory / "film.mp4").write_bytes(CONTENT)
    (directory / "empty.txt").touch()
    (tmp_path / "secret.txt").write_text("secret")
    return directory


def request(method="GET", **fields):
    return Request.from_headers(method, {k.replace("_", "-"): v for k, v in fields.items()}.get)


def deliver(root, path="film.mp4", *, server="direct", asked=None, **options):
    config = Config.from_mapping({"SERVER": server, "ROOTS": {root: "/_private/files/"}})
    return Delivery(config).private_file(path, asked or request(), FileOptions(**options))


def content(response):
    if isinstance(response.body, bytes):
        return response.body
    try:
        return b"".join(response.body)
    finally:
        response.body.close()


def test_whole_file(root):
    response = deliver(root)
    headers = dict(response.headers)
    stat = (root / "film.mp4").stat()
    assert response.status == 200
    assert content(response) == CONTENT
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Content-Length"] == str(len(CONTENT))
    assert headers["ETag"] == f'"{int(stat.st_mtime):x}-{stat.st_size:x}"'
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_one_range(root):
    response = deliver(root, asked=request(Range="bytes=100-199"))
    assert response.status == 206
    assert content(response) == CONTENT[100:200]
    assert dict(response.headers)["Content-Range"] == f"bytes 100-199/{len(CONTENT)}"
    assert dict(response.headers)["Content-Length"] == "100"


@pytest.mark.parametrize("size", [1, AT_ONCE, AT_ONCE + 1])
def test_a_small_file_is_read_at_once_and_a_large_one_in_parts(root, size):
    data = os.urandom(size)
    (root / "some.bin").write_bytes(data)
    whole = deliver(root, "some.bin")
    assert isinstance(whole.body, bytes) == (size <= AT_ONCE)
    assert content(whole) == data
    assert dict(whole.headers)["Content-Length"] == str(size)
    last = deliver(root, "some.bin", asked=request(Range="bytes=-1"))
    assert (last.status, content(last)) == (206, data[-1:])
    etag = dict(whole.headers)["ETag"]
    again = deliver(root, "some.bin", asked=request(If_None_Match=etag))
    assert (again.status, content(again)) == (304, b"")


def test_several_ranges(root):
    response = deliver(root, asked=request(Range="bytes=0-9,70000-70009"))
    headers = dict(response.headers)
    body = content(response)
    assert response.status == 206
    assert "Content-Range" not in headers
    assert headers["Content-Length"] == str(len(body))
    kind, _, boundary = headers["Content-Type"].partition("; boundary=")
    assert kind == "multipart/byteranges"
    before, first, second, after = body.split(f"\r\n--{boundary}".encode())
    assert (before, after) == (b"", b"--\r\n")
    for part, start in ((first, 0), (second, 70000)):
        head, _, data = part.partition(b"\r\n\r\n")
        assert data == CONTENT[start : start + 10]
        assert f"Content-Range: bytes {start}-{start + 9}/{len(CONTENT)}".encode() in head
        assert b"Content-Type: video/mp4" in head


def test_range_that_does_not_exist(root):
    response = deliver(root, asked=request(Range=f"bytes={len(CONTENT)}-"))
    assert response.status == 416
    assert dict(response.headers)["Content-Range"] == f"bytes */{len(CONTENT)}"
    assert content(response) == b""


def test_not_modified_has_no_content(root):
    whole = deliver(root)
    whole.body.close()
    etag = dict(whole.headers)["ETag"]
    response = deliver(root, asked=request(If_None_Match=etag))
    assert response.status == 304
    assert content(response) == b""
    assert {name for name, _ in response.headers} == {"Cache-Control", "ETag", "Last-Modified"}


def test_failed_precondition(root):
    response = deliver(root, asked=request(If_Match='"other"'))
    assert response.status == 412
    assert content(response) == b""


def test_head_has_the_headers_of_get_and_no_content(root):
    head = deliver(root, asked=request("HEAD"))
    get = deliver(root)
    get.body.close()
    assert head.headers == get.headers
    assert content(head) == b""


def test_empty_file(root):
    response = deliver(root, "empty.txt", asked=request(Range="bytes=0-"))
    assert (response.status, content(response)) == (200, b"")
    assert dict(response.headers)["Content-Length"] == "0"


def test_a_file_that_shrinks_is_an_error_not_a_short_answer(root):
    response = deliver(root)
    os.truncate(root / "film.mp4", 100)
    with pytest.raises(OSError, match="shorter"):
        content(response)


def test_nginx_gets_the_location_of_the_file(root):
    (root / "100% ü?#.mp4").touch()
    response = deliver(root, "100% ü?#.mp4", server="nginx", limit_rate=5000)
    assert response.status == 200
    assert content(response) == b""
    assert dict(response.headers) == {
        "Content-Type": "video/mp4",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
        "Content-Length": "0",
        "X-Accel-Redirect": "/_private/files/100%25%20%C3%BC%3F%23.mp4",
        "X-Accel-Limit-Rate": "5000",
    }


def test_nginx_does_ranges_and_conditions_itself(root):
    for asked in (request(Range="bytes=0-1"), request(If_None_Match="*"), request("HEAD")):
        response = deliver(root, server="nginx", asked=asked)
        assert response.status == 200
        assert "X-Accel-Redirect" in dict(response.headers)


@pytest.mark.parametrize("server", ["direct", "nginx"])
@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "absent",
        ".",
        "",
        "link",
        "directory",
        "fifo",
        "a\0b",
        "..\\secret.txt",
        "dir-link/x",
    ],
)
def test_a_forbidden_file_is_not_found(root, server, path):
    (root / "link").symlink_to("../secret.txt")
    (root / "dir-link").symlink_to("..")
    (root / "directory").mkdir()
    os.mkfifo(root / "fifo")
    with pytest.raises(FileNotFound) as caught:
        deliver(root, path, server=server)
    assert caught.value.status_code == 404
    assert str(root) not in caught.value.public_message


def test_absolute_paths_have_to_be_under_a_root(root, tmp_path):
    assert content(deliver(root, root / "film.mp4")) == CONTENT
    for path in (tmp_path / "secret.txt", "/etc/passwd", str(root) + "-x/film.mp4"):
        with pytest.raises(FileNotFound):
            deliver(root, path)


def test_a_relative_path_needs_to_know_its_root(root, tmp_path):
    config = Config.from_mapping({"ROOTS": {root: "/_a/", tmp_path: "/_b/"}})
    delivery = Delivery(config)
    with pytest.raises(ConfigError, match="root="):
        delivery.private_file("film.mp4", request(), FileOptions())
    response = delivery.private_file("film.mp4", request(), FileOptions(root=root))
    assert content(response) == CONTENT
    for path in ("../secret.txt", "/etc/passwd", str(root / "film.mp4")):
        with pytest.raises(FileNotFound):
            delivery.private_file(path, request(), FileOptions(root=root))


def test_type_and_caching_can_be_chosen(root):
    response = deliver(
        root,
        mimetype="text/plain",
        max_age=60,
        headers={"X-Robots-Tag": "noindex", "x-accel-redirect": "/etc/passwd"},
    )
    headers = dict(response.headers)
    response.body.close()
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Cache-Control"] == "private, max-age=60"
    assert headers["X-Robots-Tag"] == "noindex"
    assert "x-accel-redirect" not in headers


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("puppies.mp4", 'attachment; filename="puppies.mp4"'),
        (
            "Grüße – 猫.pdf",
            (
                'attachment; filename="Gru_e _ _.pdf"; '
                "filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%E2%80%93%20%E7%8C%AB.pdf"
            ),
        ),
        ('a";x.txt', "attachment; filename=\"a_;x.txt\"; filename*=UTF-8''a%22%3Bx.txt"),
        (
            "a/b\\c%41.txt",
            "attachment; filename=\"a_b_c_41.txt\"; filename*=UTF-8''a%2Fb%5Cc%2541.txt",
        ),
        ("a\r\nSet-Cookie: x\0\x7f.txt", 'attachment; filename="a__Set-Cookie: x__.txt"'),
        ("\u202etxt.exe", 'attachment; filename="_txt.exe"'),
    ],
)
def test_content_disposition(name, expected):
    assert content_disposition(name, as_attachment=True) == expected


def test_attachment_takes_the_files_own_name(root):
    response = deliver(root, as_attachment=True)
    response.body.close()
    assert dict(response.headers)["Content-Disposition"] == 'attachment; filename="film.mp4"'


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.tar.gz", "application/octet-stream"),
        ("a", "application/octet-stream"),
        ("a.svg", "image/svg+xml; charset=utf-8"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.json", "application/json; charset=utf-8"),
        ("a.xhtml", "application/xhtml+xml; charset=utf-8"),
        ("A.PDF", "application/pdf"),
    ],
)
def test_type_of_a_name(root, name, kind):
    (root / name).touch()
    response = deliver(root, name)
    assert dict(response.headers)["Content-Type"] == kind


@pytest.mark.parametrize("name", ["film.mp4", "empty.txt"])
def test_a_file_from_before_1970(root, name):
    os.utime(root / name, (-1, -1))
    for server in ("direct", "apache", "lighttpd"):
        response = deliver(root, name, server=server)
        content(response)
        assert response.status == 200
        assert dict(response.headers)["Last-Modified"].endswith(" GMT")


@pytest.fixture
def with_cache(root):
    cache = root / "cache"
    (cache / "t/50x-").mkdir(parents=True)
    (cache / "t/50x-/cat.jpg").write_bytes(b"thumbnail")
    (root / "cache-2").write_bytes(b"a file")
    (root / "link").symlink_to("cache/t")
    return {
        "ROOTS": {root: "/_p/"},
        "THUMBNAIL_CACHE": cache,
        "PRIVATE_URL": "/l/",
        "SECRET_KEYS": ["a key of 16 bytes or more"],
    }


@pytest.mark.parametrize("server", ["direct", "nginx", "apache"])
@pytest.mark.parametrize(
    "name", ["cache/t/50x-/cat.jpg", "cache//t/./50x-/cat.jpg", "link/50x-/cat.jpg"]
)
def test_a_cache_inside_a_root_is_left_out_of_it(root, with_cache, server, name):
    delivery = Delivery(Config.from_mapping({"SERVER": server, **with_cache}))
    for path in (name, root / name):
        with pytest.raises(FileNotFound, match="THUMBNAIL_CACHE"):
            delivery.private_file(path, request(), FileOptions())
    if not name.startswith("link"):
        with pytest.raises(FileNotFound, match="THUMBNAIL_CACHE"):
            delivery.private_url(name)
    other = delivery.private_file("cache-2", request(), FileOptions())
    assert other.status == 200


def test_a_cache_inside_a_root_that_is_a_link(root, with_cache, tmp_path):
    (tmp_path / "alias").symlink_to(root)
    settings = {**with_cache, "ROOTS": {tmp_path / "alias": "/_p/"}}
    delivery = Delivery(Config.from_mapping(settings))
    with pytest.raises(FileNotFound, match="THUMBNAIL_CACHE"):
        delivery.private_file("cache/t/50x-/cat.jpg", request(), FileOptions())
    assert delivery.private_file("cache-2", request(), FileOptions()).status == 200


@pytest.mark.parametrize("server", ["direct", "nginx", "apache", "lighttpd", "caddy"])
def test_a_backslash_is_a_character_of_a_name(root, server):
    (root / "a\\..\\b.txt").write_bytes(b"content")
    response = deliver(root, "a\\..\\b.txt", server=server)
    assert response.status == 200
    assert content(response) == (b"content" if server == "direct" else b"")
