"""The table of requests for a private file and the expected answers, the same for all senders.

Every case applies to every server and framework. If a server itself behaves differently, `differs`
contains its answer and the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate

from tests.support.servers.files import MODIFIED, NAMES, SIZE

ETAG = "{etag}"
"""A placeholder for the file's ETag in a request."""

DAY = 86_400


def date(seconds: int = MODIFIED) -> str:
    return formatdate(seconds, usegmt=True)


Range = tuple[int, int]
"""The first and the last byte."""


@dataclass(frozen=True)
class Answer:
    """The status, and the ranges in a 206: one range, or several in a multipart body."""

    status: int
    ranges: tuple[Range, ...] = ()
    content_range: str | None = None


WHOLE = Answer(200)
NOT_MODIFIED = Answer(304)
FAILED = Answer(412)
UNSATISFIABLE = Answer(416, content_range=f"bytes */{SIZE}")
WITHOUT_SIZE = Answer(416)


def part(*ranges: Range) -> Answer:
    return Answer(206, ranges)


@dataclass(frozen=True)
class Case:
    """A request, its answer, and the servers that differ, with their answers and the reasons."""

    id: str
    answer: Answer
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    file: bytes = b"plain.txt"
    differs: Mapping[str, tuple[Answer, str]] = field(default_factory=dict)


def _range(text: str, answer: Answer, **differs: tuple[Answer, str]) -> Case:
    return Case(f"range {text}", answer, headers={"Range": text}, differs=differs)


def _condition(
    case_id: str, answer: Answer, headers: Mapping[str, str], **differs: tuple[Answer, str]
) -> Case:
    return Case(case_id, answer, headers=headers, differs=differs)


_STRICT = "nginx answers a malformed Range with 416, which RFC 9110 allows as well"
_STRICT_LIGHTTPD = "lighttpd, likewise, without saying the size"
_STRICT_CADDY = "Go, likewise, without saying the size"
_NO_SIZE_APACHE = "Apache's error page loses the Content-Range of mod_xsendfile's file"
_NO_SIZE_LIGHTTPD = "lighttpd's error page has no Content-Range"
_ANY_METHOD = "it turns every method into GET or HEAD before it reads Range"
_HEAD_RANGE = "it answers ranges for HEAD, too"

_MALFORMED: dict[str, tuple[Answer, str]] = {
    "nginx": (UNSATISFIABLE, _STRICT),
    "lighttpd": (WITHOUT_SIZE, _STRICT_LIGHTTPD),
    "caddy": (WITHOUT_SIZE, _STRICT_CADDY),
}
_BEYOND: dict[str, tuple[Answer, str]] = {
    "apache": (WITHOUT_SIZE, _NO_SIZE_APACHE),
    "lighttpd": (WITHOUT_SIZE, _NO_SIZE_LIGHTTPD),
}

