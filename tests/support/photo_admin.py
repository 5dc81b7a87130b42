"""A Django project with an admin for photos, in a single file, to run as a process.

    python photo_admin.py DIRECTORY PORT

The project signs in every visitor as a superuser.
"""

import os
import sys
from pathlib import Path
from wsgiref.simple_server import make_server

import django
from django.conf import settings

DIRECTORY = Path(sys.argv[1])
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "__main__.sign_in",
    "__main__.forbid_inline_code",
]
CONTEXT = ["django.contrib.auth.context_processors.auth"]
CONTEXT += ["django.contrib.messages.context_processors.messages"]
CONTEXT += ["django.template.context_processors.request"]

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DIRECTORY / "db"}},
    DEBUG=True,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "django.contrib.staticfiles",
        "xaccel.django",
    ],
    MEDIA_ROOT=DIRECTORY / "media",
    MEDIA_URL="/media/",
    MIDDLEWARE=MIDDLEWARE,
    ROOT_URLCONF="__main__",
    SECRET_KEY="the secret of the framework",
    STATIC_URL="/static/",
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": CONTEXT},
        }
    ],
    XACCEL={"THUMBNAIL_CACHE": DIRECTORY / "cache"},
)
django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.auth import login  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.staticfiles.handlers import StaticFilesHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.urls import include, path  # noqa: E402
from xaccel.django.admin import ImageAdminMixin, thumbnail_column  # noqa: E402
from xaccel.django.fields import FocalPointField, ImageField  # noqa: E402


class Album(models.Model):
    title = models.CharField(max_length=50)

    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return self.title


class Photo(models.Model):
    album = models.ForeignKey(Album, models.CASCADE, null=True, blank=True)
    image = ImageField(
        upload_to="photos",
        width_field="width",
        height_field="height",
        placeholder_field="placeholder",
        focal_point_field="focal_point",
    )
    width = models.PositiveIntegerField(null=True, editable=False)
    height = models.PositiveIntegerField(null=True, editable=False)
    placeholder = models.CharField(max_length=36, blank=True, editable=False)
    focal_point = FocalPointField()

    class Meta:
        app_label = "xaccel"

    def __str__(self):
        return f"{self.image.name} {self.width}x{self.height} {self.focal_point}"


class PhotoAdmin(ImageAdminMixin, admin.ModelAdmin):
    list_display = [thumbnail_column("image", 96), "__str__"]  # noqa: RUF012


class PhotoInline(ImageAdminMixin, admin.StackedInline):
    model = Photo
    extra = 1


class AlbumAdmin(admin.ModelAdmin):
    inlines = [PhotoInline]  # noqa: RUF012


admin.site.register(Photo, PhotoAdmin)
admin.site.register(Album, AlbumAdmin)
urlpatterns = [path("admin/", admin.site.urls), path("", include("xaccel.django.urls"))]


def sign_in(get_response):
    def answer(request):
        if not request.user.is_authenticated:
            login(request, User.objects.get())
        return get_response(request)

    return answer


def forbid_inline_code(get_response):
    """Add the policy of a careful site, which forbids inline scripts and inline styles."""

    def answer(request):
        response = get_response(request)
        response["Content-Security-Policy"] = "default-src 'self'; img-src 'self' blob:"
        return response

    return answer


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Album)
        editor.create_model(Photo)
    User.objects.create_superuser("admin")
    os.chdir(DIRECTORY)
    app = StaticFilesHandler(get_wsgi_application())
    with make_server("127.0.0.1", int(sys.argv[2]), app) as server:
        print("ready", flush=True)  # noqa: T201
        server.serve_forever()
