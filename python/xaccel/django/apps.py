"""The app configuration."""

from django.apps import AppConfig


class XaccelConfig(AppConfig):
    """Named apart from Django itself, whose name the package's last part has."""

    name = "xaccel.django"
    label = "xaccel"
    verbose_name = "xaccel"
