"""The pages of the photos: `manage.py test`."""

import sys

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import TestCase, override_settings
from django.urls import reverse

from photos.models import Photo
from xaccel.testing import make_image, override_thumbnails

PLACEHOLDER = "rcYJLIaYh4hweIeEh3qIcIsKyA=="

opened = []
sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" else None)


@override_settings(
    STORAGES={
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        "private": {"BACKEND": "xaccel.django.storage.PrivateStorage"},
    }
)
class PhotoTests(TestCase):
    def test_the_list_makes_one_query_and_opens_no_file(self):
        size = {"width": 4000, "height": 3000}
        Photo.objects.bulk_create(
            Photo(title="Cat", image=f"{n}.jpg", placeholder=PLACEHOLDER, **size)
            for n in range(100)
        )
        # This loads the templates.
        self.client.get(reverse("photos"))
        opened.clear()
        with self.assertNumQueries(1):
            response = self.client.get(reverse("photos"))
        self.assertEqual(opened, [])
        self.assertContains(response, "<img ", count=100)

    def test_an_upload_of_a_phone(self):
        self.client.force_login(User.objects.create_user("visitor"))
        upload = SimpleUploadedFile("cat.jpg", make_image(400, 300, orientation=6))
        response = self.client.post(reverse("add-photo"), {"title": "Cat", "image": upload})
        photo = Photo.objects.get()
        self.assertRedirects(response, photo.get_absolute_url())
        self.assertEqual((photo.width, photo.height), (300, 400))

    def test_visitors_who_are_not_logged_in_do_not_upload(self):
        response = self.client.post(reverse("add-photo"), {"title": "Cat"})
        self.assertRedirects(response, f"{reverse('login')}?next={reverse('add-photo')}")

    def test_the_api(self):
        Photo.objects.create(title="Cat", image="cat.jpg", width=4000, height=3000)
        with override_thumbnails() as requested:
            card = self.client.get(reverse("api")).json()[0]["thumbnails"]["card"]
            self.assertEqual(self.client.get(card["url"]).status_code, 200)
        self.assertEqual((card["width"], card["height"]), (400, 300))
        name, spec = requested[0]
        self.assertEqual((name, str(spec)), ("cat.jpg", "400x300,cover"))
