"""The app configuration."""

from django.apps import AppConfig


class EasyThumbnailsConfig(AppConfig):
    """The app. Its label is that of easy-thumbnails, so both can't be installed at once."""

    name = "xaccel.django.easy_thumbnails"
    label = "easy_thumbnails"
    verbose_name = "xaccel for easy-thumbnails"
