import pytest
from xaccel import Config, ConfigError, FileNotFound
from xaccel.delivery.remotes import RemoteMap


def find(url, *bases):
    remotes = {base: f"/_r{number}/" for number, base in enumerate(bases or ["https://h/"])}
    return RemoteMap(remotes).find(url)


def test_the_longest_match_by_whole_components():
    bases = ["https://h/", "https://h/a/", "https://h/a/b/"]
    assert find("https://h/a/b/c", *bases).internal_url == "/_r2/c"
    assert find("https://h/a/bc", *bases).internal_url == "/_r1/bc"
    assert find("https://h/ab/c", *bases).internal_url == "/_r0/ab/c"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://h/a b.mp4?sig=x%2F+", "/a%20b.mp4?sig=x%2F+"),
        ("https://h/a%20b%25", "/a%20b%25"),
        ("HTTPS://H:443/ü", "/%C3%BC"),
        ("https://h/%ff", "/%FF"),
        ("https://h/a?x=ü y", "/a?x=%C3%BC%20y"),
        ("https://h/..a/b..", "/..a/b.."),
        ("https://h/a?b=../c//d", "/a?b=../c//d"),
    ],
)
def test_spellings(url, path):
    found = find(url)
    assert found.path == path
    assert found.internal_url == f"/_r0{path}"


@pytest.mark.parametrize(
    "url",
    [
        "https://other/a",
        "https://h.other/a",
        "https://h:444/a",
        "http://h/a",
        "https://user@h/a",
        "https://h@other/a",
        "https://h\\@other/a",
        "https://other\\@h/a",
        "https://h/../a",
        "https://h/a/..",
        "https://h/a/%2e%2E/b",
        "https://h/./a",
        "https://h//a",
        "https://h/a%2Fb",
        "https://h/a%2f..%2fb",
        "https://h/a\r\nX: y",
        "https://h/a%0d%0aX",
        "https://h/a%00",
        "https://h/a\\b",
        "https://h/a%5Cb",
        "https://h/a#b",
        "https://h/",
        "https://h/a/",
        "https://h",
        "https://",
        "https://h:x/a",
        "ftp://h/a",
        "//h/a",
        "/a",
    ],
)
def test_urls_outside_all_remotes(url):
    with pytest.raises(FileNotFound):
        find(url)


def test_errors_do_not_show_the_signature():
    for url in ("https://other/a?Signature=secret", "https://h/../a?Signature=secret"):
        with pytest.raises(FileNotFound) as caught:
            find(url)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "base",
    [
        "https://h",
        "https://h/a",
        "https://h/?x=y",
        "https://h/#",
        "https://user:secret@h/",
        "h/",
        "ftp://h/",
        "https://h/../",
        "https://h//",
        "https://ü/",
        "https:///",
        "https://h/%ff/",
    ],
)
def test_invalid_remotes(base):
    with pytest.raises(ConfigError, match="REMOTES") as caught:
        Config.from_mapping({"REMOTES": {base: "/_remote/"}})
    assert "secret" not in str(caught.value)


def test_invalid_prefixes():
    for prefix in ("/", "_remote/", "/_remote", "@remote", "//x/"):
        with pytest.raises(ConfigError, match="REMOTES"):
            Config.from_mapping({"REMOTES": {"https://h/": prefix}})
    with pytest.raises(ConfigError, match="REMOTES"):
        Config.from_mapping({"ROOTS": {"/srv": "/_p/"}, "REMOTES": {"https://h/": "/_p/"}})
    with pytest.raises(ConfigError, match="REMOTES"):
        Config.from_mapping({"REMOTES": ["https://h/"]})


@pytest.mark.parametrize("server", ["apache", "lighttpd", "caddy"])
def test_servers_that_fetch_nothing(server):
    with pytest.raises(ConfigError, match=rf"'direct' and 'nginx': '{server}'"):
        Config.from_mapping({"SERVER": server, "REMOTES": {"https://h/": "/_r/"}})
