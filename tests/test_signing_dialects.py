"""The signers for other servers, against the vectors of their own projects and libthumbor."""

import copy
import json
import pickle
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from libthumbor.crypto import CryptoURL
from libthumbor.url_signers.base64_hmac_sha1 import UrlSigner
from xaccel._core import Spec
from xaccel.exceptions import ConfigError, SpecError
from xaccel.signing import HmacSecureLinkSigner, ImgproxySigner, ThumborSigner

KEY = "my-security-key"
SOURCE = "my.server.com/some/path/to/image.jpg"


def vectors(dialect, kind):
    path = Path(__file__).parent / "vectors" / f"{dialect}.json"
    return json.loads(path.read_bytes())[kind]


@pytest.fixture(scope="module")
def thumbor():
    return ThumborSigner(KEY)


@pytest.fixture(scope="module")
def imgproxy():
    return ImgproxySigner(b"test-key".hex(), b"test-salt".hex())


class TestThumbor:
    @pytest.mark.parametrize("vector", vectors("thumbor", "paths"))
    def test_signature(self, vector):
        names = ("algorithm", "length")
        signer = ThumborSigner(vector["key"], **{name: vector[name] for name in names})
        expected = f"/{vector['signature']}/{vector['path']}"
        assert signer.sign_path(vector["path"]) == expected
        same = ThumborSigner(vector["key"].encode(), **{name: vector[name] for name in names})
        assert same.sign_path(vector["path"]) == expected

    @pytest.mark.parametrize("vector", vectors("thumbor", "urls"), ids=lambda v: v["spec"])
    def test_url(self, thumbor, vector):
        for spec in (vector["spec"], Spec.parse(vector["spec"])):
            size = vector["source_size"] and tuple(vector["source_size"])
            url = thumbor.url(vector["source"], spec, source_size=size)
            assert url == vector["url"]

    @pytest.mark.parametrize("vector", vectors("thumbor", "refused"))
    def test_refused(self, thumbor, vector):
        with pytest.raises(SpecError) as caught:
            thumbor.url(vector["source"], vector["spec"])
        assert isinstance(caught.value, ValueError)
        assert vector["error"] in str(caught.value)

    @pytest.mark.parametrize(
        ("spec", "size", "options"),
        [
            ("300x200", None, {"fit_in": True}),
            ("300x-,cover", None, {"height": 0}),
            ("300x200,cover", None, {}),
            ("300x200,cover,g-nw", None, {"halign": "left", "valign": "top"}),
            ("300x200,cover,g-smart", None, {"smart": True}),
            ("300x200,cover,flip-h", None, {"flip": True}),
            ("300x200,cover,flip-v", None, {"flop": True}),
            ("300x200,cover,q-80,webp", None, {"filters": ["quality(80)", "format(webp)"]}),
            (
                "300x200,cover,crop-0.1-0.2-0.3-0.4",
                (1000, 500),
                {"crop": ((100, 100), (400, 300))},
            ),
            ("300x200,fill", None, {"filters": ["stretch()"]}),
            ("300x200,cover,rot-180", None, {"filters": ["rotate(180)"]}),
        ],
    )
    def test_is_what_libthumbor_makes(self, thumbor, spec, size, options):
        options = {"width": 300, "height": 200, "image_url": SOURCE} | options
        expected = CryptoURL(key=KEY).generate(**options)
        assert thumbor.url(SOURCE, spec, source_size=size) == expected

    @pytest.mark.parametrize("key", [KEY, "schlüssel", "ключ"])
    def test_is_accepted_by_the_signer_that_thumbor_uses(self, key):
        url = ThumborSigner(key).url("https://example.org/föö bär.jpg?a=b", "300x200,g-n")
        signature, _, path = url.removeprefix("/").partition("/")
        assert UrlSigner(key).validate(signature.encode(), path)
        assert not UrlSigner("another").validate(signature.encode(), path)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"key": ""}, "secret 1 is empty"),
            ({"algorithm": "md5"}, "'sha1', 'sha256' or 'sha512'"),
            ({"length": 10}, "11 to 28 characters"),
            ({"length": 29}, "11 to 28 characters"),
        ],
    )
    def test_wrong_settings(self, options, message):
        with pytest.raises(ConfigError, match=message):
            ThumborSigner(**({"key": KEY} | options))


