"""Properties of all URLs."""

import string

import pytest
from hypothesis import assume, given, settings, strategies as st
from xaccel._core import encode_path
from xaccel.exceptions import BadSignature, SignatureExpired
from xaccel.signing import Signer

SECRETS = ["0123456789abcdef", "an older secret of 16 bytes"]
HMAC = Signer(SECRETS)
MD5 = Signer(SECRETS, algorithm="secure-link-md5")

segments = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1
).filter(lambda segment: segment not in {".", ".."})
paths = st.builds(
    lambda parts, end: "/" + "/".join(parts) + end,
    st.lists(segments, min_size=1, max_size=4),
    st.sampled_from(["", "/"]),
)
names = st.text(st.characters(exclude_categories=["Cs"])).filter(
    lambda name: name.lower() not in {"key", "expires"}
)
params = st.dictionaries(names, st.text(st.characters(exclude_categories=["Cs"])), max_size=3)
expiries = st.none() | st.integers(1, 2**63 - 1)


@given(paths, params, expiries)
def test_signed_urls_verify(path, params, expires):
    for signer, covered in ((HMAC, params), (MD5, {})):
        url = signer.sign_path(path, params=covered, expires=expires)
        assert url.isascii()
        assert url.partition("?")[0] == encode_path(path)
        parts = signer.verify_parts(url, now=expires)
        assert (parts.path, parts.params, parts.expires) == (
            path,
            sorted(covered.items()),
            expires,
        )


@given(paths, expiries)
def test_an_older_secret_verifies(path, expires):
    for algorithm in ("hmac-sha256", "secure-link-md5"):
        url = Signer(SECRETS[1], algorithm=algorithm).sign_path(path, expires=expires)
        assert Signer(SECRETS, algorithm=algorithm).verify(url, now=expires) == path
        with pytest.raises(BadSignature):
            Signer(SECRETS[0], algorithm=algorithm).verify(url, now=expires)


@given(paths, st.integers(1, 2**62), st.integers(1, 2**62 - 1))
def test_expires_exactly_after_its_expiry(path, expires, later):
    url = HMAC.sign_path(path, expires=expires)
    assert HMAC.verify(url, now=expires) == path
    with pytest.raises(SignatureExpired):
        HMAC.verify(url, now=expires + later)


@settings(max_examples=3 * settings.default.max_examples)
@given(st.data())
def test_no_url_with_one_character_changed_verifies(data):
    signer = data.draw(st.sampled_from([HMAC, MD5]))
    covered = data.draw(params) if signer is HMAC else {}
    url = signer.sign_path(data.draw(paths), params=covered, expires=data.draw(expiries))
    at = data.draw(st.integers(0, len(url)))
    character = data.draw(st.sampled_from(string.printable) | st.characters())
    kind = data.draw(st.sampled_from(["replace", "insert", "delete", "swap"]))
    rest = {"replace": url[at + 1 :], "delete": url[at + 1 :], "swap": url[at + 2 :]}
    middle = {"delete": "", "swap": url[at : at + 2][::-1]}.get(kind, character)
    changed = url[:at] + middle + rest.get(kind, url[at:])
    assume(changed != url)
    with pytest.raises(BadSignature):
        signer.verify(changed, now=0)


@given(st.text(), st.text())
def test_no_text_crashes_the_verifier(path, query):
    for url in (path, f"/{path}?key={query}", f"/{path}?{query}&key=A&expires=1"):
        for signer in (HMAC, MD5):
            with pytest.raises(BadSignature):
                signer.verify(url)
