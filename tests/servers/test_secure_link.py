"""nginx's own `secure_link` and `Signer` agree."""

import random
import unicodedata

import pytest
from xaccel.exceptions import BadSignature
from xaccel.signing import SecureLinkSigner, Signer

from tests.support.doc_pages import runs, values
from tests.support.servers.nginx import nginx

SECRET = "a secret of 16 bytes or more; 'quoted' {braces}"
FUTURE, PAST = 4_102_444_800, 946_684_800

CONFIG = f"""
map $arg_expires $link {{
    ""      $arg_key;
    default "$arg_key,$arg_expires";
}}
server {{
    listen $ADDRESS;
    location / {{
        secure_link $link;
        secure_link_md5 "$secure_link_expires$uri {SECRET}";
        if ($secure_link = "") {{ return 403; }}
        if ($secure_link = "0") {{ return 410; }}
        default_type "";
        return 200 $uri;
    }}
    location /named/ {{
        secure_link $arg_md5,$arg_e;
        secure_link_md5 "$secure_link_expires$uri {SECRET}";
        if ($secure_link = "") {{ return 403; }}
        if ($secure_link = "0") {{ return 410; }}
        return 204;
    }}
}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with nginx(tmp_path_factory.mktemp("nginx"), CONFIG) as server:
        yield server


@pytest.fixture(scope="module")
def signer():
    return Signer(SECRET, algorithm="secure-link-md5")


def awkward_paths(number):
    """Paths in normal form, made of characters with a meaning somewhere in a URL."""
    rng = random.Random(0x5EC)
    pieces = [
        *" %+&;=?#,'\"`\\|^~:@!$*()[]{}<>\t\n\r\x01\x7f\x85",
        *("..", "...", ".", "-", "_", "%41", "%2F", "%2e", "%%", "a", "Z", "9", "jpg"),
        *("ö", "é", "ñ", "ß", "å", "ﬁ", "Ω", "한", "日本", "🐶", "\u200d", "\ufeff", "𐍈"),
    ]
    paths = set()
    while len(paths) < number:
        segments = [
            "".join(rng.choices(pieces, k=rng.randint(1, 8))) for _ in range(rng.randint(1, 4))
        ]
        form = rng.choice(["NFC", "NFD"])
        segments = [unicodedata.normalize(form, segment) for segment in segments]
        if not {".", ".."}.intersection(segments):
            paths.add("/" + "/".join(segments) + rng.choice(["", "", "/"]))
    return sorted(paths)


def test_nginx_accepts_signed_urls(server, signer):
    for path in awkward_paths(1000):
        body = path.encode()
        assert server.get(signer.sign_path(path)) == (200, body), path
        assert server.get(signer.sign_path(path, expires=FUTURE)) == (200, body), path
        assert server.get(signer.sign_path(path, expires=PAST)).status == 410, path


def test_nginx_refuses_unsigned_urls(server, signer):
    for path in awkward_paths(100):
        signed = signer.sign_path(path, expires=FUTURE)
        longer = signed.replace(f"expires={FUTURE}", f"expires={FUTURE + 1}")
        assert server.get(longer).status == 403, path
        assert server.get(signed.partition("&")[0]).status == 403, path
        assert server.get(signer.sign_path(path + "x").replace("x?", "?", 1)).status == 403, path


def test_parameters_of_other_names(server):
    signer = Signer(SECRET, algorithm="secure-link-md5", key_param="md5", expires_param="e")
    for path in awkward_paths(20):
        signed = signer.sign_path(f"/named{path}", expires=FUTURE)
        assert server.get(signed).status == 204, path
        assert server.get(signer.sign_path(f"/named{path}", expires=PAST)).status == 410, path


def test_we_are_stricter(server, signer):
    """nginx's decoder ignores what the verifier must not."""
    key = signer.sign("/t/a.jpg").partition("?key=")[2]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    first = alphabet.index(key[-1]) & ~15
    lax = [f"/t/a.jpg?key={key[:-1]}{last}" for last in alphabet[first : first + 16]]
    lax += [f"/t/a.jpg?key={key}=", f"/t/a.jpg?key={key}==", f"/t/a.jpg?KEY={key}"]
    lax += [f"/t/a.jpg?key={key}&a=b", f"/t/../t//%61.jpg?key={key}"]
    assert {server.get(url).status for url in lax} == {200}
    accepted = []
    for url in lax:
        try:
            accepted.append(signer.verify(url))
        except BadSignature:
            continue
    assert accepted == ["/t/a.jpg"]


