"""Wagtail's pages: stories, and the list of all stories."""

from django.db import models
from wagtail.fields import RichTextField
from wagtail.models import Page


class StoryIndexPage(Page):
    subpage_types = ["stories.StoryPage"]

    def get_context(self, request):
        stories = StoryPage.objects.child_of(self).live().select_related("photo")
        return {**super().get_context(request), "stories": stories}


class StoryPage(Page):
    photo = models.ForeignKey("wagtailimages.Image", models.PROTECT, related_name="+")
    text = RichTextField(features=["bold", "italic", "link"])

    content_panels = [*Page.content_panels, "photo", "text"]
    parent_page_types = ["stories.StoryIndexPage"]
    subpage_types = []
