"""Runs the site in the current directory, and prints as JSON what it makes.

The input is a table of (source, size, options) as JSON. For each row the output has the size that
the thumbnail claims, and the size of the picture itself.
"""

import importlib
import io
import json
import os
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import django

sys.path.insert(0, str(Path.cwd()))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from gallery.models import Photo  # noqa: E402
from PIL import Image  # noqa: E402


def picture_of(thumbnail):
    opened = thumbnail.open() if hasattr(thumbnail, "open") else None
    content = (opened or thumbnail).read()
    return list(Image.open(io.BytesIO(content)).size)


def sorl(package):
    get_thumbnail = importlib.import_module(package).get_thumbnail
    return lambda source, size, options: get_thumbnail(source, size, **options)


def easy(package):
    get_thumbnailer = importlib.import_module(f"{package}.files").get_thumbnailer
    return lambda source, size, options: get_thumbnailer(source).get_thumbnail(
        {"size": size, **options}
    )


MAKERS = {
    "sorl.thumbnail": sorl,
    "xaccel.django.sorl": sorl,
    "easy_thumbnails": easy,
    "xaccel.django.easy_thumbnails": easy,
}


def claimed_by(thumbnail):
    """The size that a template shows, or None for an empty one."""
    try:
        return [thumbnail.width, thumbnail.height]
    except Exception as error:
        if getattr(error, "silent_variable_failure", False):
            return None
        raise


def row(make, source, size, options):
    try:
        thumbnail = make(source, size, options)
        claimed = claimed_by(thumbnail)
        return {"claimed": claimed, "picture": picture_of(thumbnail)}
    except Exception as error:  # noqa: BLE001 - a peer may raise anything
        return {"error": f"{type(error).__name__}: {error}"}


def pictures(client, page):
    """Fetch each picture of the page, by the id of its tag."""
    found = {}
    for name, url in re.findall(r'<img id="([\w-]+)" src="([^"]*)"', page):
        if url.startswith(settings.MEDIA_URL):
            content = (
                Path(settings.MEDIA_ROOT) / unquote(url[len(settings.MEDIA_URL) :])
            ).read_bytes()
        else:
            response = client.get(url.replace("&amp;", "&"))
            assert response.status_code == 200, (name, url, response.status_code)
            content = b"".join(response)
        image = Image.open(io.BytesIO(content))
        found[name] = {"size": list(image.size), "format": image.format}
    return found


def migration():
    """The text of the first migration of the site, without its header."""
    output = io.StringIO()
    call_command("makemigrations", "gallery", dry_run=True, verbosity=3, stdout=output)
    return output.getvalue().partition("class Migration")[2]


def main():
    package = next(app for app in settings.INSTALLED_APPS if app in MAKERS)
    call_command("migrate", run_syncdb=True, verbosity=0)
    for path in sorted(Path(settings.MEDIA_ROOT).iterdir()):
        if path.is_file():
            Photo.objects.create(image=path.name, plain=path.name)
    table = json.load(sys.stdin)
    make = MAKERS[package](package)
    client = Client()
    page = client.get("/").content.decode()
    report = {
        "rows": [row(make, *entry) for entry in table],
        "page": page,
        "migration": migration(),
        "pictures": pictures(client, page),
    }
    sys.stdout.write(json.dumps(report))


main()
