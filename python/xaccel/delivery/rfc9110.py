"""Validators, preconditions and ranges for files that the app sends.

This module implements RFC 9110, sections 8.8 (validators), 13 (conditional requests) and 14
(ranges). It depends on neither files nor frameworks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache
from typing import NamedTuple, TypeAlias

Range: TypeAlias = tuple[int, int]
"""The position of the first byte, and the length."""

MAX_RANGES = 16
"""Requests with more ranges than this get the whole file, as RFC 9110, section 14.2, allows."""

_ETAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_RANGE = re.compile(r"([0-9]*)-([0-9]*)")
_FIRST_SECOND = int(datetime(1000, 1, 1, tzinfo=UTC).timestamp())
_LAST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
_MAX_DIGITS = 18  # enough for any file; more digits would be slow to convert


class Validators(NamedTuple):
    """The validators that distinguish the states of a resource.

    `etag` includes its quotes, and `W/` if it is weak. An empty string means no entity tag.
    `modified` is in whole seconds since 1970, or `None` if it is unknown.
    """

    etag: str
    modified: int | None

    @classmethod
    def of_file(cls, size: int, mtime: int) -> Validators:
        """Return the same validators as nginx, so that caches stay valid behind nginx."""
        return cls(f'"{mtime:x}-{size:x}"', mtime)

    @classmethod
    def of_headers(cls, headers: Iterable[tuple[str, str]]) -> Validators:
        """Return the validators from the header fields of a response."""
        fields = {name.lower(): value for name, value in headers}
        return cls(fields.get("etag", ""), parse_http_date(fields.get("last-modified", "")))

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the validators as header fields of a response."""
        etag = (("ETag", self.etag),) if self.etag else ()
        if self.modified is None:
            return etag
        return *etag, ("Last-Modified", http_date(self.modified))


class Conditions(NamedTuple):
    """The request header fields that a response depends on; `None` if a field is absent."""

    method: str
    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_unmodified_since: str | None = None
    if_range: str | None = None
    range: str | None = None


@lru_cache(maxsize=1024)
def http_date(seconds: int) -> str:
    """Return an IMF-fixdate, such as `Sun, 06 Nov 1994 08:49:37 GMT`.

    HTTP dates cannot express years before 1000 or after 9999, but file systems can store them.
    Times in such years become the nearest valid date.
    """
    return formatdate(min(max(seconds, _FIRST_SECOND), _LAST_SECOND), usegmt=True)


def parse_http_date(text: str) -> int | None:
    """Return seconds since 1970, or `None` if the text is not a date or is out of range."""
    try:
        date = parsedate_to_datetime(text)
        return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
    except (OverflowError, ValueError):
        return None


def precondition_status(conditions: Conditions, validators: Validators) -> int | None:
    """Return the status that ends a request early (304 or 412), or `None` to continue.

    The preconditions are evaluated in the order of RFC 9110, section 13.2.2.
    """
    reads = conditions.method in {"GET", "HEAD"}
    if conditions.if_match is not None:
        if not _matches(conditions.if_match, validators.etag, weak=False):
            return 412
    elif conditions.if_unmodified_since is not None:
        date = parse_http_date(conditions.if_unmodified_since)
        if date is not None and validators.modified is not None and validators.modified > date:
            return 412
    if conditions.if_none_match is not None:
        if _matches(conditions.if_none_match, validators.etag, weak=True):
            return 304 if reads else 412
    elif conditions.if_modified_since is not None and reads:
        date = parse_http_date(conditions.if_modified_since)
        if date is not None and validators.modified is not None and validators.modified <= date:
            return 304
    return None


def requested_ranges(
    conditions: Conditions, validators: Validators, size: int
) -> Sequence[Range] | None:
    """Return the requested ranges of a file with `size` bytes; `None` means the whole file.

    The result is empty if no range can be satisfied (416). The `Range` field is ignored if it is
    malformed, if it uses another unit, or if `If-Range` fails. As section 14.2 allows, it is also
    ignored if its ranges together contain more bytes than the file.
    """
    if conditions.range is None or conditions.method != "GET" or size == 0:
        return None
    if conditions.if_range is not None and not is_current(conditions.if_range, validators):
        return None
    unit, _, text = conditions.range.partition("=")
    asked = text.split(",", MAX_RANGES)
    if unit.strip().lower() != "bytes" or len(asked) > MAX_RANGES:
        return None
    ranges = [_range(item.strip(" \t"), size) for item in asked]
    satisfiable = [part for part in ranges if part is not None and part[1] > 0]
    if None in ranges or sum(length for _, length in satisfiable) > size:
        return None
    return satisfiable


def _range(item: str, size: int) -> Range | None:
    """Parse one `first-last`, `first-` or `-length`. Returns `None` if it is malformed.

    A range beyond the end has a length of 0 or less.
    """
    match = _RANGE.fullmatch(item)
    if match is None or item == "-" or max(map(len, match.groups())) > _MAX_DIGITS:
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), min(size, int(last))
    if last and int(last) < int(first):
        return None
    end = min(size, int(last) + 1) if last else size
    return int(first), end - int(first)


def _matches(field: str, etag: str, *, weak: bool) -> bool:
    """Whether a list of entity tags contains this tag. `*` matches any tag."""
    if field.strip() == "*":
        return True
    if not weak and etag.startswith("W/"):
        return False
    opaque = etag.removeprefix("W/")
    return any(tag == opaque and (weak or not is_weak) for is_weak, tag in _ETAG.findall(field))


def is_current(if_range: str, validators: Validators) -> bool:
    """Whether a range may be sent, because an `If-Range` matches the current state."""
    if if_range.lstrip().startswith(('"', "W/")):
        return if_range.strip() == validators.etag and not validators.etag.startswith("W/")
    date = parse_http_date(if_range)
    return date is not None and date == validators.modified
