"""A Flask app for Gunicorn with `SCRIPT_NAME`: its first page shows URLs of files and thumbnails.

The settings are in the environment, as JSON. Each request is logged as a line in a file.
"""

import json
import os
from pathlib import Path

from flask import Flask, request
from xaccel.flask import XAccel, private_url, send_private_file, thumbnail_url


def app():
    made = Flask(__name__)
    made.config["XACCEL"] = json.loads(os.environ["XACCEL_TEST_SETTINGS"])
    XAccel(made)
    log = Path(os.environ["XACCEL_TEST_LOG"])

    @made.before_request
    def write():
        with log.open("ab", buffering=0) as file:
            file.write(f"{request.path}\n".encode())

    @made.get("/")
    def page():
        image = "100% (1)é.jpg"
        presets = request.args.get("preset")
        box = (presets,) if presets else (50,)
        return {"link": private_url("notes.txt"), "thumbnail": thumbnail_url(image, *box)}

    @made.get("/film")
    def film():
        return send_private_file("notes.txt")

    return made
