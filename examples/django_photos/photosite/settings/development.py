"""The settings for `manage.py runserver`."""

from photosite.settings.base import *  # noqa: F403

DEBUG = True
SECRET_KEY = "a key for development only, which is in a public repository"
