"""The snippets of `docs/signing.md`, with keys in place of the words that describe them."""

import base64
import hmac
import re
import secrets
import time
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from xaccel import Config, signing
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.wsgi import XAccel

from tests.support.doc_pages import runs, values


@pytest.fixture(scope="module")
def pem():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@runs("docs/signing.md", kinds=("python",), each=True)
def test_a_snippet_runs(found, pem, tmp_path, monkeypatch):
    (snippet,) = found
    monkeypatch.chdir(tmp_path)
    Path("private_key.pem").write_text(pem)
    code = snippet.text
    for words, key in {
        '"…"': f'"{secrets.token_hex(16)}"',
        "GOOG…": "GOOG1EXAMPLE",
        "the private key in base64url": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }.items():
        code = code.replace(words, key)
    names = {
        **{name: getattr(signing, name) for name in signing.__all__},
        "Path": Path,
        "pem": pem,
        "info": {"client_email": "site@example.iam.gserviceaccount.com", "private_key": pem},
    }
    urls = values(code, snippet.page, names)
    if "XACCEL" in names:
        check_urls_on_a_cdn(names["XACCEL"], tmp_path)
        return
    assert urls
    for call, url in urls.items():
        (signed,) = re.findall(r"""['"]([a-z0-9]+://[^'"]+|/videos/[^'"]+)""", call)
        # A signer of a bucket chooses the host, and another may put the signature into the path.
        assert url.startswith(("/", "https://")), url
        assert quote(signed.rpartition("/")[2], safe="?=") in url
        assert len(url) > len(signed) + 30


def check_urls_on_a_cdn(settings, directory):
    (directory / "a.mp4").write_bytes(b"film")
    own = {
        "ROOTS": {str(directory): "/_private/"},
        "THUMBNAIL_SOURCE": str(directory),
        "SECRET_KEYS": ["a key of 16 bytes"],
    }
    config = Config.from_mapping({**settings, **own})
    link = XAccel(config).private_url("a.mp4", expires_in=3600)
    assert re.match(
        r"https://media\.example\.com/p/_private/a\.mp4\?.*\bkey=.*\bKey-Pair-Id=K2JC", link
    )
    thumbnail = TemplateHelpers(config).thumbnail_url("cat.jpg", 300)
    assert re.match(r"https://cdn\.example\.com/t/300x-/cat\.jpg\?.*\btoken=", thumbnail)
    assert "key=" in thumbnail


@runs("docs/signing.md#Cloudflare")
def test_the_rule_of_cloudflare(found):
    """The rule accepts the URL of the snippet above it, read as Cloudflare documents it."""
    code, rule = found
    key, ttl, separator = re.search(
        r'is_timed_hmac_valid_v0\("(.*)", http\.request\.uri, (\d+), '
        r"http\.request\.timestamp\.sec, (\d+)\)",
        rule.text,
    ).groups()
    names = {"CloudflareSigner": signing.CloudflareSigner}
    (url,) = values(code.text, code.page, names).values()
    host = re.search('http.host eq "(.*?)"', rule.text)[1]
    assert url.startswith(f"https://{host}/")
    uri = url.removeprefix(f"https://{host}")
    message, issued, mac = re.fullmatch(rf"(.+).{{{separator}}}(\d{{10}})-(.+)", uri).groups()
    assert message == "/p/a.mp4?v=1"
    expected = hmac.digest(key.encode(), f"{message}{issued}".encode(), "sha256")
    assert base64.b64decode(unquote(mac)) == expected
    # It is valid for `expires_in`, here an hour.
    assert int(issued) + int(ttl) >= time.time() + 3600 - 1


FASTLY_KEY = "iqFPeN2u+Z0Lm5IrsKaOFKRqEU5Gw8ePtaEkHZWuD24="


@runs("docs/signing.md#Fastly")
def test_the_vcl_of_fastly(found):
    """The VCL accepts the URL of the snippet above it, read as Fastly documents its functions."""
    code, vcl = found
    (url,) = values(code.text, code.page, {"FastlySigner": signing.FastlySigner}).values()
    pattern = re.search('req.url !~ "(.*)"', vcl.text)[1]
    for request, message in (
        (url.removeprefix("https://www.example.com"), "/p/a.mp4?v=1"),
        (signing.FastlySigner(FASTLY_KEY).sign("/p/a.mp4", expires_in=3600), "/p/a.mp4"),
    ):
        groups = re.fullmatch(pattern, request)
        sets = dict(re.findall(r"set (\S+) = (.+);", vcl.text))
        assert sets["req.url"] == "re.group.1"
        assert groups[1] == message
        assert sets["var.expires"] == "re.group.2"
        assert sets["var.signature"] == '"0x" + re.group.3'
        assert 'digest.base64_decode("the key"), req.url + var.expires)' in vcl.text
        expected = hmac.new(
            base64.b64decode(FASTLY_KEY), f"{groups[1]}{groups[2]}".encode(), "sha1"
        )
        assert groups[3] == expected.hexdigest()
        assert int(groups[2]) >= time.time() + 3600 - 1
