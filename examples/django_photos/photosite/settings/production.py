"""The settings behind nginx, below `/shop/`.

`DJANGO_SECRET_KEY`     the key of sessions and forms
`DJANGO_ALLOWED_HOSTS`  the host names of the site, separated by spaces
`XACCEL_SECRET_KEY`     the key that signs URLs, which nginx also knows
"""

import os

from photosite.settings.base import *  # noqa: F403
from photosite.settings.base import STORAGES, XACCEL

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
ALLOWED_HOSTS = os.environ["DJANGO_ALLOWED_HOSTS"].split()

# The path of the site. Its cookies are not sent to other sites on the same host.
FORCE_SCRIPT_NAME = "/shop"
STATIC_URL = "/shop/static/"
MEDIA_URL = "/shop/media/"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/shop/"

# nginx sends finished thumbnails, static files and private files. It verifies the URLs itself.
XACCEL |= {
    "SERVER": "nginx",
    "SIGNATURE": "secure-link-md5",
    "SECRET_KEYS": [os.environ["XACCEL_SECRET_KEY"]],
}
STORAGES["staticfiles"] = {
    "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
}

# The generated configuration always sets this header, so visitors can't.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
# Set this only if all subdomains of your domain use HTTPS.
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
