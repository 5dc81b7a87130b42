"""`S3Signer` writes, byte for byte, what botocore writes."""

import copy
import hashlib
import os
import pickle
import time
from datetime import UTC, datetime
from unittest import mock
from urllib.parse import parse_qs, quote, urlsplit

import botocore.auth
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, strategies as st
from xaccel.exceptions import ConfigError
from xaccel.signing import S3Signer

from tests.support.object_keys import object_keys

ACCESS, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "t+/=k"
ENDPOINT = "https://s3.example.com:9000"
EMPTY = hashlib.sha256(b"").hexdigest()


def make_signer(**options):
    names = {"access_key": ACCESS, "secret_key": SECRET, "region": "eu-central-1"}
    return S3Signer(**{**names, "endpoint": ENDPOINT, **options})


def by_botocore(kind, request, *options, now, token=None, region="eu-central-1"):
    """Let botocore sign a request at a time."""
    moment = datetime.fromtimestamp(now, UTC)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=moment):
        kind(Credentials(ACCESS, SECRET, token), "s3", region, *options).add_auth(request)
    return request


keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=100).filter(
    lambda key: not {".", ".."}.intersection(key.lower().replace("%2e", ".").split("/"))
)
times = st.integers(0, 253_402_300_799)


class TestPresign:
    @pytest.mark.parametrize("token", [None, TOKEN])
    def test_any_key(self, token):
        signer = make_signer(session_token=token)
        for number, key in enumerate(object_keys(400)):
            now = 1_700_000_000 + number * 86_399
            method = ("GET", "HEAD", "PUT", "DELETE")[number % 4]
            url = f"{ENDPOINT}/my.bucket/{quote(key, safe='/~')}"
            request = AWSRequest(method=method, url=url)
            expected = by_botocore(S3SigV4QueryAuth, request, 60, now=now, token=token)
            signed = signer.presign(method, f"s3://my.bucket/{key}", expires=now + 60, now=now)
            assert signed == expected.url, key

    @given(keys, times, st.integers(1, 604_800))
    def test_any_time(self, key, now, seconds):
        request = AWSRequest(method="GET", url=f"{ENDPOINT}/b/{quote(key, safe='/~')}")
        expected = by_botocore(S3SigV4QueryAuth, request, seconds, now=now)
        assert (
            make_signer().presign("GET", f"s3://b/{key}", expires=now + seconds, now=now)
            == expected.url
        )

    @pytest.mark.parametrize(
        ("endpoint", "base"),
        [
            ("https://s3.example.com", "https://my-bucket.s3.example.com"),
            ("http://S3.Example.com:80/", "http://my-bucket.s3.example.com"),
            ("http://localhost:8333", "http://my-bucket.localhost:8333"),
            (None, "https://my-bucket.s3.eu-west-3.amazonaws.com"),
        ],
    )
    def test_virtual_hosts(self, endpoint, base):
        signer = make_signer(endpoint=endpoint, addressing="virtual", region="eu-west-3")
        request = AWSRequest(method="GET", url=f"{base}/a%20b")
        expected = by_botocore(S3SigV4QueryAuth, request, 60, now=1_700_000_000, region="eu-west-3")
        signed = signer.presign(
            "GET", "s3://my-bucket/a b", expires=1_700_000_060, now=1_700_000_000
        )
        assert signed == expected.url

    def test_the_url_stays_the_same_within_a_bucket(self):
        signer = make_signer()
        at = [signer.presign("GET", "s3://b/k", expires_in=60, now=now) for now in (91, 120, 121)]
        assert at[0] == at[1] != at[2]

    @given(st.integers(1, 604_800), st.integers(1_000_000, 10_000_000_000))
    def test_a_lifetime(self, seconds, now):
        url = make_signer().presign("GET", "s3://b/k", expires_in=seconds, now=now)
        query = parse_qs(urlsplit(url).query)
        signed_at = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%S%z").timestamp()
        length = int(query["X-Amz-Expires"][0])
        assert signed_at <= now
        assert length <= 604_800
        assert seconds <= signed_at + length - now <= 1.5 * seconds

    @pytest.mark.parametrize(
        ("method", "url", "expiry", "message"),
        [
            ("GET", "s3://b/k", {}, "pass expires or expires_in"),
            ("GET", "s3://b/k", {"expires_in": 604_801}, "at most 604800 seconds, not 604801"),
            ("GET", "s3://b/k", {"expires": 5}, "is not after the current time"),
            ("GET", "s3://b/k", {"expires_in": 0}, "positive number"),
            ("G T", "s3://b/k", {"expires_in": 1}, '"G T" is not a valid HTTP method'),
            ("GET", "https://b/k", {"expires_in": 1}, "must be s3://bucket/key"),
            ("GET", "s3://b/../c/k", {"expires_in": 1}, "'..' segment"),
        ],
    )
    def test_refused(self, method, url, expiry, message):
        with pytest.raises(ValueError, match=message):
            make_signer().presign(method, url, **expiry)


