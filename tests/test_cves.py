"""Known vulnerabilities of this kind of software, one test for each.

The tests of the middleware are in `test_cves_middleware.py`.
"""

import os
import re

import pytest
from xaccel import Config, ConfigError, FileNotFound
from xaccel.delivery import rfc9110
from xaccel.delivery.files import AT_ONCE, Delivery
from xaccel.delivery.presentation import FileOptions, content_disposition
from xaccel.delivery.request import Request
from xaccel.servers import generators
from xaccel.servers.deployment import Deployment
from xaccel.servers.dialects import DIALECTS, is_offload_header

SERVERS = tuple(DIALECTS)


@pytest.fixture
def root(tmp_path):
    """A root `a/b` next to directories whose names start with its name, or differ in case."""
    directory = tmp_path / "a" / "b"
    directory.mkdir(parents=True)
    for sibling in ("a/b-x", "a/b.d", "a/B", "A/B", "a"):
        (tmp_path / sibling).mkdir(parents=True, exist_ok=True)
        (tmp_path / sibling / "secret.txt").write_text("secret")
    (directory / "file.txt").write_text("content")
    return directory


@pytest.fixture(params=SERVERS)
def delivery(request, root):
    return Delivery(
        Config.from_mapping({"SERVER": request.param, "ROOTS": {root: "/_private/files/"}})
    )


def request(method="GET", **fields):
    return Request.from_headers(method, {k.replace("_", "-"): v for k, v in fields.items()}.get)


def close(response):
    if not isinstance(response.body, bytes):
        response.body.close()
    return response


def offloads(response):
    return [name for name, _ in response.headers if is_offload_header(name)]


def refused(delivery, path, **options):
    with pytest.raises(FileNotFound) as caught:
        close(delivery.private_file(path, request(), FileOptions(**options)))
    assert caught.value.status_code == 404
    assert caught.value.public_message == "Not Found"


def test_ghsa_6r3c_8xf3_ggrr_outside_of_the_root(delivery, root):
    """django-sendfile2 before 0.6 sent files from outside SENDFILE_ROOT."""
    outside = root.parent / "secret.txt"
    for path in (
        "../secret.txt",
        "x/../../secret.txt",
        "./../secret.txt",
        str(outside),
        f"{root}/../secret.txt",
        "/etc/hostname",
    ):
        refused(delivery, path)
        refused(delivery, path, root=root)
    refused(delivery, "secret.txt", root=root.parent)
    refused(delivery, "secret.txt", root=f"{root}/..")


@pytest.mark.parametrize("name", ["secret.txt"])
def test_prefix_confusion(delivery, root, tmp_path, name):
    """downloadview, Rack, Symfony and xsendfile_middleware compare prefixes of characters.

    So did the joins of CVE-2026-22860 and CVE-2026-34785 (Rack).
    """
    for sibling in ("a/b-x", "a/b.d", "a/B", "A/B", "a"):
        refused(delivery, str(tmp_path / sibling / name))
        refused(delivery, os.path.relpath(tmp_path / sibling / name, root))
    refused(delivery, f"{root}-x/{name}")


@pytest.mark.parametrize(
    "bad",
    [
        'a"; filename="evil.exe',
        "a\\",
        "a\r\nX: y",
        "a\nb",
        "a\0b",
        "a\x7fb",
        "a\u202etxt.exe",
        "a/b",
    ],
)
def test_cve_2022_36359_ghsa_pcjh_6r5h_r92r_reflected_file_download(bad):
    """Names that end the header's value, the header or the name."""
    value = content_disposition(bad, as_attachment=True)
    plain = re.fullmatch(
        r'attachment; filename="([^"\\]*)"(; filename\*=UTF-8\'\'([^ ;"\\/]*))?', value
    )
    assert plain, value
    assert not re.search(r"[^\x20-\x7e]", value)
    assert "\u202e" not in value
    assert "%E2%80%AE" not in value
    assert not re.search("%[01][0-9A-F]|%7F", value)


def test_links_out_of_the_root_directories_and_special_files(delivery, root):
    """A link, a directory or a FIFO where a file is expected (django-sendfile2, downloadview)."""
    (root / "link").symlink_to("../secret.txt")
    (root / "link-to-link").symlink_to("link")
    (root / "link-to-directory").symlink_to("..")
    (root / "absolute-link").symlink_to("/etc/hostname")
    (root / "directory").mkdir()
    os.mkfifo(root / "fifo")
    for path in (
        "link",
        "link-to-link",
        "link-to-directory/secret.txt",
        "link-to-directory/b/file.txt/../../secret.txt",
        "absolute-link",
        "directory",
        ".",
        "fifo",
        "/dev/null",
    ):
        refused(delivery, path)


@pytest.mark.parametrize("size", [AT_ONCE, AT_ONCE + 1])
def test_what_is_checked_is_what_is_sent(root, monkeypatch, size):
    """A link put in the place of the file between the check and the opening."""
    delivery = Delivery(Config.from_mapping({"ROOTS": {root: "/_private/files/"}}))
    locate, file = delivery.locate, root / "file.txt"
    file.write_bytes(bytes(size))

    def locate_and_replace(*args, **options):
        location = locate(*args, **options)
        file.unlink()
        file.symlink_to("../secret.txt")
        return location

    monkeypatch.setattr(delivery, "locate", locate_and_replace)
    refused(delivery, "file.txt")


