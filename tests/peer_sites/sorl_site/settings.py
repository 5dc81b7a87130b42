import os

SECRET_KEY = "the secret of the framework"
ALLOWED_HOSTS = ["testserver"]
INSTALLED_APPS = ["gallery", "sorl.thumbnail"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
ROOT_URLCONF = "urls"
MEDIA_ROOT = os.environ["MEDIA_ROOT"]
MEDIA_URL = "/media/"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": ["templates"],
        "APP_DIRS": True,
    }
]
THUMBNAIL_ALTERNATIVE_RESOLUTIONS = [2]
THUMBNAIL_FILTER_WIDTH = 120