class TestSignRequest:
    @pytest.mark.parametrize("token", [None, TOKEN])
    def test_any_key(self, token):
        signer = make_signer(session_token=token)
        for number, key in enumerate(object_keys(300)):
            now = 1_700_000_000 + number * 86_399
            headers = {"Range": f"bytes={number}-", "If-None-Match": ' "a   b" '}
            url = signer.url(f"s3://bucket/{key}")
            request = AWSRequest(method="GET", url=url, headers=dict(headers))
            expected = by_botocore(S3SigV4Auth, request, now=now, token=token).headers
            signed = signer.sign_request("GET", url, {**headers, "User-Agent": "x"}, EMPTY, now=now)
            assert signed.keys().isdisjoint(headers)
            assert dict(expected.items()) == {**headers, **signed}, key

    def test_a_body_and_a_query(self):
        body = b"<Delete/>"
        url = f"{ENDPOINT}/bucket/?versions&prefix=a%2Fb%20c&list-type=2&marker="
        request = AWSRequest(method="POST", url=url, data=body)
        canonical = f"{ENDPOINT}/bucket/?versions=&prefix=a%2Fb%20c&list-type=2&marker="
        request.url = canonical
        expected = by_botocore(S3SigV4Auth, request, now=1_700_000_000).headers
        signed = make_signer().sign_request(
            "POST", url, {}, hashlib.sha256(body).hexdigest(), now=1_700_000_000
        )
        assert signed == dict(expected.items())

    @pytest.mark.parametrize(
        ("url", "headers", "message"),
        [
            ("/bucket/key", {}, "must be absolute"),
            ("https://a/b c", {}, "percent-encoded"),
            ("https://a/b", {"A b": "c"}, "not a valid HTTP method or header"),
            ("https://a/b", {"A": "c\r\nd: e"}, "not a valid HTTP method or header"),
        ],
    )
    def test_refused(self, url, headers, message):
        with pytest.raises(ValueError, match=message):
            make_signer().sign_request("GET", url, headers, EMPTY)


class TestSigner:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"access_key": ""}, "access_key must be printable ASCII"),
            ({"access_key": "a/b"}, "access_key must be printable ASCII"),
            ({"region": "eu central"}, "region must be printable ASCII"),
            ({"secret_key": ""}, "secret 1 is empty"),
            ({"session_token": "a\n"}, "session token"),
            ({"endpoint": "s3.example.com"}, "endpoint must be https://host"),
            ({"addressing": "vhost"}, "'path' or 'virtual', not \"vhost\""),
        ],
    )
    def test_wrong_arguments(self, options, message):
        with pytest.raises(ConfigError, match=message) as caught:
            make_signer(**options)
        assert SECRET not in str(caught.value)

    def test_the_secrets_stay_inside(self):
        signer = make_signer(session_token=TOKEN)
        assert not any(text in repr(signer) for text in (ACCESS, SECRET, TOKEN))
        for copier in (pickle.dumps, copy.copy):
            with pytest.raises(TypeError, match="can't be copied or pickled"):
                copier(signer)

    def test_works_after_fork(self):
        signer = make_signer()
        now = int(time.time())
        expected = signer.presign("GET", "s3://b/k", expires=now + 60, now=now)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            signed = signer.presign("GET", "s3://b/k", expires=now + 60, now=now)
            os.write(writing, signed.encode())
            os._exit(0)
        os.close(writing)
        with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor
            assert pipe.read().decode() == expected
        assert os.waitpid(child, 0)[1] == 0
