"""The signers for CDNs, against the vendors' packages, their vectors and their rules."""

import base64
import copy
import hashlib
import hmac
import json
import os
import pickle
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote

import pytest
from botocore.signers import CloudFrontSigner as BotocoreSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from google.cloud.storage._signing import generate_signed_url_v4
from google.oauth2.service_account import Credentials
from hypothesis import given, strategies as st
from xaccel.exceptions import ConfigError
from xaccel.signing import (
    AkamaiSigner,
    BunnySigner,
    CloudflareImagesSigner,
    CloudflareSigner,
    CloudFrontSigner,
    FastlySigner,
    GoogleCloudStorageSigner,
    MediaCdnSigner,
)

VECTORS = json.loads((Path(__file__).parent / "vectors" / "cdn.json").read_bytes())
SIGNERS = {
    "akamai": AkamaiSigner,
    "bunny": BunnySigner,
    "cloudflare": CloudflareSigner,
    "cloudflare_images": CloudflareImagesSigner,
    "fastly": FastlySigner,
}
ORIGIN = "https://cdn.example.com"
HEX_KEY = "aabbccddeeff00112233445566778899"
BASE64_KEY = "iqFPeN2u+Z0Lm5IrsKaOFKRqEU5Gw8ePtaEkHZWuD24="
EMAIL = "signer@project.iam.gserviceaccount.com"


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


