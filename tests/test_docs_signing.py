"""The snippets of `docs/signing.md`, with keys in place of the words that describe them."""

import base64
import secrets
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from xaccel import Config, signing

from tests.support.doc_pages import snippets

SNIPPETS = [text for kind, text in snippets("signing.md") if kind == "python"]


@pytest.fixture(scope="module")
def pem():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize("text", SNIPPETS, ids=lambda text: text.split("(")[0].split(" ")[-1])
def test_a_snippet_runs(text, pem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("private_key.pem").write_text(pem)
    code = text
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
    exec(compile(code, "signing.md", "exec"), names)
    if "XACCEL" in names:
        assert Config.from_mapping(names["XACCEL"]).private_url == "/p/"
    else:
        assert callable(names["signer"].sign)
