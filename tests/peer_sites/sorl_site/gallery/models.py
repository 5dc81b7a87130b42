from django.db import models
from sorl.thumbnail import ImageField


class Photo(models.Model):
    image = ImageField(upload_to="photos", blank=True)
    plain = models.ImageField(blank=True, width_field="width", height_field="height")
    width = models.IntegerField(null=True)
    height = models.IntegerField(null=True)
