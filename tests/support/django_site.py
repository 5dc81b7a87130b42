"""Configures Django. Import this module before any part of Django that needs settings."""

from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.conf import settings
from django.db import connections, models

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["testserver"],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.admin",
            "rest_framework",
            "drf_spectacular",
            "xaccel.django",
        ],
        ROOT_URLCONF="tests.support.django_urls",
        SECRET_KEY="the secret of the framework",
        # These settings are for the URLs below, which are built only once.
        XACCEL={"PRIVATE_URL": "/p/", "THUMBNAIL_SOURCE": "/nowhere"},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    )
    django.setup()

STORAGES = settings.STORAGES

from tests.support import django_urls  # noqa: E402, F401

SQLITE = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}


@contextmanager
def database(*tables: type[models.Model]) -> Iterator[None]:
    """Provide tests with an in-memory database that contains the tables of these models."""
    databases = connections.databases
    kept = dict(databases)
    databases.update(connections.configure_settings(SQLITE))
    if hasattr(connections._connections, "default"):
        del connections["default"]
    connection = connections["default"]
    with connection.schema_editor() as editor:
        for model in tables:
            editor.create_model(model)
    yield
    # Django's `close()` leaves a database in memory open.
    connection.connection.close()
    del connections["default"]
    databases.clear()
    databases.update(kept)