RSA = rsa.generate_private_key(65537, 2048)
ECDSA = ec.generate_private_key(ec.SECP256R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
ED25519_TEXT = base64.urlsafe_b64encode(ED25519.private_bytes_raw()).decode()

every_signer = pytest.mark.parametrize(
    "signer",
    [
        BunnySigner("key"),
        BunnySigner("key", directory=True),
        CloudflareSigner("key", ttl=7200),
        CloudflareImagesSigner("key"),
        FastlySigner(BASE64_KEY),
        AkamaiSigner(HEX_KEY),
        AkamaiSigner(HEX_KEY, directory=True),
        CloudFrontSigner("K2JCJMDEHXQW5F", pem(RSA)),
        CloudFrontSigner("K2JCJMDEHXQW5F", pem(ECDSA), directory=True),
        MediaCdnSigner("keyset", ED25519_TEXT),
        MediaCdnSigner("keyset", ED25519_TEXT, directory=True),
    ],
    ids=lambda signer: type(signer).__name__,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
segments = texts.filter(lambda text: unquote(text) not in {".", ".."} and text not in {".", ".."})
paths = st.lists(segments, min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(quote(part, safe="~:@!$&'()+,;=") for part in parts)
)
names = texts.filter(lambda name: name.lower() not in {"token", "verify", "exp", "sig", "expires"})
queries = st.dictionaries(names.filter(bool), texts, max_size=3).map(
    lambda params: "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in params.items())
)
urls = st.builds(
    lambda path, query: f"{ORIGIN}{path}" + (f"?{query}" if query else ""), paths, queries
)
expiries = st.integers(1_000_000_000, 9_999_999_999)


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def split(url):
    """The path and the query of a URL, with nothing decoded."""
    path, _, query = url.removeprefix(ORIGIN).partition("?")
    return path, query


@pytest.mark.parametrize(
    ("name", "vector"), [(name, vector) for name in VECTORS for vector in VECTORS[name]]
)
def test_vectors(name, vector):
    own = {"source", "key", "url", "expires", "now", "signed"}
    options = {option: value for option, value in vector.items() if option not in own}
    signer = SIGNERS[name](vector["key"], **options)
    if "now" not in vector or vector["expires"] < time.time():
        assert signer.sign(vector["url"], expires=vector["expires"]) == vector["signed"]


class TestEverySigner:
    @every_signer
    def test_a_lifetime_is_rounded_up_to_a_bucket(self, signer):
        before = int(time.time())
        signed = signer.sign(f"{ORIGIN}/a/b.jpg", expires_in=timedelta(hours=1))
        after = int(time.time())
        buckets = {-(-(now + 3600) // 1800) * 1800 for now in (before, after)}
        assert signed in {signer.sign(f"{ORIGIN}/a/b.jpg", expires=expires) for expires in buckets}

    @every_signer
    def test_an_expiry_is_needed(self, signer):
        with pytest.raises(ValueError, match="pass expires or expires_in"):
            signer.sign(f"{ORIGIN}/a.jpg")
        with pytest.raises(ValueError, match="not both"):
            signer.sign(f"{ORIGIN}/a.jpg", expires=1, expires_in=1)

    @every_signer
    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("a.jpg", "must be absolute"),
            ("ftp://cdn.example.com/a.jpg", "must be absolute"),
            ("https://cdn.example.com", "must be absolute"),
            ("https://user@cdn.example.com/a", "must be absolute"),
            (f"{ORIGIN}/ä.jpg", "percent-encoded"),
            (f"{ORIGIN}/a b.jpg", "percent-encoded"),
            (f"{ORIGIN}/a%.jpg", "two hexadecimal digits"),
            (f"{ORIGIN}/a#b", "fragment"),
            (f"{ORIGIN}/a/../b", "'..' segment"),
            (f"{ORIGIN}/a/%2e%2E/b", "'..' segment"),
        ],
    )
    def test_refused_urls(self, signer, url, message):
        with pytest.raises(ValueError, match=message):
            signer.sign(url, expires_in=60)

    @every_signer
    def test_the_key_stays_inside(self, signer):
        shown = repr(signer)
        assert not any(key in shown for key in ("PRIVATE", HEX_KEY, BASE64_KEY, ED25519_TEXT))
        for copier in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=r"can't be copied or pickled.*key|secrets"):
                copier(signer)
        for name in ("anything", "_key", "directory"):
            with pytest.raises(AttributeError):
                setattr(signer, name, True)


class TestBunny:
    @given(urls, expiries, st.booleans())
    def test_any_url(self, url, expires, directory):
        """The grammar of the vendor's own code."""
        signed = BunnySigner("kéy", directory=directory).sign(url, expires=expires)
        path, query = split(url)
        params = dict(parse_qsl(query, keep_blank_values=True))
        covered = path
        if directory:
            covered = params["token_path"] = path[: path.rindex("/") + 1]
        params = dict(sorted(params.items()))
        message = f"{covered}{expires}" + "&".join(f"{n}={v}" for n, v in params.items())
        token = b64url(hmac.digest("kéy".encode(), message.encode(), "sha256"))
        tail = "".join(f"&{quote(n, safe='')}={quote(v, safe='')}" for n, v in params.items())
        token = f"token=HS256-{token}{tail}&expires={expires}"
        expected = f"/bcdn_{token}{path}" if directory else f"{path}?{token}"
        assert signed == ORIGIN + expected

    def test_refused_parameters(self):
        signer = BunnySigner("key")
        for name in ("token", "expires", "token_path", "bcdn_token", "token_ignore_params"):
            with pytest.raises(ValueError, match=f'"{name}" is reserved'):
                signer.sign(f"/a?{name}=1", expires_in=60)
        with pytest.raises(ValueError, match='"a" twice'):
            signer.sign("/a?a=1&b=2&a=3", expires_in=60)
        with pytest.raises(ConfigError, match="is empty"):
            BunnySigner("")


class TestCloudflare:
    @given(urls, st.integers(1_000_000_000, int(time.time())), st.booleans())
    def test_any_url(self, url, issued, url_safe):
        """What `is_timed_hmac_valid_v0(key, http.request.uri, 600, now, 8)` reads."""
        signer = CloudflareSigner("mysecrettoken", ttl=600, url_safe=url_safe)
        uri = signer.sign(url, expires=issued + 599).removeprefix(ORIGIN)
        message, separator, timestamp, mac = re.fullmatch(
            r"(.+)([?&]verify=)(\d{10})-(.{43,})", uri
        ).groups()
        assert message == url.removeprefix(ORIGIN)
        assert len(separator) == 8
        assert int(timestamp) == issued
        mac = mac + "=" if url_safe else unquote(mac)
        expected = hmac.digest(b"mysecrettoken", (message + timestamp).encode(), "sha256")
        assert base64.b64decode(mac, b"-_" if url_safe else b"+/", validate=True) == expected

    def test_a_lifetime_fits_into_the_ttl_of_the_rule(self):
        signer = CloudflareSigner("key", ttl=90)
        now = int(time.time())
        issued = int(signer.sign("/a", expires_in=59).partition("verify=")[2].partition("-")[0])
        assert now + 59 <= issued + 89 <= time.time() + 1.5 * 59
        with pytest.raises(ValueError, match="at most 89 seconds, not"):
            signer.sign("/a", expires_in=120)

    def test_wrong_arguments(self):
        with pytest.raises(ConfigError, match="ttl must be a positive"):
            CloudflareSigner("key", ttl=0)
        with pytest.raises(ConfigError, match="can't name a query parameter"):
            CloudflareSigner("key", ttl=60, param="a&b")
        with pytest.raises(ValueError, match='"verify" is reserved'):
            CloudflareSigner("key", ttl=60).sign("/a?verify=1", expires_in=30)

    @given(urls, expiries)
    def test_any_image(self, url, expires):
        signed = CloudflareImagesSigner("key").sign(url, expires=expires)
        covered, _, signature = signed.rpartition("&sig=")
        assert covered == f"{url}{'&' if '?' in url else '?'}exp={expires}"
        message = covered.removeprefix(ORIGIN).encode()
        assert signature == hmac.new(b"key", message, hashlib.sha256).hexdigest()


class TestFastly:
    @given(urls, expiries)
    def test_any_url(self, url, expires):
        """What the VCL of Fastly's guide reads: it signs `req.url` without the token."""
        signed = FastlySigner(BASE64_KEY).sign(url, expires=expires)
        without_token, separator, token = signed.rpartition("token=")
        assert without_token == f"{url}{'&' if '?' in url else '?'}"
        assert separator
        key = base64.b64decode(BASE64_KEY)
        message = f"{url.removeprefix(ORIGIN)}{expires}".encode()
        expected = hmac.new(key, message, hashlib.sha1).hexdigest()
        assert token == f"{expires}_{expected}"

    def test_refused(self):
        with pytest.raises(ConfigError, match="not valid base64"):
            FastlySigner("YOUR%SECRET%KEY")
        with pytest.raises(ConfigError, match="contains a NUL byte"):
            FastlySigner(base64.b64encode(b"half\0 of a key").decode())
        with pytest.raises(ValueError, match="outside the range that the signature can express"):
            FastlySigner(BASE64_KEY).sign("/a", expires=999_999_999)


@pytest.fixture(scope="module")
def edge_auth():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "GMT")  # the package sets it
        from akamai.edgeauth import EdgeAuth
    return EdgeAuth


