"""A real S3 server accepts what `S3Signer` signs."""

import hashlib
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from xaccel.signing import S3Signer

from tests.support.object_keys import object_keys
from tests.support.servers.process import PATIENCE

EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.fixture(scope="module")
def signer(s3):
    signer = S3Signer(
        access_key=s3.access_key,
        secret_key=s3.secret_key,
        region=s3.region,
        endpoint=s3.endpoint,
    )
    assert request("PUT", signer.presign("PUT", "s3://bucket", expires_in=60))[0] == 200
    return signer


def request(method, url, headers=None, body=None):
    """Send a request, and return its status, headers and body."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=PATIENCE)
    try:
        connection.request(method, url[url.index("/", 8) :], body, headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def test_presigned_requests(signer):
    def presigned(method, **sent):
        return request(
            method, signer.presign(method, "s3://bucket/a b/ä+~.txt", expires_in=60), **sent
        )

    assert presigned("PUT", body=b"0123456789")[0] == 200
    status, headers, body = presigned("GET")
    assert (status, body) == (200, b"0123456789")
    status, headers, body = presigned("HEAD")
    assert (status, headers["Content-Length"], body) == (200, "10", b"")
    status, headers, body = presigned("GET", headers={"Range": "bytes=2-4"})
    assert (status, headers["Content-Range"], body) == (206, "bytes 2-4/10", b"234")
    assert presigned("DELETE")[0] == 204
    assert presigned("GET")[0] == 404


def test_wrong_signatures(s3, signer):
    assert (
        request("PUT", signer.presign("PUT", "s3://bucket/k", expires_in=60), body=b"k")[0] == 200
    )
    url = signer.sign("s3://bucket/k", expires_in=60)
    assert request("GET", url)[0] == 200
    assert request("HEAD", url)[0] == 403
    assert request("GET", url.replace("/k?", "/l?"))[0] == 403
    assert request("GET", url.replace("X-Amz-Expires=90", "X-Amz-Expires=91"))[0] == 403
    past = signer.presign("GET", "s3://bucket/k", expires=1_700_000_060, now=1_700_000_000)
    assert request("GET", past)[0] == 403
    assert request("GET", f"{s3.endpoint}/bucket/k")[0] == 403


def test_signed_requests(signer):
    body = b"signed"
    url = signer.url("s3://bucket/signed, (1).txt")
    headers = {"Content-Type": "text/plain", "If-None-Match": "*"}
    digest = hashlib.sha256(body).hexdigest()
    added = signer.sign_request("PUT", url, headers, digest)
    assert request("PUT", url, {**headers, **added}, body)[0] == 200
    headers = {"Range": "bytes=1-2"}
    added = signer.sign_request("GET", url, headers, EMPTY)
    assert request("GET", url, {**headers, **added})[::2] == (206, b"ig")
    unsigned = signer.sign_request("GET", url, {}, "UNSIGNED-PAYLOAD")
    assert request("GET", url, unsigned)[::2] == (200, body)
    changed = {**added, "Range": "bytes=0-2"}
    assert request("GET", url, changed)[0] == 403
    listing = signer.url("s3://bucket") + "?list-type=2&prefix=signed%2C%20"
    status, _, text = request("GET", listing, signer.sign_request("GET", listing, {}, EMPTY))
    assert status == 200
    assert b"<Key>signed, (1).txt</Key>" in text


def test_awkward_keys(signer):
    """Those that the server can store: it keeps them as files, whose names are shorter."""
    stored = 0
    for key in object_keys(600):
        segments = key.split("/")
        longest = max(len(segment.encode()) for segment in segments)
        if "" in segments or longest > 255 or not key.isprintable():
            continue
        url = f"s3://bucket/{key}"
        body = key.encode()
        put = request("PUT", signer.presign("PUT", url, expires_in=60), body=body)
        assert put[0] == 200, (key, put[2])
        assert request("GET", signer.sign(url, expires_in=60))[::2] == (200, body), key
        stored += 1
    assert stored > 60
