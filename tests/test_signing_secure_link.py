"""`SecureLinkSigner`: the expressions of existing nginx configurations."""

import copy
import json
import pickle
from pathlib import Path

import pytest
from xaccel.exceptions import BadSignature, ConfigError, SignatureExpired
from xaccel.signing import SecureLinkSigner, Signer

VECTORS = json.loads((Path(__file__).parent / "vectors" / "secure_link.json").read_bytes())
SECRET = "a secret of 16 bytes or more"
OF_DOCS = "$secure_link_expires$uri$remote_addr $secret"


@pytest.fixture
def signer():
    return SecureLinkSigner(SECRET, OF_DOCS)


@pytest.mark.filterwarnings("ignore:a secret under 16 bytes")
@pytest.mark.parametrize("vector", VECTORS["urls"], ids=lambda v: v["expression"])
def test_vectors(vector):
    signer = SecureLinkSigner("secret", vector["expression"])
    variables = dict(vector["variables"])
    assert (
        signer.sign_path(vector["path"], expires=vector["expires"], variables=variables)
        == vector["url"]
    )
    assert signer.verify(vector["url"], now=0, variables=variables) == vector["path"]


def test_the_usual_expression_is_that_of_signer():
    usual = SecureLinkSigner(SECRET, "$secure_link_expires$uri $secret", key_param="key")
    same = Signer(SECRET, algorithm="secure-link-md5")
    assert usual.sign("/a b") == same.sign("/a b")
    assert usual.sign("/a", expires=9) == same.sign("/a", expires=9)


def test_another_value_is_a_bad_signature(signer):
    url = signer.sign("/a.mp4", expires_in=60, variables={"remote_addr": "192.0.2.7"})
    parts = signer.verify_parts(url, variables={"remote_addr": "192.0.2.7"})
    assert parts.path == "/a.mp4"
    with pytest.raises(BadSignature, match="does not match any key"):
        signer.verify(url, variables={"remote_addr": "192.0.2.8"})
    with pytest.raises(SignatureExpired):
        signer.verify(url, now=parts.expires + 1, variables={"remote_addr": "192.0.2.7"})


def test_older_secrets_verify():
    rotated = SecureLinkSigner([SECRET, "an older secret, fedcba"], "$secret$uri")
    old = SecureLinkSigner("an older secret, fedcba", "$secret$uri")
    assert rotated.verify(old.sign("/a")) == "/a"
    assert rotated.sign("/a") != old.sign("/a")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (None, r"contains \$remote_addr, so a value for it is needed"),
        ({"remote_addr": "192.0.2.7", "host": "a"}, 'does not contain the variable "host"'),
    ],
)
def test_the_wrong_variables(signer, variables, message):
    for use in (signer.sign, signer.sign_path, signer.verify, signer.verify_parts):
        with pytest.raises(ValueError, match=message):
            use("/a?md5=x", variables=variables)


def test_an_expiry_that_the_expression_lacks():
    with pytest.raises(ValueError, match="anyone could change the expiry"):
        SecureLinkSigner(SECRET, "$uri$secret").sign("/a", expires_in=60)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("$uri hunter2", r"must contain \$secret"),
        ("$secret", r"must contain \$uri"),
        ("$uri$hunter2$secret", r"does not begin one of \$secret, \$uri"),
        ("$uri${secret", r"does not begin one of"),
    ],
)
def test_wrong_expressions(expression, message):
    with pytest.raises(ConfigError, match=message) as caught:
        SecureLinkSigner(SECRET, expression)
    assert "hunter2" not in str(caught.value)


def test_a_short_secret_warns():
    with pytest.warns(UserWarning, match="under 16 bytes") as caught:
        SecureLinkSigner("hunter2", "$uri$secret")
    assert caught[0].filename == __file__


def test_the_secret_stays_inside(signer):
    assert repr(signer) == f'<SecureLinkSigner "{OF_DOCS}">'
    assert signer.expression == OF_DOCS
    with pytest.raises(AttributeError):
        signer.expression = "$uri"
    for copier in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="can't be copied or pickled"):
            copier(signer)
