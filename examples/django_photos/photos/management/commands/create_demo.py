"""`manage.py create_demo PHOTOS`: two users, photos, a private document and a story."""

import tomllib
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.files import File
from django.core.management.base import BaseCommand
from django.db import transaction
from wagtail.images.models import Image
from wagtail.models import Page, Site

from documents.models import Document
from photos.models import Photo
from stories.models import StoryIndexPage, StoryPage

FOCAL_POINTS = {"nuthatch.jpg": "0.55x0.45", "puppies.jpg": "0.5x0.4"}
STORY = (
    "<p>The path leads under limestone walls that keep their snow into the summer. Editors chose "
    "the focal point of this picture in Wagtail, and every crop keeps it.</p>"
)


class Command(BaseCommand):
    help = "Create two users, photos, a private document and a story, unless they exist."

    def add_arguments(self, parser):
        parser.add_argument(
            "photos",
            type=Path,
            help="a directory with photos, and a photos.toml that describes them",
        )
        parser.add_argument("--document", type=Path, required=True, help="a private document")
        parser.add_argument(
            "--password", required=True, help="the password of the users admin and visitor"
        )

    @transaction.atomic
    def handle(self, *, photos, document, password, **options):
        users = get_user_model().objects
        if users.filter(username="admin").exists():
            self.stdout.write("The demo already exists.")
            return
        admin = users.create_superuser("admin", password=password)
        users.create_user("visitor", password=password)
        for about in reversed(tomllib.loads((photos / "photos.toml").read_text())["photos"]):
            # The placeholder would show through a transparent photo.
            if not about["file"].endswith(".png"):
                add_photo(photos / about["file"], about)
        with document.open("rb") as file:
            Document(owner=admin).file.save(document.name, File(file))
        add_story(photos / "picos-de-europa.jpg")
        self.stdout.write(f"Created {Photo.objects.count()} photos, a document and a story.")


def add_photo(path, about):
    with path.open("rb") as file:
        Photo.objects.create(
            title=about["title"],
            credit=f"{about['author']}, {about['licence']}",
            image=File(file, path.name),
            focal_point=FOCAL_POINTS.get(path.name, ""),
        )


def add_story(path):
    root = Page.get_first_root_node()
    index = root.add_child(instance=StoryIndexPage(title="Stories", slug="stories"))
    Site.objects.update_or_create(
        is_default_site=True, defaults={"hostname": "localhost", "root_page": index}
    )
    with path.open("rb") as file:
        photo = Image(title="Limestone walls", file=File(file, path.name))
        photo.focal_point_x, photo.focal_point_y = photo.width // 3, photo.height // 2
        photo.focal_point_width = photo.focal_point_height = 200
        photo.save()
    index.add_child(instance=StoryPage(title="Picos de Europa", photo=photo, text=STORY))
