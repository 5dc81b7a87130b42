"""How a file is presented: its type, name, caching and further headers."""

from __future__ import annotations

import inspect
import mimetypes
import os
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypedDict, TypeVar

from xaccel.delivery.response import (
    NOSNIFF,
    Headers,
)
from xaccel.exceptions import ConfigError
from xaccel.servers.dialects import is_offload_header

Function = TypeVar("Function", bound=Callable[..., Any])

# Characters that end or disguise a file name: control characters, and those that change the
# direction of text ("gpj.exe" shown as "exe.jpg").
_DISGUISE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NOT_IN_FALLBACK = re.compile(r'[^\x20-\x7e]|["\\%/]')
# RFC 8187, attr-char, without the letters and digits that `quote` never touches.
_ATTR_CHAR = "!#$&+-.^_`|~"


class FileKeywords(TypedDict, total=False):
    """The keywords of every `send_private_file()`; `FileOptions` has their defaults."""

    root: str | os.PathLike[str] | None
    mimetype: str | None
    as_attachment: bool
    download_name: str | None
    max_age: int | None
    headers: Mapping[str, str] | None
    limit_rate: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """Where a file is and how it is presented; the names are those of Flask's `send_file`.

    Raises:
        ConfigError: `limit_rate` is not positive, which some servers take for no limit.
    """

    root: str | os.PathLike[str] | None = None
    """The directory of a relative path; not needed if there is only one root."""
    mimetype: str | None = None
    """The media type; by default the one of the file's name."""
    as_attachment: bool = False
    """Whether the browser should save the file instead of showing it."""
    download_name: str | None = None
    """The name under which it is saved; by default its own."""
    max_age: int | None = None
    """Seconds for which the visitor's browser may use it without asking again."""
    headers: Mapping[str, str] | None = None
    """Further response headers."""
    limit_rate: int | None = None
    """Bytes per second, with a server that can limit the rate; by default unlimited."""

    def __post_init__(self) -> None:
        if self.limit_rate is not None and self.limit_rate < 1:
            raise ConfigError(
                f"limit_rate={self.limit_rate!r} must be a positive number of bytes per second; "
                "leave it out for no limit"
            )


def shows_file_keywords(function: Function) -> Function:
    """Let `help()` show the keywords of `FileKeywords` one by one, with their defaults."""
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


def content_disposition(name: str, *, as_attachment: bool) -> str:
    """A Content-Disposition by RFC 6266; a name that is not ASCII is in UTF-8 (RFC 8187)."""
    name = _DISGUISE.sub("_", name)
    disposition = "attachment" if as_attachment else "inline"
    fallback = _NOT_IN_FALLBACK.sub("_", name)
    if fallback == name:
        return f'{disposition}; filename="{name}"'
    encoded = urllib.parse.quote(name.encode(errors="replace"), safe=_ATTR_CHAR)
    return f"{disposition}; filename=\"{fallback}\"; filename*=UTF-8''{encoded}"


def presentation(name: str, options: FileOptions) -> Headers:
    """The headers that describe a file, whether the server or the app sends it."""
    name = options.download_name or name
    headers = dict((("Content-Type", options.mimetype or _guess_type(name)), NOSNIFF))
    if options.as_attachment or options.download_name:
        headers["Content-Disposition"] = content_disposition(
            name, as_attachment=options.as_attachment
        )
    headers["Cache-Control"] = private_cache_control(options.max_age)
    if not options.headers:
        return tuple(headers.items())
    overridden = {field_name.lower() for field_name in options.headers}
    return (
        *(pair for pair in headers.items() if pair[0].lower() not in overridden),
        *(pair for pair in options.headers.items() if not is_offload_header(pair[0])),
    )


def private_cache_control(max_age: int | None) -> str:
    """The Cache-Control of a private file; `max_age` is in seconds."""
    return "private, no-cache" if max_age is None else f"private, max-age={max_age:d}"


def _guess_type(name: str) -> str:
    mimetype, encoding = mimetypes.guess_type(name)
    # "a.tar.gz" is a gzip file, not a tar archive.
    return "application/octet-stream" if mimetype is None or encoding is not None else mimetype
