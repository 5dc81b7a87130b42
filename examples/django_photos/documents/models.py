"""The private documents. Each one belongs to a user."""

from django.conf import settings
from django.core.files.storage import storages
from django.db import models


def private_storage():
    return storages["private"]


class Document(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="documents")
    file = models.FileField(storage=private_storage)

    class Meta:
        ordering = ["file"]

    def __str__(self):
        return self.file.name
