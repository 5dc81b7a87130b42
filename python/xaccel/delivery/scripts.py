"""Files that can run scripts in browsers (HTML, SVG, XML), and the policy that stops the scripts.

The app sends the policy. The generated configurations add the policy if the app did not send one.
"""

from __future__ import annotations

import re

HEADER = "Content-Security-Policy"

SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The policy for files that could otherwise run scripts with the visitor's rights on the site."""

NO_POLICY = ";"
"""An empty policy, which browsers ignore (CSP Level 3, section 4.2). Servers that add the sandbox
to responses without a policy do not replace an empty policy."""

TYPES = r"(?:text/html|text/xml|application/xml|text/xsl|[^ ;]+\+xml) *(?:;|$)"
"""A pattern that matches the media types of files that can run scripts. It does not match PDF: PDF
scripts can't access the site, and some browsers do not show sandboxed PDFs."""

ENDINGS = ("html", "htm", "shtml", "xhtml", "xht", "svg", "xml", "xsl", "xslt", "mathml")
"""The extensions of files that can run scripts, used if a file has no media type."""

_TYPES = re.compile(TYPES, re.IGNORECASE)


def may_run(content_type: str) -> bool:
    """Whether browsers may run scripts in files of this type."""
    return _TYPES.match(content_type) is not None
