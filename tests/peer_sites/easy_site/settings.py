import os

SECRET_KEY = "the secret of the framework"
ALLOWED_HOSTS = ["testserver"]
INSTALLED_APPS = ["gallery", "easy_thumbnails"]
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
THUMBNAIL_ALIASES = {
    "": {
        "small": {"size": (50, 50), "crop": True},
        "large": {"size": (300, 0), "quality": 90},
    },
    "gallery": {"small": {"size": (60, 60)}},
    "gallery.Photo.image": {"square": {"size": (80, 80), "crop": "smart", "upscale": True}},
}
