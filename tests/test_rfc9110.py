import pytest
from xaccel.delivery.rfc9110 import (
    MAX_RANGES,
    Conditions,
    Validators,
    http_date,
    parse_http_date,
    precondition_status,
    requested_ranges,
)

MODIFIED = 784111777
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
LATER = "Sun, 06 Nov 1994 08:49:38 GMT"
VALIDATORS = Validators.of_file(size=1000, mtime=MODIFIED)
ETAG = VALIDATORS.etag


def test_validators_are_those_of_nginx():
    assert VALIDATORS.etag == '"2ebc98a1-3e8"'
    assert http_date(MODIFIED) == DATE


OUT_OF_RANGE = [
    "Thu, 01 Jan 99999999999999999999 00:00:00 GMT",
    "Thu, 99999999999999999999999 Jan 2000 00:00:00 GMT",
    "Sun, 06 Nov 1994 99999999999999999999:49:37 GMT",
    "Mon, 01 Jan 2024 00:00:00 +999999999999",
]


@pytest.mark.parametrize(
    "text", ["", "yesterday", "Sun, 99 Nov 1994 99:99:99 GMT", "0", "\0", *OUT_OF_RANGE]
)
def test_an_invalid_date_is_ignored(text):
    assert parse_http_date(text) is None


@pytest.mark.parametrize("text", OUT_OF_RANGE)
def test_dates_out_of_range_are_ignored_in_requests(text):
    for name in ("if_modified_since", "if_unmodified_since"):
        assert precondition_status(Conditions("GET", **{name: text}), VALIDATORS) is None
    asked = Conditions("GET", range="bytes=0-1", if_range=text)
    assert requested_ranges(asked, VALIDATORS, 1000) is None


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        (-(1 << 62), "Wed, 01 Jan 1000 00:00:00 GMT"),
        (1 << 62, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ],
)
def test_times_that_only_file_systems_have(seconds, expected):
    assert http_date(seconds) == expected


def test_validators_of_headers():
    headers = [("etag", ETAG), ("LAST-modified", DATE)]
    assert Validators.of_headers(headers) == VALIDATORS
    assert Validators.of_headers([]) == Validators("", None)
    assert Validators("", None).headers == ()


@pytest.mark.parametrize(
    ("method", "fields", "status"),
    [
        ("GET", {}, None),
        ("GET", {"if_none_match": ETAG}, 304),
        ("HEAD", {"if_none_match": ETAG}, 304),
        ("POST", {"if_none_match": ETAG}, 412),
        ("GET", {"if_none_match": f"W/{ETAG}"}, 304),
        ("GET", {"if_none_match": f'"a", {ETAG}, "b"'}, 304),
        ("GET", {"if_none_match": "*"}, 304),
        ("GET", {"if_none_match": '"other"'}, None),
        ("GET", {"if_none_match": ETAG.strip('"')}, None),
        ("GET", {"if_modified_since": DATE}, 304),
        ("GET", {"if_modified_since": LATER}, 304),
        ("GET", {"if_modified_since": EARLIER}, None),
        ("GET", {"if_modified_since": "nonsense"}, None),
        ("POST", {"if_modified_since": DATE}, None),
        # If-None-Match makes If-Modified-Since void (RFC 9110, section 13.1.3).
        ("GET", {"if_none_match": '"other"', "if_modified_since": DATE}, None),
        ("GET", {"if_match": ETAG}, None),
        ("GET", {"if_match": "*"}, None),
        ("GET", {"if_match": '"other"'}, 412),
        ("GET", {"if_match": f"W/{ETAG}"}, 412),
        ("GET", {"if_unmodified_since": DATE}, None),
        ("GET", {"if_unmodified_since": EARLIER}, 412),
        ("GET", {"if_unmodified_since": "nonsense"}, None),
        ("GET", {"if_match": ETAG, "if_unmodified_since": EARLIER}, None),
        ("GET", {"if_match": ETAG, "if_none_match": ETAG}, 304),
        ("GET", {"if_match": '"other"', "if_none_match": ETAG}, 412),
    ],
)
def test_preconditions(method, fields, status):
    assert precondition_status(Conditions(method, **fields), VALIDATORS) == status


@pytest.mark.parametrize(
    ("field", "ranges"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-999", [(0, 1000)]),
        ("bytes=0-99999", [(0, 1000)]),
        ("bytes=500-", [(500, 500)]),
        ("bytes=-1", [(999, 1)]),
        ("bytes=-99999", [(0, 1000)]),
        ("Bytes=0-0", [(0, 1)]),
        ("bytes=0-0, 5-9 ,\t-1", [(0, 1), (5, 5), (999, 1)]),
        ("bytes=1000-", []),
        ("bytes=1000-,0-0", [(0, 1)]),
        ("bytes=-0", []),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=5-1", None),
        ("bytes=+1-2", None),
        ("bytes=1-2,", None),
        ("bytes=\u0661-2", None),
        ("bytes=0-" + "9" * 5000, None),
        ("lines=0-1", None),
        ("0-1", None),
        ("bytes=0-999,0-0", None),
        ("bytes=" + ",".join(["0-0"] * MAX_RANGES), [(0, 1)] * MAX_RANGES),
        ("bytes=" + ",".join(["0-0"] * (MAX_RANGES + 1)), None),
    ],
)
def test_ranges(field, ranges):
    assert requested_ranges(Conditions("GET", range=field), VALIDATORS, 1000) == ranges


@pytest.mark.parametrize(
    ("if_range", "honoured"),
    [
        (ETAG, True),
        (f"W/{ETAG}", False),
        ('"other"', False),
        (DATE, True),
        (LATER, False),
        (EARLIER, False),
        ("nonsense", False),
    ],
)
def test_if_range(if_range, honoured):
    conditions = Conditions("GET", range="bytes=0-0", if_range=if_range)
    ranges = requested_ranges(conditions, VALIDATORS, 1000)
    assert ranges == ([(0, 1)] if honoured else None)


def test_ranges_are_for_get_and_for_what_is_not_empty():
    assert requested_ranges(Conditions("HEAD", range="bytes=0-0"), VALIDATORS, 1000) is None
    assert requested_ranges(Conditions("POST", range="bytes=0-0"), VALIDATORS, 1000) is None
    assert requested_ranges(Conditions("GET", range="bytes=0-0"), VALIDATORS, 0) is None
