"""Files that browsers execute: HTML, SVG and other XML, and the policy that stops their scripts.

The app sends the policy, and so do the generated configurations where the app sent none.
"""

from __future__ import annotations

import re

HEADER = "Content-Security-Policy"

SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The policy of files that could otherwise run scripts with the visitor's rights on the site."""

NO_POLICY = ";"
"""An empty policy, which browsers ignore (CSP Level 3, section 4.2). Servers that add the sandbox
where the app sent no policy leave it alone."""

TYPES = r"(?:text/html|text/xml|application/xml|text/xsl|[^ ;]+\+xml) *(?:;|$)"
"""The pattern of the types of such files. PDF is not one of them: its scripts can't reach the site,
and not every browser shows a sandboxed PDF."""

ENDINGS = ("html", "htm", "shtml", "xhtml", "xht", "svg", "xml", "xsl", "xslt", "mathml")
"""The extensions of their names, for files without a type."""

_TYPES = re.compile(TYPES, re.IGNORECASE)


def may_run(content_type: str) -> bool:
    """Whether browsers run the scripts of files of this type."""
    return _TYPES.match(content_type) is not None