class TestAkamai:
    @given(
        url=urls,
        expires=expiries,
        salt=st.none() | st.text("abc", min_size=1),
        escape_early=st.booleans(),
    )
    def test_any_url(self, edge_auth, url, expires, salt, escape_early):
        options = {"salt": salt, "escape_early": escape_early}
        theirs = edge_auth(key=HEX_KEY, token_name="t", end_time=expires, **options)
        path = split(url)[0]
        separator = "&" if "?" in url else "?"
        signed = AkamaiSigner(HEX_KEY, param="t", **options).sign(url, expires=expires)
        assert signed == f"{url}{separator}t={theirs.generate_url_token(path)}"
        signer = AkamaiSigner(HEX_KEY, param="t", directory=True, **options)
        directory = path[: path.rindex("/") + 1]
        if set("!~").isdisjoint(directory):
            token = theirs.generate_acl_token(f"{directory}*")
            assert signer.sign(url, expires=expires) == f"{url}{separator}t={token}"
        else:
            with pytest.raises(ValueError, match="has a special meaning in the signed pattern"):
                signer.sign(url, expires=expires)

    def test_wrong_arguments(self):
        with pytest.raises(ConfigError, match="hexadecimal digits"):
            AkamaiSigner("secret")
        with pytest.raises(ConfigError, match="can't name a query parameter"):
            AkamaiSigner(HEX_KEY, param="a b")


def by_rsa(message):
    return RSA.sign(message, padding.PKCS1v15(), hashes.SHA1())


