"""The app configuration."""

from django.apps import AppConfig


class SorlConfig(AppConfig):
    """The app. It has the label of sorl-thumbnail, so you can't install both at the same time."""

    name = "xaccel.django.sorl"
    label = "thumbnail"
    verbose_name = "xaccel for sorl-thumbnail"
