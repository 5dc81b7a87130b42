"""The photos in the admin, with a preview and a picker for the focal point."""

from django.contrib import admin

from photos.models import Photo
from xaccel.django.admin import ImageAdminMixin, thumbnail_column


@admin.register(Photo)
class PhotoAdmin(ImageAdminMixin, admin.ModelAdmin):
    list_display = [thumbnail_column("image", 96), "title", "width", "height", "focal_point"]
    list_display_links = ["title"]
