"""The app configuration."""

from contextlib import suppress

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.core.signals import request_started


class XaccelConfig(AppConfig):
    """The app. Its label is `xaccel`, because the default label, `django`, is already taken."""

    name = "xaccel.django"
    label = "xaccel"
    verbose_name = "xaccel"

    def ready(self) -> None:
        """Register the system checks, and prepare the start of a server."""
        from xaccel.django import checks  # noqa: PLC0415

        register(checks.check_settings, Tags.files)
        register(checks.check_storages, Tags.files)
        register(checks.check_urls, Tags.urls)
        register(checks.check_deployment, Tags.security, deploy=True)
        request_started.connect(_start, dispatch_uid=_start)


def _start(**_signal: object) -> None:
    """Compare the cache with the settings at the first request, as other apps do at start-up.

    Commands such as `migrate` also load the settings, but they may run before a restart, while the
    old settings are still in use.
    """
    from xaccel.django import conf  # noqa: PLC0415
    from xaccel.exceptions import ConfigError  # noqa: PLC0415

    request_started.disconnect(dispatch_uid=_start)
    # The views of thumbnails report an error in the settings.
    with suppress(ConfigError):
        if conf.config().has_thumbnail_endpoint:
            conf.thumbnails()