EXPRESSIONS = {
    "/before/": ("$secret$uri", "st", None),
    "/address/": ("$uri$remote_addr $secret", "md5", None),
    "/docs/": ("$secure_link_expires$uri$remote_addr $secret", "md5", "expires"),
    "/all/": ("$scheme://$host$uri|${secure_link_expires}|$http_x_user|$secret", "s", "e"),
}
VALUES = {
    "remote_addr": "127.0.0.1",
    "scheme": "http",
    "host": "127.0.0.1",
    "http_x_user": "",
}


@pytest.fixture(scope="module")
def other_expressions(tmp_path_factory):
    locations = [
        f"""
        location {prefix} {{
            secure_link $arg_{key}{f",$arg_{expires}" if expires else ""};
            secure_link_md5 "{expression.replace("$secret", SECRET)}";
            if ($secure_link = "") {{ return 403; }}
            if ($secure_link = "0") {{ return 410; }}
            default_type "";
            return 200 $uri;
        }}
        """
        for prefix, (expression, key, expires) in EXPRESSIONS.items()
    ]
    config = f"server {{ listen $ADDRESS; {''.join(locations)} }}"
    with nginx(tmp_path_factory.mktemp("nginx"), config) as server:
        yield server


@pytest.mark.parametrize("prefix", EXPRESSIONS)
def test_other_expressions(other_expressions, prefix):
    expression, key, expires = EXPRESSIONS[prefix]
    names = {"expires_param": expires} if expires else {}
    signer = SecureLinkSigner(SECRET, expression, key_param=key, **names)
    variables = {name: value for name, value in VALUES.items() if f"${name}" in expression}
    for path in (prefix.rstrip("/") + path for path in awkward_paths(200)):
        expiry = FUTURE if expires else None
        signed = signer.sign_path(path, expires=expiry, variables=variables)
        assert other_expressions.get(signed) == (200, path.encode()), path
        assert signer.verify(signed, variables=variables) == path
        other = signer.sign_path(path + "x", expires=expiry, variables=variables)
        assert other_expressions.get(other.replace("x?", "?", 1)).status == 403, path
        if expires:
            past = signer.sign_path(path, expires=PAST, variables=variables)
            assert other_expressions.get(past).status == 410, path
    for name in variables:
        changed = signer.sign(f"{prefix}a", expires=expiry, variables=variables | {name: "x"})
        assert other_expressions.get(changed).status == 403, name


@runs("docs/signing.md#Other expressions of nginx's `secure_link`")
def test_the_location_of_the_page(found, tmp_path):
    code, location = found
    (tmp_path / "files" / "videos").mkdir(parents=True)
    (tmp_path / "files" / "videos" / "a.mp4").write_bytes(b"film")
    names = {"SecureLinkSigner": SecureLinkSigner}
    (other,) = values(code.text, code.page, names).values()
    here = {"remote_addr": "127.0.0.1"}
    signed = names["signer"].sign("/videos/a.mp4", expires_in=3600, variables=here)
    past = names["signer"].sign("/videos/a.mp4", expires=PAST, variables=here)
    config = f"server {{ listen $ADDRESS; root {tmp_path}/files; {location.text} }}"
    directory = tmp_path / "nginx"
    directory.mkdir()
    with nginx(directory, config) as server:
        assert server.get(signed) == (200, b"film")
        assert server.get(past).status == 410
        # It was signed for another address.
        assert server.get(other).status == 403


@runs("python/xaccel/_core.pyi#SecureLinkSigner")
def test_the_locations_of_the_docstring(found, tmp_path):
    """URLs that expire, URLs that do not, and a location for both."""
    expiring, lasting, either = (each.text.replace("SECRET", SECRET) for each in found)
    mapping, link = either.splitlines()
    first, *rest = expiring.splitlines()
    assert first.startswith("secure_link ")
    locations = {"/a/": expiring, "/b/": lasting, "/c/": "\n".join([link, *rest])}
    made = "".join(
        f'location {place} {{ {text} default_type ""; return 200 $uri; }}'
        for place, text in locations.items()
    )
    expression = "$secure_link_expires$uri$remote_addr $secret"
    signers = {place: SecureLinkSigner(SECRET, expression) for place in ("/a/", "/c/")}
    signers["/b/"] = SecureLinkSigner(SECRET, "$secret$uri", key_param="st")
    with nginx(tmp_path, f"{mapping} server {{ listen $ADDRESS; {made} }}") as server:
        for place, signer in signers.items():
            values = {} if place == "/b/" else {"variables": {"remote_addr": "127.0.0.1"}}
            if place != "/b/":
                signed = signer.sign(f"{place}x", expires=FUTURE, **values)
                assert server.get(signed) == (200, f"{place}x".encode())
                past = signer.sign(f"{place}x", expires=PAST, **values)
                assert server.get(past).status == 410
            if place != "/a/":
                signed = signer.sign(f"{place}x", **values)
                assert server.get(signed) == (200, f"{place}x".encode())
            assert server.get(signed.replace("x?", "y?")).status == 403
