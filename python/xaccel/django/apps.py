"""The app configuration."""

from django.apps import AppConfig
from django.core.checks import Tags, register


class XaccelConfig(AppConfig):
    """The app. Its label is `xaccel`, because the default label, `django`, is already taken."""

    name = "xaccel.django"
    label = "xaccel"
    verbose_name = "xaccel"

    def ready(self) -> None:
        """Register the system checks."""
        from xaccel.django import checks  # noqa: PLC0415

        register(checks.check_settings, Tags.files)
        register(checks.check_storages, Tags.files)
        register(checks.check_urls, Tags.urls)
        register(checks.check_deployment, Tags.security, deploy=True)
