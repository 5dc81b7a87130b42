"""`Signer`, against vectors that hashlib and nginx agree on."""

import copy
import json
import pickle
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from xaccel.exceptions import BadSignature, ConfigError, SignatureExpired
from xaccel.signing import Signer, VerifiedUrl

VECTORS = json.loads((Path(__file__).parent / "vectors" / "signing.json").read_bytes())
SECRET = "0123456789abcdef"


def make_signer(vectors):
    names = ("algorithm", "key_param", "expires_param")
    return Signer(vectors["secrets"], **{name: vectors[name] for name in names})


def cases(kind):
    return [
        pytest.param(vectors, case, id=f"{vectors['name']}: {case.get('why', case['url'])}")
        for vectors in VECTORS["signers"]
        for case in vectors[kind]
    ]


pytestmark = pytest.mark.filterwarnings("ignore:a secret under 16 bytes")


@pytest.fixture(params=["hmac-sha256", "secure-link-md5"])
def signer(request):
    return Signer(SECRET, algorithm=request.param)


class TestVectors:
    @pytest.mark.parametrize(("vectors", "case"), cases("accept"))
    def test_sign(self, vectors, case):
        signer = make_signer(vectors)
        params = dict(case["params"])
        if len(params) == len(case["params"]):
            assert (
                signer.sign_path(case["path"], params=params, expires=case["expires"])
                == case["url"]
            )
        if not set("?#") & set(case["path"]):
            query = case["url"].partition("?")[2].rpartition(f"{signer.key_param}=")[0]
            assert signer.sign(f"{case['path']}?{query}", expires=case["expires"]) == case["url"]

    @pytest.mark.parametrize(("vectors", "case"), cases("accept") + cases("verify_only"))
    def test_verify(self, vectors, case):
        parts = make_signer(vectors).verify_parts(case["url"], now=case["expires"])
        assert parts.path == case["path"]
        assert parts.params == sorted(map(tuple, case["params"]), key=lambda param: param[0])
        assert parts.expires == case["expires"]

    @pytest.mark.parametrize(("vectors", "case"), cases("reject"))
    def test_reject(self, vectors, case):
        signer = make_signer(vectors)
        for verify in (signer.verify, signer.verify_parts):
            with pytest.raises(BadSignature) as caught:
                verify(case["url"], now=case["now"])
            assert caught.type.__name__ == case["error"]
            assert caught.value.public_message in {"Forbidden", "Gone"}


class TestSign:
    def test_the_query_is_kept_sorted_and_covered(self):
        signer = Signer(SECRET)
        url = signer.sign("/a?size=1+0&flag&Name=%c3%b6")
        assert url.startswith("/a?Name=%C3%B6&flag=&size=1%200&key=")
        assert url == signer.sign_path("/a", params={"flag": "", "size": "1 0", "Name": "ö"})
        assert signer.verify(url) == "/a?Name=%C3%B6&flag=&size=1%200"
        with pytest.raises(BadSignature, match="does not match any key"):
            signer.verify(url.replace("size=1", "size=2"))

    def test_md5_refuses_a_query(self):
        signer = Signer(SECRET, algorithm="secure-link-md5")
        for refused in (
            lambda: signer.sign("/a?b=c"),
            lambda: signer.sign_path("/a", params={"b": "c"}),
            lambda: signer.sign_many(["/a?b=c"]),
        ):
            with pytest.raises(ValueError, match=r"nginx's \$uri.*sign it as a path"):
                refused()
        assert signer.sign_path("/a?b=c").startswith("/a%3Fb%3Dc?key=")

    def test_an_empty_query_is_dropped(self, signer):
        assert signer.sign("/a?") == signer.sign("/a") == signer.sign_path("/a", params={})

    @pytest.mark.parametrize(
        "path", ["", "a", "//a", "/a//b", "/../a", "/a/.", "/a\0", "https://example.org/a"]
    )
    def test_refuses_paths_without_a_normal_form(self, signer, path):
        for sign in (signer.sign, signer.sign_path):
            with pytest.raises(ValueError, match="a path must"):
                sign(path)

    def test_refuses_a_fragment(self, signer):
        with pytest.raises(ValueError, match="can't have a fragment"):
            signer.sign("/a#b")

    @pytest.mark.parametrize("name", ["key", "KEY", "expires"])
    def test_refuses_reserved_parameters(self, name):
        with pytest.raises(ValueError, match=f"'?{name}.*reserved"):
            Signer(SECRET).sign(f"/a?{name}=1")

    def test_refuses_a_lone_surrogate(self, signer):
        with pytest.raises(ValueError, match="surrogate"):
            signer.sign("/\udcff")

    def test_many(self, signer):
        paths = [f"/{number}" for number in range(5)]
        expected = [signer.sign(path, expires=9) for path in paths]
        assert signer.sign_many(paths, expires=9) == expected
        assert signer.sign_many(iter(paths), expires=datetime.fromtimestamp(9, UTC)) == expected
        assert signer.sign_many([]) == []
        with pytest.raises(TypeError):
            signer.sign_many([1])


