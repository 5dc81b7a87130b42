from django.db import models
from easy_thumbnails.fields import ThumbnailerField, ThumbnailerImageField


class Photo(models.Model):
    image = ThumbnailerImageField(upload_to="photos", blank=True)
    plain = ThumbnailerField(blank=True)
    resized = ThumbnailerImageField(
        upload_to="resized", blank=True, resize_source={"size": (90, 90), "sharpen": True}
    )
