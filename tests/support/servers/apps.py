"""The code that the apps in all frameworks share.

A name is sent in compressed, hexadecimal form, so that no server along the way changes it. A
cookie, which every server passes on, contains the sender of the file.
"""

import json
import os
import zlib
from urllib.parse import parse_qs

from xaccel import Config

SETTINGS = json.loads(os.environ["XACCEL_TEST_SETTINGS"])
CONFIG = Config.from_mapping(SETTINGS["XACCEL"])
# Headers that an app or its framework adds to all responses. Visitors must receive them.
ADDED = {"Vary": "Cookie", "Content-Security-Policy": "default-src 'none'"}
OPTIONS = {"as_attachment", "download_name", "mimetype", "max_age", "limit_rate", "root"}


def arguments(query):
    """Return the path and the options in the query."""
    values = _values(query)
    path = os.fsdecode(zlib.decompress(bytes.fromhex(values["name"])))
    options = {key: values[key] for key in OPTIONS & values.keys()}
    for key in ("max_age", "limit_rate"):
        if key in options:
            options[key] = int(options[key])
    if "as_attachment" in options:
        options["as_attachment"] = True
    root = options.pop("root", SETTINGS["MAIN_ROOT"]) or None
    return path, {"root": root, **options}


def stray(query):
    """Return the body, status and headers of a careless app that lets visitors choose them."""
    values = _values(query)
    status = int(values["status"])
    return "" if status == 304 else "stray", status, {values["header"]: values["value"]}


def sender(names):
    """Return the cookie for the sender of the file, given the names of the response headers."""
    offloaded = any(name.lower().startswith(("x-accel", "x-sendfile")) for name in names)
    return f"sender={'server' if offloaded else 'app'}"


def _values(query):
    return {key: items[0] for key, items in parse_qs(query, keep_blank_values=True).items()}
