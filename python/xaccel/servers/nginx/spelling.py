"""The only spelling of a URL that the app signs.

nginx decodes and normalises a URL before it chooses a file, so `/t/./c%61t.jpg` would be another
URL for `/t/cat.jpg`. These patterns are for `$request_uri`, which contains the URL as the visitor
sent it.
"""

from __future__ import annotations

_PLAIN = "[A-Za-z0-9._~,-]"
# All other bytes except NUL, percent-encoded with upper-case digits.
_ESCAPED = (
    "%(?:0[1-9A-F]|1[0-9A-F]|2[0-9AB]|3[A-F]|40|5[B-E]|60|7[BCDF]|[89A-F][0-9A-F])"  # ASCII, others
)
_SEGMENT = rf"(?!/|\.\.?(?:[/?]|$)){_PLAIN}*(?:{_ESCAPED}{_PLAIN}*)*"

PATH = rf"(?:/{_SEGMENT})+"
"""The pattern of a normalised path that is percent-encoded only where necessary.

Each path matches in only one way, so nginx does not have to try other ways.
"""
