"""Configures Django. Import this before anything in Django that needs settings."""

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["testserver"],
        INSTALLED_APPS=["xaccel.django"],
        ROOT_URLCONF="tests.support.django_urls",
        SECRET_KEY="the secret of the framework",
        # For the URLs, which are built once, below.
        XACCEL={"PRIVATE_URL": "/p/", "THUMBNAIL_SOURCE": "/nowhere"},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    )
    django.setup()

STORAGES = settings.STORAGES

from tests.support import django_urls  # noqa: E402, F401
