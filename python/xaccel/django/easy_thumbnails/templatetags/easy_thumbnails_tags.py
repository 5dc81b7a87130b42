"""`{% load easy_thumbnails_tags %}`: another name of `thumbnail`."""

from xaccel.django.easy_thumbnails.templatetags.thumbnail import register

__all__ = ["register"]
