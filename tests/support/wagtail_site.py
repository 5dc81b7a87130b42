"""A site with Wagtail, to run as a process. It prints the output of the image tags as JSON.

python wagtail_site.py DIRECTORY TEMPLATE
"""

import io
import json
import sys
from pathlib import Path

import django
from django.conf import settings

DIRECTORY = Path(sys.argv[1])
APPS = [
    "wagtail.images",
    "wagtail.documents",
    "wagtail.search",
    "wagtail.admin",
    "wagtail.users",
    "wagtail",
    "modelcluster",
    "taggit",
    "treebeard",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "xaccel.django",
]
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=APPS,
    MEDIA_ROOT=DIRECTORY / "media",
    # Create the tables directly, instead of running ten years of migrations.
    MIGRATION_MODULES={app.rpartition(".")[2]: None for app in APPS}
    | {"wagtailcore": None, "wagtailimages": None, "wagtaildocs": None, "wagtailadmin": None}
    | {"wagtailsearch": None, "wagtailusers": None},
    ROOT_URLCONF="xaccel.django.urls",
    SECRET_KEY="the secret of the framework",
    STATIC_URL="/static/",
    TEMPLATES=[
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True},
        {
            "BACKEND": "django.template.backends.jinja2.Jinja2",
            "OPTIONS": {"extensions": ["xaccel.django.wagtail.ThumbnailsExtension"]},
        },
    ],
    WAGTAIL_SITE_NAME="Site",
    WAGTAILADMIN_BASE_URL="https://example.com",
    XACCEL={"THUMBNAIL_CACHE": DIRECTORY / "cache"},
)
django.setup()

from django.core.files.base import ContentFile  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.template import engines  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from PIL import Image as Picture  # noqa: E402
from wagtail.images.models import Image, Rendition  # noqa: E402
from wagtail.images.rect import Rect  # noqa: E402
from wagtail.models import Collection  # noqa: E402

DJANGO = {
    "img": "{% thumbnail_img image 40 40 fit='cover' %}",
    "titled": "{% thumbnail_img image 40 40 alt='Mine' class='card' %}",
    "picture": "{% thumbnail_picture image 40 40 fit='cover' %}",
    "srcset": "{% thumbnail_srcset image widths='40, 80' %}",
    "url": "{% thumbnail_url image 40 40 fit='cover' %}",
    "chosen": "{% thumbnail_url image 40 40 fit='cover' gravity='n' %}",
    "filter": "{{ image|thumbnail_url:40 }}",
    "nothing": "{% thumbnail_img nothing 40 %}{% thumbnail_url nothing 40 %}",
}
JINJA = {
    "img": "{{ thumbnail_img(image, 40, 40, fit='cover') }}",
    "titled": "{{ thumbnail_img(image, 40, 40, alt='Mine', class='card') }}",
    "picture": "{{ thumbnail_picture(image, 40, 40, fit='cover') }}",
    "srcset": "{{ thumbnail_srcset(image, widths='40, 80') }}",
    "url": "{{ thumbnail_url(image, 40, 40, fit='cover') }}",
    "chosen": "{{ thumbnail_url(image, 40, 40, fit='cover', gravity='n') }}",
    "filter": "{{ image|thumbnail_url(40) }}",
    "nothing": "{{ thumbnail_img(nothing, 40) }}{{ thumbnail_url(nothing, 40) }}",
}


def add_image(name, **fields):
    """Add an image whose left half is red and whose right half is blue."""
    picture = Picture.new("RGB", (200, 100), "blue")
    picture.paste("red", (0, 0, 100, 100))
    content = io.BytesIO()
    picture.save(content, "JPEG")
    image = Image(title=f"A <{name}>", file=ContentFile(content.getvalue(), name), **fields)
    image.set_focal_point(Rect(140, 20, 180, 60))
    image.save()
    return Image.objects.get(pk=image.pk)


def color(url):
    path, _, query = url.replace("&amp;", "&").partition("?")
    response = Client().get(path, QUERY_STRING=query)
    assert response.status_code == 200, url
    made = Picture.open(io.BytesIO(response.getvalue())).convert("RGB")
    red, _, blue = made.getpixel((5, 20))
    return "red" if red > blue else "blue"


def main():
    call_command("migrate", run_syncdb=True, verbosity=0)
    Collection.add_root(name="Root")
    image = add_image("a.jpg")
    plain = Image.objects.get(pk=add_image("b.jpg").pk)
    plain.set_focal_point(None)
    described = add_image("c.jpg", description="A description")
    decorative = Image.objects.get(pk=image.pk)
    decorative.decorative = True
    report = {}
    with CaptureQueriesContext(connection) as queries:
        for name, templates in (("django", DJANGO), ("jinja2", JINJA)):
            load = "{% load xaccel_wagtail %}" if name == "django" else ""

            def render(template, image, engine=engines[name], load=load):
                made = engine.from_string(load + template)
                return made.render({"image": image, "nothing": None})

            report[name] = {key: render(text, image) for key, text in templates.items()}
            report[name]["plain"] = render(templates["url"], plain)
            report[name]["described"] = render(templates["img"], described)
            report[name]["decorative"] = render(templates["img"], decorative)
        page = engines["django"].from_string(sys.argv[2])
        report["template"] = page.render({"page": {"photo": image}})
    report["queries"] = len(queries)
    report["renditions"] = Rendition.objects.count()
    report["colors"] = [color(report["django"][key]) for key in ("url", "plain", "chosen")]
    print(json.dumps(report))  # noqa: T201


main()
