"""The app of the photos."""

from django.apps import AppConfig


class PhotosConfig(AppConfig):
    name = "photos"

    def ready(self):
        from photos.models import Photo
        from xaccel.django import purge_on_change

        purge_on_change(Photo, "image")
