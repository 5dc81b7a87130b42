"""The app of the stories, which editors write with Wagtail."""

from django.apps import AppConfig


class StoriesConfig(AppConfig):
    name = "stories"