class TestImgproxy:
    @pytest.mark.parametrize("vector", vectors("imgproxy", "paths"))
    def test_signature(self, vector):
        signer = ImgproxySigner(vector["keys"], vector["salts"], size=vector["size"])
        assert signer.sign_path(vector["path"]) == f"/{vector['signature']}{vector['path']}"

    @pytest.mark.parametrize("vector", vectors("imgproxy", "urls"), ids=lambda v: v["spec"])
    def test_url(self, imgproxy, vector):
        for spec in (vector["spec"], Spec.parse(vector["spec"])):
            url = imgproxy.url(vector["source"], spec, expires=vector["expires"])
            assert url == vector["url"]

    def test_expiry(self, imgproxy):
        moment = datetime(2030, 1, 1, tzinfo=UTC)
        assert "/exp:1893456000/" in imgproxy.url("a", "300x200", expires=moment)
        url = imgproxy.url("a", "300x200", expires_in=timedelta(hours=1))
        expires = int(url.partition("/exp:")[2].partition("/")[0])
        assert time.time() + 3590 < expires <= time.time() + 5400
        with pytest.raises(ValueError, match="after 1970"):
            imgproxy.url("a", "300x200", expires=0)

    def test_no_source(self, imgproxy):
        with pytest.raises(SpecError, match="no name"):
            imgproxy.url("", "300x200")

    @pytest.mark.parametrize(
        ("keys", "salts", "size", "message"),
        [
            ([], [], 32, "at least one secret"),
            ("00", [], 32, "1 keys and 0 salts"),
            ("hunter2", "00", 32, "key 1 is not an even number of hexadecimal digits"),
            (["00", "00"], ["00", "salty"], 32, "salt 2 is not an even number"),
            ("00", "00", 7, "8 to 32 bytes, not 7"),
            ("00", "00", 33, "8 to 32 bytes, not 33"),
            (b"00", "00", 32, "keys must be a str"),
            ("00", None, 32, "salts must be a str"),
        ],
    )
    def test_wrong_settings(self, keys, salts, size, message):
        with pytest.raises(ConfigError, match=message) as caught:
            ImgproxySigner(keys, salts, size=size)
        assert "hunter2" not in str(caught.value)


class TestHmacSecureLink:
    @pytest.mark.parametrize("vector", vectors("hmac_secure_link", "tokens"))
    def test_token(self, vector):
        signer = HmacSecureLinkSigner(vector["secret"], algorithm=vector["algorithm"])
        assert signer.token(vector["message"]) == vector["token"]

    @pytest.mark.parametrize("vector", vectors("hmac_secure_link", "urls"))
    def test_url(self, vector):
        signer = HmacSecureLinkSigner(vector["secret"].encode(), algorithm=vector["algorithm"])
        url = signer.url(vector["path"], expires_in=vector["expires_in"], now=vector["now"])
        assert url == vector["url"]

    @pytest.mark.parametrize("seconds", [1, 2, 7, 3600])
    def test_lives_as_long_as_asked(self, seconds):
        now = int(time.time())
        url = HmacSecureLinkSigner("secret").url("/a", expires_in=timedelta(seconds=seconds))
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        expires = int(query["ts"]) + int(query["e"])
        assert now + seconds <= expires <= time.time() + seconds * 1.5
        assert int(query["ts"]) <= now

    def test_wrong_settings(self):
        with pytest.raises(ConfigError, match="secret 1 is empty"):
            HmacSecureLinkSigner("")
        with pytest.raises(ConfigError, match='not "md5"'):
            HmacSecureLinkSigner("secret", algorithm="md5")
        with pytest.raises(ValueError, match="a path must"):
            HmacSecureLinkSigner("secret").url("a")


@pytest.mark.parametrize("copier", [pickle.dumps, copy.copy, copy.deepcopy])
def test_secrets_are_neither_shown_nor_copied(thumbor, imgproxy, copier):
    for signer in (thumbor, imgproxy, HmacSecureLinkSigner("secret")):
        assert KEY not in repr(signer)
        with pytest.raises(TypeError, match=f"a {type(signer).__name__} can't be copied"):
            copier(signer)
