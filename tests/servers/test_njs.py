"""The verifier in njs, in a real nginx, accepts and refuses the same URLs as `Signer`."""

import base64
import json
import time
from pathlib import Path

import pytest
from xaccel import Signer
from xaccel.servers.nginx import thumbnails as nginx_thumbnails

from tests.support.servers.nginx import nginx

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "signing.json").read_bytes())
SIGNERS = [
    signer
    for signer in VECTORS["signers"]
    if signer["algorithm"] == "hmac-sha256" and signer["key_param"] == "key"
]
# nginx itself answers these before any script runs, or a client can't even send them.
UNSENDABLE = "\r\n\0 "


def as_sent(url):
    """A URL as the bytes of a request line hold it, or `None`."""
    if not url.startswith("/") or not set(url).isdisjoint(UNSENDABLE) or not url.isprintable():
        return None
    return url.encode().decode("latin-1")


@pytest.fixture(scope="module")
def verifier(tmp_path_factory):
    def block(number, signer):
        keys = Signer(signer["secrets"]).derived_keys()
        text = ",".join(base64.urlsafe_b64encode(key).rstrip(b"=").decode() for key in keys)
        return f"""
            server {{
                listen $ADDRESS;
                server_name signer{number};
                set $xaccel_keys "{text}";
                set $xaccel_lifetime "public, max-age=2592000";
                location / {{
                    add_header Link "$xaccel_signature;$xaccel_bounded" always;
                    return 204;
                }}
            }}
        """

    http = f"""
        map "$uri $request_uri" $xaccel_link {{ {" ".join(nginx_thumbnails.LINK_MAP)} }}
        js_import xaccel from {nginx_thumbnails.SCRIPT};
        js_set $xaccel_signature xaccel.verify;
        js_set $xaccel_bounded xaccel.bounded;
        {"".join(block(*item) for item in enumerate(SIGNERS))}
    """
    directory = tmp_path_factory.mktemp("njs")
    with nginx(directory, http, modules=("ngx_http_js_module",)) as server:
        yield server


def verify(server, number, url):
    """The value of the variable; `None` where nginx refuses the request itself."""
    connection = server._connection
    connection.putrequest("GET", "/", skip_host=True)
    connection._buffer[0] = b"GET " + url.encode("latin-1") + b" HTTP/1.1"
    connection.putheader("Host", f"signer{number}")
    connection.endheaders()
    response = connection.getresponse()
    response.read()
    if response.status == 400:
        return None
    assert response.status == 204, url
    return response.headers["Link"].split(";")[0]


@pytest.mark.parametrize("number", range(len(SIGNERS)), ids=[s["name"] for s in SIGNERS])
def test_accepts_the_same_urls_as_the_signer(verifier, number):
    accepted = [*SIGNERS[number]["accept"], *SIGNERS[number]["verify_only"]]
    urls = [as_sent(case["url"]) for case in accepted if not case["params"]]
    assert len(urls) >= 4
    assert None not in urls
    for url in urls:
        assert verify(verifier, number, url) == "1", url


@pytest.mark.parametrize("number", range(len(SIGNERS)), ids=[s["name"] for s in SIGNERS])
def test_refuses_the_same_urls_as_the_signer(verifier, number):
    rejected = [case for case in SIGNERS[number]["reject"] if case["error"] == "BadSignature"]
    urls = [(case["why"], as_sent(case["url"])) for case in rejected]
    sent = [case for case in urls if case[1] is not None]
    assert len(sent) >= 2
    for why, url in sent:
        assert verify(verifier, number, url) in {"", None}, (why, url)


def test_queries_are_not_for_thumbnails(verifier):
    for case in SIGNERS[0]["accept"]:
        if case["params"]:
            assert verify(verifier, 0, as_sent(case["url"])) == "", case["url"]


def test_expiry(verifier):
    signer = Signer(SIGNERS[0]["secrets"])
    now = int(time.time())
    assert verify(verifier, 0, signer.sign("/a", expires=now + 60)) == "1"
    assert verify(verifier, 0, signer.sign("/a", expires=now - 1)) == "0"
    assert verify(verifier, 0, signer.sign("/a", expires=2**63 - 1)) == "1"
    expired = signer.sign("/a", expires=now - 1)
    assert verify(verifier, 0, expired.replace("/a", "/b")) == ""


def test_caches_keep_nothing_longer_than_its_url_is_valid(verifier):
    now = int(time.time())
    for expires, most in ((now + 60, 60), (now + 10**9, 2592000), (now - 60, 0)):
        verifier._connection.request("GET", f"/a?expires={expires}", headers={"Host": "signer0"})
        response = verifier._connection.getresponse()
        response.read()
        cache_control = response.headers["Link"].split(";")[1]
        age = int(cache_control.removeprefix("public, max-age="))
        assert most - 30 <= age <= most or age == most == 0
