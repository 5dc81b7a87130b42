"""The app of the private documents."""

from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "documents"