@pytest.mark.parametrize(
    "asked",
    [
        request(Range="bytes=0-1"),
        request(Range="bytes=99-"),
        request(If_None_Match="*"),
        request(If_Match='"other"'),
        request("HEAD"),
        request("POST", If_None_Match="*"),
    ],
)
def test_the_header_leaks_with_206_304_and_404(delivery, asked):
    """Werkzeug's X-Sendfile on a 206 passes Apache and shows the path (mod_xsendfile#48)."""
    response = close(delivery.private_file("file.txt", asked, FileOptions()))
    if offloads(response):
        assert response.status == 200
        assert response.body == b""
        assert dict(response.headers)["Content-Length"] == "0"
        assert "Content-Range" not in dict(response.headers)
    missing = delivery.answer("absent.txt", asked, FileOptions())
    assert missing.status == 404
    assert not offloads(missing)


@pytest.mark.parametrize(
    "header",
    [
        "X-Accel-Redirect",
        "x-accel-redirect",
        "X-ACCEL-LIMIT-RATE",
        "X-Sendfile",
        "X-SENDFILE2",
        "X-Sendfile-Temporary",
        "X-LIGHTTPD-send-file",
    ],
)
def test_a_header_that_the_app_took_from_a_visitor(delivery, header):
    """openwhisk-apigateway#330: a visitor's header becomes the app's."""
    ours = dict(close(delivery.private_file("file.txt", request(), FileOptions())).headers)
    options = FileOptions(headers={header: "/etc/passwd"})
    response = close(delivery.private_file("file.txt", request(), options))
    assert dict(response.headers) == ours


@pytest.mark.parametrize(
    "prefix",
    ["@named", "/@named", "//", "//files/", "files/", "/files", "/", "", "/a//b/", "/../a/"],
)
def test_named_locations_and_addresses_that_are_not_an_internal_path(prefix):
    """nginx jumps to `@named`, and looks up `//x/` and `x/` in the open part of the site."""
    with pytest.raises(ConfigError, match="internal prefix"):
        Config.from_mapping({"ROOTS": {"/srv/files": prefix}})


@pytest.mark.parametrize("name", ["@named", "%2e%2e", "?x", "a?b=c"])
def test_names_that_are_not_an_internal_path(root, name):
    (root / name).write_text("")
    delivery = Delivery(Config.from_mapping({"SERVER": "nginx", "ROOTS": {root: "/_p/"}}))
    headers = dict(delivery.private_file(name, request(), FileOptions()).headers)
    assert re.fullmatch("/_p/[A-Za-z0-9._%]+", headers["X-Accel-Redirect"])


def test_off_by_one_slash():
    """`location /x { alias /dir/; }` lets everybody read `/dir/../` at `/x../`."""
    config = Config.from_mapping({"ROOTS": {"/srv/a b": "/_a/", "/srv/c/": "/_c/"}})
    text = generators.load("nginx").site(config, Deployment(static={"/static/": "/srv/static"}))
    locations = re.findall(r"location (.*) \{([^}]*)\}", text)
    aliases = [
        (head, re.search(r"alias (.*);", body)[1]) for head, body in locations if "alias" in body
    ]
    assert len(aliases) == 3
    for head, alias in aliases:
        assert re.fullmatch(r"\^~ /\w+/", head)
        assert re.fullmatch(r'"?/.*[^/]/"?', alias)


def test_two_roots_that_share_an_address():
    """A file of one root must not be answered with one of another."""
    with pytest.raises(ConfigError, match="two files"):
        Config.from_mapping({"ROOTS": {"/srv/a": "/_p/", "/srv/secret": "/_p/b/"}})


@pytest.mark.parametrize(
    "value",
    [
        "bytes=" + ",".join(["0-"] * 1000),
        "bytes=" + ",".join(["0-"] * rfc9110.MAX_RANGES),
        "bytes=" + ",".join(f"{i}-" for i in range(1000)),
        "bytes=" + ",".join(["0-0"] * 1000),
        "bytes=" + ",".join(f"0-{i}" for i in range(17)),
        "bytes=0-" + "9" * 100_000,
        "bytes=" + "," * 100_000,
    ],
)
def test_cve_2026_34826_cve_2024_26141_many_ranges(root, value):
    """Ranges that make a small file's response large, or slow to work out (Rack)."""
    (root / "file.txt").write_bytes(bytes(10_000))
    delivery = Delivery(Config.from_mapping({"ROOTS": {root: "/_p/"}}))
    response = close(delivery.private_file("file.txt", request(Range=value), FileOptions()))
    length = int(dict(response.headers)["Content-Length"])
    assert length <= 10_000 + 200 * rfc9110.MAX_RANGES
    assert response.status in {200, 206}


@pytest.mark.parametrize("name", ["CON", "NUL.txt", "a/NUL.txt", "aux", "COM1.log"])
def test_windows_devices_are_plain_names(delivery, root, name):
    """Werkzeug 3.1.4 to 3.1.6: `CON` opens a device on Windows, for which xaccel is not.

    Elsewhere they are names like any other, and refusing them would lose files.
    """
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("content")
    assert close(delivery.private_file(name, request(), FileOptions())).status == 200
