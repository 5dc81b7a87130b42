"""The common part of the apps in all frameworks.

A name travels compressed and in hexadecimal, so that no server on the way changes it. A cookie,
which every server passes on, names the sender of the file.
"""

import json
import os
import zlib
from urllib.parse import parse_qs

from xaccel import Config

SETTINGS = json.loads(os.environ["XACCEL_TEST_SETTINGS"])
CONFIG = Config.from_mapping(SETTINGS["XACCEL"])
# Headers that an app or its framework adds to all responses. Visitors must get them.
ADDED = {"Vary": "Cookie", "Content-Security-Policy": "default-src 'none'"}
OPTIONS = {"as_attachment", "download_name", "mimetype", "max_age", "limit_rate", "root"}


def arguments(query):
    """The path and the options in the query."""
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
    """The body, status and header of a careless app that lets visitors choose them."""
    values = _values(query)
    status = int(values["status"])
    return "" if status == 304 else "stray", status, {values["header"]: values["value"]}


def sender(names):
    """The cookie that names the sender of the file, by the names of the response's headers."""
    offloaded = any(name.lower().startswith(("x-accel", "x-sendfile")) for name in names)
    return f"sender={'server' if offloaded else 'app'}"


def _values(query):
    return {key: items[0] for key, items in parse_qs(query, keep_blank_values=True).items()}
