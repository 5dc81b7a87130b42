"""The app configuration."""

from django.apps import AppConfig


class SorlConfig(AppConfig):
    """The app. Its label is that of sorl-thumbnail, so both can't be installed at once."""

    name = "xaccel.django.sorl"
    label = "thumbnail"
    verbose_name = "xaccel for sorl-thumbnail"
