"""The URLs of the site."""

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from photos.api import PhotoApi

urlpatterns = [
    path("", include("photos.urls")),
    path("documents/", include("documents.urls")),
    path("api/photos/", PhotoApi.as_view(), name="api"),
    path("login/", LoginView.as_view(template_name="login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("cms/", include("wagtail.admin.urls")),
    path("cms-documents/", include("wagtail.documents.urls")),
    path("stories/", include("wagtail.urls")),
    path("", include("xaccel.django.urls")),
    # This applies only in debug mode. In production, nginx sends these files.
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