class TestCloudFront:
    SIGNER = CloudFrontSigner("K2JCJMDEHXQW5F", pem(RSA))
    OF_DIRECTORIES = CloudFrontSigner("K2JCJMDEHXQW5F", pem(RSA), directory=True)
    THEIRS = BotocoreSigner("K2JCJMDEHXQW5F", by_rsa)

    @given(urls, expiries)
    def test_a_canned_policy(self, url, expires):
        expected = self.THEIRS.generate_presigned_url(url, datetime.fromtimestamp(expires, UTC))
        assert self.SIGNER.sign(url, expires=expires) == expected

    @given(urls, expiries, st.none() | expiries, st.sampled_from([None, "192.0.2.7", "10.0.0.0/8"]))
    def test_a_custom_policy(self, url, expires, start, address):
        path = split(url)[0]
        policy = self.THEIRS.build_policy(
            f"{ORIGIN}{path[: path.rindex('/') + 1]}*",
            datetime.fromtimestamp(expires, UTC),
            start and datetime.fromtimestamp(start, UTC),
            address,
        )
        expected = self.THEIRS.generate_presigned_url(url, policy=policy)
        signed = self.OF_DIRECTORIES.sign(
            url, expires=expires, not_before=start, ip_address=address
        )
        assert signed == expected

    def test_an_address_makes_the_policy_a_custom_one(self):
        expires = datetime(2030, 1, 1, tzinfo=UTC)
        policy = self.THEIRS.build_policy(f"{ORIGIN}/a", expires, None, "192.0.2.7")
        expected = self.THEIRS.generate_presigned_url(f"{ORIGIN}/a", policy=policy)
        signed = self.SIGNER.sign(f"{ORIGIN}/a", expires=expires, ip_address="192.0.2.7")
        assert signed == expected

    @pytest.mark.parametrize(
        ("algorithm", "hashed", "end"),
        [("sha1", hashes.SHA1(), ""), ("sha256", hashes.SHA256(), "&Hash-Algorithm=SHA256")],
    )
    def test_keys_and_algorithms(self, algorithm, hashed, end):
        url = f"{ORIGIN}/a.jpg?b=c"
        policy = (
            b'{"Statement":[{"Resource":"https://cdn.example.com/a.jpg?b=c",'
            b'"Condition":{"DateLessThan":{"AWS:EpochTime":1893456000}}}]}'
        )
        for key in (RSA, ECDSA):
            signer = CloudFrontSigner("K1", pem(key), algorithm=algorithm)
            signed = signer.sign(url, expires=1893456000)
            assert signed == signer.sign(url, expires=1893456000)
            found = re.fullmatch(
                re.escape(url) + "&Expires=1893456000&Signature=([^&]+)&Key-Pair-Id=K1" + end,
                signed,
            )
            signature = base64.b64decode(found[1].translate(str.maketrans("-_~", "+=/")))
            if key is RSA:
                key.public_key().verify(signature, policy, padding.PKCS1v15(), hashed)
            else:
                key.public_key().verify(signature, policy, ec.ECDSA(hashed))

    @pytest.mark.parametrize(
        ("url", "options", "message"),
        [
            ("/a", {}, "must be absolute"),
            (f"{ORIGIN}/a*", {}, "encode it as %2A"),
            (f"{ORIGIN}/a?Policy=1", {}, '"Policy" is reserved'),
            (f"{ORIGIN}/a", {"ip_address": "2001:db8::7"}, "Expected 4 octets"),
        ],
    )
    def test_refused(self, url, options, message):
        with pytest.raises(ValueError, match=message):
            self.SIGNER.sign(url, expires_in=60, **options)

    @pytest.mark.parametrize(
        ("key_id", "key", "options", "message"),
        [
            ("K 1", pem(RSA), {}, "letters and digits"),
            ("K1", "hunter2", {}, "private key in PEM"),
            ("K1", pem(ED25519), {}, "RSA or ECDSA key"),
            ("K1", pem(RSA), {"algorithm": "md5"}, "'sha1' or 'sha256', not 'md5'"),
        ],
    )
    def test_wrong_arguments(self, key_id, key, options, message):
        with pytest.raises(ConfigError, match=message) as caught:
            CloudFrontSigner(key_id, key, **options)
        assert key not in str(caught.value)


