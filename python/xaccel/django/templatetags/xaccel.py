"""`{% load xaccel %}`: the tag `thumbnail_url`, and the filter of the same name."""

from __future__ import annotations

from typing import Any

from django import template

from xaccel.django import conf

register = template.Library()


@register.simple_tag
def thumbnail_url(
    source: Any, width: int | str | None = None, height: int | None = None, **options: Any
) -> str:
    """`{% thumbnail_url photo.image 300 200 fit="cover" %}`, see `TemplateHelpers`."""
    return conf.template_helpers().thumbnail_url(source, width, height, **options)


@register.filter("thumbnail_url")
def thumbnail_url_filter(source: Any, width: int | str) -> str:
    """`{{ photo.image|thumbnail_url:300 }}`, or with the name of a preset."""
    return conf.template_helpers().thumbnail_url(source, width)
