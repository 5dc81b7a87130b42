"""The app configuration."""

from django.apps import AppConfig


class EasyThumbnailsConfig(AppConfig):
    """The app. It has the label of easy-thumbnails, so you can't install both at the same time."""

    name = "xaccel.django.easy_thumbnails"
    label = "easy_thumbnails"
    verbose_name = "xaccel for easy-thumbnails"