class TestGoogleCloudStorage:
    SIGNER = GoogleCloudStorageSigner(client_email=EMAIL, private_key=pem(RSA))
    CREDENTIALS = Credentials.from_service_account_info(
        {"client_email": EMAIL, "private_key": pem(RSA), "token_uri": "https://example.org"}
    )

    @given(
        st.lists(segments, min_size=1, max_size=4).map("/".join), expiries, st.integers(1, 604_800)
    )
    def test_by_a_service_account(self, key, now, seconds):
        method = ("GET", "HEAD", "PUT")[now % 3]
        expected = generate_signed_url_v4(
            self.CREDENTIALS,
            f"/my_bucket/{quote(key, safe='/~')}",
            timedelta(seconds=seconds),
            api_access_endpoint="https://storage.googleapis.com",
            method=method,
            _request_timestamp=datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ"),
        )
        if {".", ".."} & set(key.lower().replace("%2e", ".").split("/")):
            return
        url = f"gs://my_bucket/{key}"
        assert self.SIGNER.presign(method, url, expires=now + seconds, now=now) == expected

    @given(st.lists(segments, min_size=1, max_size=4).map("/".join), expiries)
    def test_by_an_hmac_key(self, key, now):
        if {".", ".."} & set(key.lower().replace("%2e", ".").split("/")):
            return
        signer = GoogleCloudStorageSigner(access_key="GOOGTS7C7FUP3", secret_key="bGoa+V7g/yqD")
        signed = signer.presign("GET", f"gs://b/{key}", expires=now + 60, now=now)
        url, _, signature = signed.rpartition("&X-Goog-Signature=")
        path, query = url.removeprefix("https://storage.googleapis.com").split("?")
        params = dict(parse_qsl(query))
        assert path == f"/b/{quote(key, safe='/~')}"
        assert params["X-Goog-Algorithm"] == "GOOG4-HMAC-SHA256"
        scope = f"{params['X-Goog-Date'][:8]}/auto/storage/goog4_request"
        assert params["X-Goog-Credential"] == f"GOOGTS7C7FUP3/{scope}"
        canonical = f"GET\n{path}\n{query}\nhost:storage.googleapis.com\n\nhost\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        message = f"GOOG4-HMAC-SHA256\n{params['X-Goog-Date']}\n{scope}\n{digest}"
        mac = b"GOOG4bGoa+V7g/yqD"
        for text in (*scope.split("/"), message):
            mac = hmac.digest(mac, text.encode(), "sha256")
        assert signature == mac.hex()

    def test_signs_get(self):
        signed = self.SIGNER.sign("gs://b/k", expires_in=3600)
        assert "X-Goog-Expires=5400" in signed
        with pytest.raises(ValueError, match="must be gs://bucket/key"):
            self.SIGNER.sign("s3://b/k", expires_in=60)
        with pytest.raises(ValueError, match="at most 604800 seconds"):
            self.SIGNER.sign("gs://b/k", expires_in=604_801)
        with pytest.raises(ValueError, match="pass expires or expires_in"):
            self.SIGNER.sign("gs://b/k")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({}, "either client_email and private_key, or"),
            ({"client_email": EMAIL}, "either client_email and private_key, or"),
            ({"access_key": "a", "private_key": "b"}, "either client_email and private_key, or"),
            ({"client_email": EMAIL, "private_key": "hunter2"}, "private key in PEM"),
            ({"client_email": EMAIL, "private_key": pem(ECDSA)}, "needs an RSA key"),
            ({"access_key": "a", "secret_key": "b", "endpoint": "b"}, "endpoint must be"),
        ],
    )
    def test_wrong_arguments(self, options, message):
        with pytest.raises(ConfigError, match=message) as caught:
            GoogleCloudStorageSigner(**options)
        assert "hunter2" not in str(caught.value)

    def test_the_secrets_stay_inside(self):
        assert repr(self.SIGNER) == f"<GoogleCloudStorageSigner {EMAIL}>"
        with pytest.raises(TypeError, match="can't be copied or pickled"):
            pickle.dumps(self.SIGNER)


class TestMediaCdn:
    @given(urls, expiries)
    def test_any_url(self, url, expires):
        signed = MediaCdnSigner("my-keyset", ED25519_TEXT).sign(url, expires=expires)
        covered, _, signature = signed.rpartition("&Signature=")
        assert covered == f"{url}{'&' if '?' in url else '?'}Expires={expires}&KeyName=my-keyset"
        ED25519.public_key().verify(base64.urlsafe_b64decode(signature), covered.encode())

    @given(urls, expiries)
    def test_any_directory(self, url, expires):
        signer = MediaCdnSigner("my-keyset", ED25519_TEXT.rstrip("="), directory=True)
        signed = signer.sign(url, expires=expires)
        path = split(url)[0]
        start = ORIGIN + path[: path.rindex("/") + 1]
        covered = f"{start}edge-cache-token=Expires={expires}&KeyName=my-keyset"
        signature, slash, rest = signed.removeprefix(f"{covered}&Signature=").partition("/")
        assert slash + rest == url[len(start) - 1 :]
        ED25519.public_key().verify(base64.urlsafe_b64decode(signature + "=="), covered.encode())

    def test_wrong_arguments(self):
        with pytest.raises(ConfigError, match="letters, digits"):
            MediaCdnSigner("a b", ED25519_TEXT)
        for key in ("hunter2", "A" * 44, "ä"):
            with pytest.raises(ConfigError, match="32 bytes of a private Ed25519 key") as caught:
                MediaCdnSigner("a", key)
            assert key not in str(caught.value)
        with pytest.raises(ValueError, match='"KeyName" is reserved'):
            MediaCdnSigner("a", ED25519_TEXT).sign(f"{ORIGIN}/a?KeyName=b", expires_in=60)


def test_without_cryptography():
    script = """
import sys
import xaccel.signing as signing
assert "cryptography" not in sys.modules
sys.modules["cryptography"] = None
for make in (
    lambda: signing.CloudFrontSigner("K1", "pem"),
    lambda: signing.GoogleCloudStorageSigner(client_email="a@b", private_key="pem"),
    lambda: signing.MediaCdnSigner("a", "b"),
):
    try:
        make()
    except signing_error as error:
        assert "needs the package cryptography: pip install 'xaccel[cloudfront]'" in str(error)
    else:
        raise AssertionError
"""
    script = "from xaccel.exceptions import ConfigError as signing_error\n" + script
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ)
