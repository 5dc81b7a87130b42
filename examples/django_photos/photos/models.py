"""The photos."""

from django.db import models
from django.urls import reverse

from xaccel.django.fields import FocalPointField, ImageField


class Photo(models.Model):
    title = models.CharField(max_length=100)
    credit = models.CharField(max_length=100, blank=True)
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
        ordering = ["-pk"]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("photo", args=[self.pk])
