"""`PRIVATE_URL_SIGNER` and `THUMBNAIL_URL_SIGNER`: URLs on a CDN, with its signature and ours."""

from urllib.parse import unquote, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.exceptions import ConfigError
from xaccel.signing import (
    AkamaiSigner,
    BunnySigner,
    CloudflareSigner,
    CloudFrontSigner,
    FastlySigner,
    MediaCdnSigner,
)
from xaccel.wsgi import XAccel

from tests.support.thumbnail_endpoint import request
from tests.support.thumbnail_service import KEY, Service

HOST = "https://cdn.example.com"


def cloudfront():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return CloudFrontSigner("K2JCJMDEHXQW5F", pem)


SIGNERS = {
    "akamai": lambda: AkamaiSigner("a1b2c3d4" * 8),
    "bunny": lambda: BunnySigner("a key of bunny.net"),
    "cloudflare": lambda: CloudflareSigner("a key of Cloudflare", ttl=86400 * 60),
    "cloudfront": cloudfront,
    "fastly": lambda: FastlySigner("a" * 44),
    "media-cdn": lambda: MediaCdnSigner("keyset", "k" * 43),
}


@pytest.fixture(params=SIGNERS)
def signer(request):
    return SIGNERS[request.param]()


def origin_url(signed, unsigned):
    """Return the path and the query that the origin gets: without the CDN's parameters."""
    assert signed.startswith(f"{HOST}/")
    parts, ours = urlsplit(signed), urlsplit(unsigned)
    assert parts.path == ours.path
    assert parts.query.startswith(("key=", "token=", "as_attachment="))
    names = {"key", "expires", "as_attachment"}
    kept = "&".join(part for part in parts.query.split("&") if part.partition("=")[0] in names)
    assert kept != parts.query
    return unquote(parts.path), kept


def private(photos, **settings):
    return Config.from_mapping(
        {"ROOTS": {photos: "/_private/"}, "PRIVATE_URL": f"{HOST}/p/", "SECRET_KEYS": [KEY]}
        | settings
    )


def test_private_links(photos, signer):
    delivery = Delivery(private(photos, PRIVATE_URL_SIGNER=signer))
    plain = Delivery(private(photos, PRIVATE_URL="/p/"))
    signed = delivery.private_url("cat.jpg", expires_in=3600)
    path, query = origin_url(signed, plain.private_url("cat.jpg", expires_in=3600))
    if isinstance(signer, BunnySigner):
        query = query.partition("&expires")[0]
    assert delivery.respond(path, query, request()).status == 200
    assert delivery.respond(path, "", request()).status == 403
    # The CDN has to remove its own parameters.
    assert delivery.respond(path, urlsplit(signed).query, request()).status == 403
    with pytest.raises(ValueError, match="always expires"):
        delivery.private_url("cat.jpg")


def test_thumbnails(photos, signer):
    settings = {"THUMBNAIL_SOURCE": photos, "THUMBNAIL_HOST": HOST}
    plain = Service({"THUMBNAIL_SOURCE": photos})
    service = Service({**settings, "THUMBNAIL_URL_SIGNER": signer})
    for lifetime in ({}, {"expires_in": 3600}):
        signed = service.url("cat.jpg", 50, **lifetime)
        assert signed == service.url("cat.jpg", 50, **lifetime)
        path, query = origin_url(signed, plain.url("cat.jpg", 50, **lifetime))
        if isinstance(signer, BunnySigner):
            query = query.partition("&expires")[0]
        assert service.get(f"{path}?{query}").status == 200


def test_a_host_without_a_signer(photos):
    config = private(photos)
    assert config.private_url == "/p/"
    assert config.private_host == HOST
    assert Delivery(config).private_url("cat.jpg").startswith(f"{HOST}/p/_private/cat.jpg?key=")
    environ = {"HTTP_HOST": "shop.example.com", "wsgi.url_scheme": "http"}
    link = XAccel(config).private_url("cat.jpg", request=environ)
    assert link.startswith(f"{HOST}/p/")


def test_secrets_are_not_shown(photos):
    config = private(photos, PRIVATE_URL_SIGNER=BunnySigner("a key of bunny.net"))
    assert "bunny" not in repr(config).lower()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"PRIVATE_URL": "/p/", "PRIVATE_URL_SIGNER": BunnySigner("k" * 16)}, "PRIVATE_HOST"),
        ({"THUMBNAIL_URL_SIGNER": BunnySigner("k" * 16)}, "THUMBNAIL_HOST"),
        ({"PRIVATE_URL_SIGNER": BunnySigner}, "not a class"),
        ({"PRIVATE_URL_SIGNER": "a secret"}, "not str"),
        ({"PRIVATE_HOST": "https://other.example.com"}, "different hosts"),
        ({"PRIVATE_URL": "ftp://cdn.example.com/p/"}, "PRIVATE_URL"),
        ({"PRIVATE_URL": f"{HOST}"}, "PRIVATE_URL"),
        ({"PRIVATE_URL": None, "PRIVATE_HOST": HOST}, "PRIVATE_URL"),
    ],
)
def test_settings_that_do_not_fit(photos, settings, message):
    with pytest.raises(ConfigError, match=message) as raised:
        private(photos, **settings)
    assert "secret" not in str(raised.value)