CASES: tuple[Case, ...] = (
    Case("GET", WHOLE),
    Case("HEAD", WHOLE, "HEAD"),
    Case("POST", WHOLE, "POST"),
    # Ranges.
    _range("bytes=0-0", part((0, 0))),
    _range("bytes=0-99", part((0, 99))),
    _range("bytes=4990-", part((4990, 4999))),
    _range("bytes=-10", part((4990, 4999))),
    _range("bytes=4990-9999", part((4990, 4999))),
    _range("bytes=-9999", part((0, 4999))),
    _range("bytes=0-", part((0, 4999))),
    _range("bytes=0-9,9000-", part((0, 9))),
    _range("bytes=0-9,1000-1009,4990-4999", part((0, 9), (1000, 1009), (4990, 4999))),
    _range("bytes=4990-4999,0-9", part((4990, 4999), (0, 9))),
    _range(
        "bytes=0-99,50-149",
        part((0, 99), (50, 149)),
        apache=(part((0, 149)), "Apache joins what overlaps"),
        lighttpd=(part((0, 149)), "lighttpd joins what overlaps"),
    ),
    _range(
        "bytes=0-,0-,0-",
        WHOLE,
        apache=(part((0, 4999)), "Apache joins what overlaps"),
        lighttpd=(part((0, 4999)), "lighttpd joins what overlaps"),
    ),
    _range("bytes=5000-", UNSATISFIABLE, **_BEYOND),
    _range("bytes=9000-,9100-", UNSATISFIABLE, **_BEYOND),
    _range(
        "bytes=-0",
        UNSATISFIABLE,
        apache=(WHOLE, "Apache takes it for malformed"),
        lighttpd=(WITHOUT_SIZE, _NO_SIZE_LIGHTTPD),
        caddy=(
            Answer(206, content_range="bytes 5000-4999/5000"),
            "Go sends no byte and an invalid Content-Range",
        ),
    ),
    _range("bytes=a-b", WHOLE, **_MALFORMED),
    _range("bytes=5-2", WHOLE, **_MALFORMED),
    _range("bytes=99999999999999999999-", WHOLE, **_MALFORMED),
    _range("lines=0-1", WHOLE, caddy=(WITHOUT_SIZE, _STRICT_CADDY)),
    _range("bytes", WHOLE, caddy=(WITHOUT_SIZE, _STRICT_CADDY)),
    _range("BYTES=0-9", part((0, 9)), caddy=(WITHOUT_SIZE, "Go knows `bytes` in lower case only")),
    Case(
        "HEAD with a range",
        WHOLE,
        "HEAD",
        {"Range": "bytes=0-9"},
        differs={
            "nginx": (part((0, 9)), _HEAD_RANGE),
            "apache": (part((0, 9)), _HEAD_RANGE),
            "caddy": (part((0, 9)), _HEAD_RANGE),
        },
    ),
    Case(
        "POST with a range",
        WHOLE,
        "POST",
        {"Range": "bytes=0-9"},
        differs={
            "nginx": (part((0, 9)), _ANY_METHOD),
            "apache": (part((0, 9)), "Apache does ranges for any method"),
            "caddy": (part((0, 9)), _ANY_METHOD),
        },
    ),
    # Conditions.
    _condition("If-None-Match", NOT_MODIFIED, {"If-None-Match": ETAG}),
    _condition("If-None-Match, other", WHOLE, {"If-None-Match": '"x"'}),
    _condition("If-None-Match, any", NOT_MODIFIED, {"If-None-Match": "*"}),
    _condition("If-None-Match, weak", NOT_MODIFIED, {"If-None-Match": f"W/{ETAG}"}),
    _condition("If-None-Match, list", NOT_MODIFIED, {"If-None-Match": f'"x", {ETAG}'}),
    _condition(
        "If-None-Match before Range",
        NOT_MODIFIED,
        {"If-None-Match": ETAG, "Range": "bytes=0-9"},
    ),
    _condition("If-Modified-Since", NOT_MODIFIED, {"If-Modified-Since": date()}),
    _condition("If-Modified-Since, earlier", WHOLE, {"If-Modified-Since": date(MODIFIED - DAY)}),
    _condition(
        "If-Modified-Since, later",
        NOT_MODIFIED,
        {"If-Modified-Since": date(MODIFIED + DAY)},
        nginx=(WHOLE, "nginx wants the same date, without `if_modified_since before`"),
    ),
    _condition("If-Modified-Since, no date", WHOLE, {"If-Modified-Since": "yesterday"}),
    _condition(
        "If-None-Match before If-Modified-Since",
        WHOLE,
        {"If-None-Match": '"x"', "If-Modified-Since": date()},
    ),
    _condition("If-Match", WHOLE, {"If-Match": ETAG}),
    _condition("If-Match, any", WHOLE, {"If-Match": "*"}),
    _condition("If-Match, other", FAILED, {"If-Match": '"x"'}),
    _condition("If-Match, weak", FAILED, {"If-Match": f"W/{ETAG}"}),
    _condition("If-Match before Range", FAILED, {"If-Match": '"x"', "Range": "bytes=0-9"}),
    _condition("If-Unmodified-Since", WHOLE, {"If-Unmodified-Since": date()}),
    _condition("If-Unmodified-Since, later", WHOLE, {"If-Unmodified-Since": date(MODIFIED + DAY)}),
    _condition(
        "If-Unmodified-Since, earlier", FAILED, {"If-Unmodified-Since": date(MODIFIED - DAY)}
    ),
    _condition("If-Range", part((0, 9)), {"If-Range": ETAG, "Range": "bytes=0-9"}),
    _condition("If-Range, other", WHOLE, {"If-Range": '"x"', "Range": "bytes=0-9"}),
    _condition("If-Range, weak", WHOLE, {"If-Range": f"W/{ETAG}", "Range": "bytes=0-9"}),
    _condition("If-Range, date", part((0, 9)), {"If-Range": date(), "Range": "bytes=0-9"}),
    _condition(
        "If-Range, earlier", WHOLE, {"If-Range": date(MODIFIED - DAY), "Range": "bytes=0-9"}
    ),
    _condition("If-Range, later", WHOLE, {"If-Range": date(MODIFIED + DAY), "Range": "bytes=0-9"}),
    Case("HEAD, not modified", NOT_MODIFIED, "HEAD", {"If-None-Match": ETAG}),
    Case(
        "POST and If-None-Match",
        FAILED,
        "POST",
        {"If-None-Match": ETAG},
        differs={"caddy": (NOT_MODIFIED, "the generated configuration makes it a GET")},
    ),
    # Empty files.
    Case("empty", WHOLE, file=b"empty.txt"),
    Case("empty, HEAD", WHOLE, "HEAD", file=b"empty.txt"),
    Case("empty, not modified", NOT_MODIFIED, headers={"If-None-Match": ETAG}, file=b"empty.txt"),
    Case(
        "empty, range",
        WHOLE,
        headers={"Range": "bytes=0-"},
        file=b"empty.txt",
        differs={"caddy": (Answer(416, content_range="bytes */0"), "Go finds no byte to send")},
    ),
    Case(
        "empty, suffix",
        WHOLE,
        headers={"Range": "bytes=-1"},
        file=b"empty.txt",
        differs={
            "caddy": (
                Answer(206, content_range="bytes 0--1/0"),
                "Go sends an invalid Content-Range",
            )
        },
    ),
)

