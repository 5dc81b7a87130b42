"""How a file is presented: its type, name, caching and other headers."""

from __future__ import annotations

import inspect
import mimetypes
import os
import re
import unicodedata
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypedDict, TypeVar

from xaccel.delivery import scripts
from xaccel.delivery.response import (
    NOSNIFF,
    Headers,
)
from xaccel.delivery.rfc9110 import parse_http_date
from xaccel.exceptions import ConfigError
from xaccel.servers.dialects import is_offload_header

Function = TypeVar("Function", bound=Callable[..., Any])

# Characters that end or disguise a file name: control characters, and characters that change the
# direction of text ("gpj.exe" shown as "exe.jpg").
_DISGUISE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NOT_IN_FALLBACK = re.compile(r'[^\x20-\x7e]|["\\%/]')
_NOT_IN_VALUE = re.compile(r"[\x00-\x1f\x7f]|[^\x00-\xff]")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_ETAG = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')
# `attr-char` in RFC 8187, except letters and digits, which `quote` never encodes.
_ATTR_CHAR = "!#$&+-.^_`|~"
# Headers that the sender of a file computes. A wrong length would break the connection.
OF_SENDER = frozenset({"accept-ranges", "content-length", "content-range", "transfer-encoding"})
# Text types other than text/* and */*+xml. Flask and other frameworks also send them as UTF-8.
_TEXT = frozenset(
    {
        "application/ecmascript",
        "application/javascript",
        "application/json",
        "application/xml",
        "application/xml-dtd",
        "application/xml-external-parsed-entity",
    }
)
_TYPE = "content-type"


class FileKeywords(TypedDict, total=False):
    """The keyword arguments of every `send_private_file()`. See `FileOptions` for defaults."""

    root: str | os.PathLike[str] | None
    mimetype: str | None
    as_attachment: bool
    download_name: str | None
    max_age: int | None
    headers: Mapping[str, str] | None
    limit_rate: int | None
    allow_scripts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """A file's root and presentation. The names are the same as in Flask's `send_file`.

    Raises:
        ConfigError: `limit_rate` is not positive. Some servers would treat this as no limit.
        ValueError: `mimetype` or `headers` can't be sent; the message says why.
    """

    root: str | os.PathLike[str] | None = None
    """The root that a relative path belongs to. Not needed if there is only one root."""
    mimetype: str | None = None
    """The media type. By default, it is guessed from the file name."""
    as_attachment: bool = False
    """Whether the browser should save the file instead of showing it."""
    download_name: str | None = None
    """The name under which the browser saves the file. By default, the name of the file."""
    max_age: int | None = None
    """How long the visitor's browser may cache the response, in seconds."""
    headers: Mapping[str, str] | None = None
    """Additional response headers. They replace any headers of the same name that xaccel sets.
    Conditional requests are checked against `ETag` and `Last-Modified`."""
    limit_rate: int | None = None
    """The maximum rate in bytes per second, if the server supports a limit. By default, there is
    no limit."""
    allow_scripts: bool = False
    """Whether browsers may run scripts in an HTML, SVG or XML file. Enable this only for files that
    you trust as much as your own pages."""

    def __post_init__(self) -> None:
        if self.limit_rate is not None and self.limit_rate < 1:
            raise ConfigError(
                f"limit_rate={self.limit_rate!r} must be a positive number of bytes per second; "
                "leave it out for no limit"
            )
        if self.mimetype is not None:
            _check_value("mimetype", self.mimetype)
        for name, value in (self.headers or {}).items():
            _check_header(name, value)


def shows_file_keywords(function: Function) -> Function:
    """Make `help()` show the keywords of `FileKeywords` one by one, with their defaults."""
    signature = inspect.signature(function)
    *parameters, _ = signature.parameters.values()
    parameters += [
        inspect.Parameter(
            option.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=option.default,
            annotation=option.type,
        )
        for option in fields(FileOptions)
    ]
    function.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return function