class TestExpiry:
    def test_is_valid_in_its_last_second(self, signer):
        url = signer.sign("/a", expires=100)
        assert url.endswith("&expires=100")
        assert signer.verify(url, now=100) == "/a"
        with pytest.raises(SignatureExpired, match="expired at 100; the time is now 101"):
            signer.verify(url, now=101)

    def test_reads_the_clock(self, signer):
        now = int(time.time())
        assert signer.verify(signer.sign("/a", expires=now + 3600)) == "/a"
        with pytest.raises(SignatureExpired):
            signer.verify(signer.sign("/a", expires=now - 3600))

    def test_a_changed_url_is_bad_not_expired(self, signer):
        url = signer.sign("/a", expires=100)
        with pytest.raises(BadSignature) as caught:
            signer.verify(url.replace("/a", "/b"), now=200)
        assert caught.type is BadSignature

    @pytest.mark.parametrize(
        "moment",
        [
            datetime(2030, 1, 1, tzinfo=UTC),
            datetime(2030, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC),
            datetime(2029, 12, 31, 17, tzinfo=timezone(timedelta(hours=-7))),
        ],
    )
    def test_aware_datetime(self, signer, moment):
        assert signer.sign("/a", expires=moment) == signer.sign("/a", expires=1893456000)

    def test_naive_datetime(self, signer):
        with pytest.raises(ValueError, match=r"naive datetime.*aware"):
            signer.sign("/a", expires=datetime(2030, 1, 1))  # noqa: DTZ001

    @pytest.mark.parametrize("expires", [0, -1, 2**63, -(2**63) - 1])
    def test_invalid(self, signer, expires):
        with pytest.raises(ValueError, match=r"1970|64 bits"):
            signer.sign("/a", expires=expires)

    @pytest.mark.parametrize("wrong", [1.5, "100", True, object()])
    def test_wrong_type(self, signer, wrong):
        with pytest.raises(TypeError, match="expires must be an int"):
            signer.sign("/a", expires=wrong)
        with pytest.raises(TypeError, match="expires_in must be an int"):
            signer.sign("/a", expires_in=wrong)

    @pytest.mark.parametrize("seconds", [1, 2, 7, 60, 3600, 86_400, 31_536_000])
    def test_a_lifetime_is_rounded_up_to_a_bucket(self, signer, seconds):
        before = int(time.time())
        urls = [
            signer.sign("/a", expires_in=seconds),
            signer.sign("/a", expires_in=timedelta(seconds=seconds - 0.5)),
        ]
        after = int(time.time())
        for url in urls:
            expires = signer.verify_parts(url).expires
            assert expires % max(1, seconds // 2) == 0
            assert before + seconds <= expires <= after + seconds * 1.5

    @pytest.mark.parametrize("seconds", [0, -1, timedelta(0), 2**63 - 1])
    def test_no_lifetime(self, signer, seconds):
        with pytest.raises(ValueError, match="positive number of seconds"):
            signer.sign("/a", expires_in=seconds)

    def test_one_or_the_other(self, signer):
        for sign in (signer.sign, signer.sign_path, signer.sign_many):
            with pytest.raises(ValueError, match="not both"):
                sign("/a", expires=1, expires_in=1)


class TestVerify:
    def test_tells_a_question_mark_from_a_query(self):
        signer = Signer(SECRET)
        as_path = signer.verify_parts(signer.sign_path("/a?b=c", expires=99), now=0)
        as_query = signer.verify_parts(signer.sign("/a?b=c"))
        assert (as_path.path, as_path.params, as_path.expires) == ("/a?b=c", [], 99)
        assert (as_query.path, as_query.params, as_query.expires) == ("/a", [("b", "c")], None)
        assert as_path != as_query
        assert as_query == signer.verify_parts(signer.sign("/a?b=c"))
        assert isinstance(as_path, VerifiedUrl)

    def test_one_spelling_of_a_path_with_both(self):
        signer = Signer(SECRET)
        assert signer.sign("/a?b=c") != signer.sign_path("/a?b=c")

    def test_a_lone_surrogate_is_bad(self, signer):
        with pytest.raises(BadSignature, match="UTF-8"):
            signer.verify("/\udcff?key=x")

    def test_shows_the_visitor_nothing(self, signer):
        with pytest.raises(BadSignature) as caught:
            signer.verify("/secret-path?key=x")
        assert "base64url" in str(caught.value)
        assert caught.value.public_message == "Forbidden"
        assert (caught.value.status_code, SignatureExpired.status_code) == (403, 410)


class TestSecrets:
    def test_the_first_signs_and_all_verify(self, signer):
        old = "an old secret, fedcba987"
        both = Signer([SECRET, old.encode()], algorithm=signer.algorithm)
        by_old = Signer(old, algorithm=signer.algorithm).sign("/a")
        assert both.sign("/a") == signer.sign("/a") != by_old
        assert both.verify(by_old) == "/a"
        with pytest.raises(BadSignature):
            signer.verify(by_old)

    def test_str_and_bytes_are_the_same(self, signer):
        same = Signer((SECRET.encode(),), algorithm=signer.algorithm)
        assert same.sign("/a") == signer.sign("/a")

    @pytest.mark.parametrize(
        ("secrets", "message"),
        [
            ([], "at least one secret"),
            ("", "secret 1 is empty"),
            ([SECRET, b"too short"], "secret 2 has 9 bytes; hmac-sha256 needs at least 16"),
            (None, "must be a str, bytes, or a list"),
            ([SECRET, 1], "must be a str, bytes, or a list"),
            ({1: 2}, "must be a str, bytes, or a list"),
        ],
    )
    def test_wrong_ones(self, secrets, message):
        with pytest.raises(ConfigError, match=message) as caught:
            Signer(secrets)
        assert "too short" not in str(caught.value)

    def test_a_short_md5_secret_warns(self):
        with pytest.warns(UserWarning, match="under 16 bytes") as caught:
            Signer("hunter2", algorithm="secure-link-md5")
        assert "hunter2" not in str(caught[0].message)
        assert caught[0].filename == __file__

    def test_wrong_names(self):
        with pytest.raises(ConfigError, match="'hmac-sha256' or 'secure-link-md5', not \"md5\""):
            Signer(SECRET, algorithm="md5")
        with pytest.raises(ConfigError, match="can't name a query parameter"):
            Signer(SECRET, key_param="a b")
        with pytest.raises(ConfigError, match="different names"):
            Signer(SECRET, expires_param="KEY")

    def test_settings_can_be_read(self):
        signer = Signer(SECRET, key_param="sig", expires_param="until")
        settings = (signer.algorithm, signer.key_param, signer.expires_param)
        assert settings == ("hmac-sha256", "sig", "until")
        with pytest.raises(AttributeError):
            signer.key_param = "x"

    def test_are_not_shown(self, signer):
        assert repr(signer) == f"<Signer {signer.algorithm} with 1 secret>"
        assert SECRET not in repr(Signer([SECRET, SECRET], algorithm=signer.algorithm))

    @pytest.mark.parametrize("copier", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_are_not_copied(self, signer, copier):
        with pytest.raises(TypeError, match=r"can't be copied or pickled.*secrets"):
            copier(signer)

    def test_derived_keys(self):
        import hashlib
        import hmac

        secrets = [SECRET, "another secret, older"]
        expected = [hmac.digest(s.encode(), b"xaccel url v1", hashlib.sha256) for s in secrets]
        assert Signer(secrets).derived_keys() == expected
        with pytest.raises(ValueError, match="the secret itself"):
            Signer(SECRET, algorithm="secure-link-md5").derived_keys()
