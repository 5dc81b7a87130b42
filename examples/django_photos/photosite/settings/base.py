"""The settings that development and production share."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[2]
DATA_DIR = Path(os.environ.get("PHOTOSITE_DATA", BASE_DIR / "data")).resolve()
(DATA_DIR / "private").mkdir(parents=True, exist_ok=True)

INSTALLED_APPS = [
    "photos",
    "documents",
    "stories",
    "xaccel.django",
    "rest_framework",
    "wagtail.admin",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.users",
    "wagtail",
    "modelcluster",
    "taggit",
    "treebeard",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "photosite" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

ROOT_URLCONF = "photosite.urls"
WSGI_APPLICATION = "photosite.wsgi.application"

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
USE_TZ = True

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "photos"

STATIC_URL = "/static/"
MEDIA_URL = "/media/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "photosite" / "static"]
MEDIA_ROOT = DATA_DIR / "media"

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "private": {"BACKEND": "xaccel.django.storage.PrivateStorage"},
}

XACCEL = {
    # The private storage keeps its files here, outside of MEDIA_ROOT.
    "ROOTS": {DATA_DIR / "private": "/_private/documents/"},
    "PRIVATE_URL": "/p/",
    "THUMBNAIL_CACHE": DATA_DIR / "thumbnails",
    "THUMBNAIL_PRESETS": {"card": "400x300,cover", "large": "1600x1600"},
}

WAGTAIL_SITE_NAME = "Photo site"
WAGTAILADMIN_BASE_URL = os.environ.get("PHOTOSITE_URL", "http://127.0.0.1:8000")