def _check_value(argument: str, value: object) -> None:
    """Refuse a value that is not valid in a header, or that would start another header."""
    if not isinstance(value, str) or _NOT_IN_VALUE.search(value):
        raise ValueError(
            f"{argument}={value!r} can't be sent in a header: it must be Latin-1 text without "
            "control characters"
        )


def _check_header(name: object, value: object) -> None:
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise ValueError(f"headers: {name!r} is not the name of a header")
    _check_value(f"headers[{name!r}]", value)
    lower = name.lower()
    if lower in OF_SENDER:
        raise ValueError(
            f"headers: {name!r} can't be set, because it depends on which part of the file is sent"
        )
    if lower == "etag" and not _ETAG.fullmatch(str(value)):
        raise ValueError(f"headers['ETag'] must be a string in double quotes, not {value!r}")
    if lower == "last-modified" and parse_http_date(str(value)) is None:
        raise ValueError(f"headers['Last-Modified'] must be an HTTP date, not {value!r}")


def content_disposition(name: str, *, as_attachment: bool) -> str:
    """Return a Content-Disposition value (RFC 6266). Non-ASCII names use UTF-8 (RFC 8187)."""
    name = _DISGUISE.sub("_", name)
    disposition = "attachment" if as_attachment else "inline"
    if name.isascii():
        letters = name
    else:
        # "Vögel" becomes "Vogel" for the few clients that do not support UTF-8.
        decomposed = unicodedata.normalize("NFKD", name)
        letters = "".join(filter(lambda letter: not unicodedata.combining(letter), decomposed))
    fallback = _NOT_IN_FALLBACK.sub("_", letters)
    if fallback == name:
        return f'{disposition}; filename="{name}"'
    encoded = urllib.parse.quote(name.encode(errors="replace"), safe=_ATTR_CHAR)
    return f"{disposition}; filename=\"{fallback}\"; filename*=UTF-8''{encoded}"


def presentation(name: str, options: FileOptions, *, allow_scripts: bool = False) -> Headers:
    """Return the headers that describe a file, whether the server or the app sends it.

    Args:
        name: The name of the file.
        options: How the file is presented.
        allow_scripts: Whether the settings trust all files, regardless of the options.
    """
    name = options.download_name or name
    headers = {
        "Content-Type": _with_charset(options.mimetype or _guess_type(name)),
        NOSNIFF[0]: NOSNIFF[1],
    }
    if options.as_attachment or options.download_name:
        headers["Content-Disposition"] = content_disposition(
            name, as_attachment=options.as_attachment
        )
    headers["Cache-Control"] = private_cache_control(options.max_age)
    given = options.headers or {}
    kept = tuple(pair for pair in given.items() if not is_offload_header(pair[0]))
    overridden = {field_name.lower() for field_name in given}
    result = (*(pair for pair in headers.items() if pair[0].lower() not in overridden), *kept)
    content_type = next(value for field_name, value in result if field_name.lower() == _TYPE)
    if allow_scripts or scripts.HEADER.lower() in overridden or not scripts.may_run(content_type):
        return result
    policy = scripts.NO_POLICY if options.allow_scripts else scripts.SANDBOX
    return (*result, (scripts.HEADER, policy))


def private_cache_control(max_age: int | None) -> str:
    """Return the Cache-Control value for a private file; `max_age` is in seconds."""
    return "private, no-cache" if max_age is None else f"private, max-age={max_age:d}"


def _guess_type(name: str) -> str:
    mimetype, encoding = mimetypes.guess_type(name)
    # "a.tar.gz" is a gzip file, not a tar archive.
    return "application/octet-stream" if mimetype is None or encoding is not None else mimetype


def _with_charset(mimetype: str) -> str:
    """Add `charset=utf-8` to a text type that has no parameters."""
    kind = mimetype.lower()
    if ";" in kind or not (kind.startswith("text/") or kind.endswith("+xml") or kind in _TEXT):
        return mimetype
    return f"{mimetype}; charset=utf-8"
