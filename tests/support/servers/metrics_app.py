"""An app with thumbnails and private files that counts its work, for Gunicorn.

The settings are in the environment, as JSON.
"""

import json
import os

from flask import Flask
from xaccel.flask import XAccel, send_private_file, send_private_thumbnail

app = Flask(__name__)
app.config["XACCEL"] = json.loads(os.environ["XACCEL_TEST_SETTINGS"])
XAccel(app)
FILES = next(iter(app.config["XACCEL"]["ROOTS"]))


@app.get("/")
def index():
    return "a page"


@app.get("/film/<name>")
def film(name):
    return send_private_file(f"{FILES}/{name}")


@app.get("/poster/<name>")
def poster(name):
    return send_private_thumbnail(f"{FILES}/{name}", 40)
