"""`{% load easy_thumbnails_tags %}`: another name for `thumbnail`."""

from xaccel.django.easy_thumbnails.templatetags.thumbnail import register

__all__ = ["register"]