_NO_CONTROL = "a header field can't have control characters"
_NO_OUTER = "white space of Latin-1 at the end of a header field is cut off"
_RAW = {
    "outer-spaces": _NO_OUTER,
    "ends-in-a0": _NO_OUTER,
    "newline": _NO_CONTROL,
    "tab": _NO_CONTROL,
    "control": _NO_CONTROL,
}
_NO_UTF_8 = "lighttpd refuses a path that is not UTF-8"
_REPLACED = "lighttpd replaces control characters with '_'"
_AMBIGUOUS = "versions of Caddy differ in what '%', '?', '{' and '}' mean"

SENT_BY_THE_APP: dict[str, dict[str, str]] = {
    "direct": dict.fromkeys(NAMES, "no server is in front"),
    "nginx": {},
    "apache": _RAW,
    "lighttpd": {
        "newline": _REPLACED,
        "tab": _REPLACED,
        "control": _REPLACED,
        "latin-1": _NO_UTF_8,
        "invalid-utf-8": _NO_UTF_8,
        "surrogate": _NO_UTF_8,
    },
    "caddy": {
        **_RAW,
        **dict.fromkeys(
            ("percent", "escape", "escaped-slash", "question", "dollar", "braces"), _AMBIGUOUS
        ),
    },
}
"""Names that a header for a server can't contain, and the reasons. The app sends these files."""
