"""`{% load xaccel_wagtail %}`: the tags of `{% load xaccel %}` for Wagtail's images.

`{% thumbnail_img page.photo 300 200 fit="cover" %}` crops around the focal point of the image, and
uses Wagtail's alternative text.
"""

from __future__ import annotations

from django import template

from xaccel.django import wagtail_images

register = template.Library()

register.simple_tag(wagtail_images.thumbnail_url)
register.simple_tag(wagtail_images.thumbnail_srcset)
register.simple_tag(wagtail_images.thumbnail_img)
register.simple_tag(wagtail_images.thumbnail_picture)
register.simple_tag(wagtail_images.placeholder)
register.filter("thumbnail_url", wagtail_images.thumbnail_url)
