"""`{% load xaccel %}`: the tags and the filter of `TemplateHelpers`, and `private_url`.

With `request=request`, the tags generate absolute URLs, for emails and feeds.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest

from xaccel.django import conf, functions
from xaccel.django.files import PrivateFile
from xaccel.django.functions import origin_of
from xaccel.thumbnails.rows import PlaceholderKind

register = template.Library()


@register.simple_tag
def thumbnail_url(
    source: Any,
    width: int | str | None = None,
    height: int | None = None,
    *,
    request: HttpRequest | None = None,
    **options: Any,
) -> str:
    """`{% thumbnail_url photo.image 300 200 fit="cover" %}`."""
    options.update(origin_of(request))
    return conf.template_helpers().thumbnail_url(source, width, height, **options)


@register.simple_tag
def thumbnail_srcset(
    source: Any,
    width: int | str | None = None,
    height: int | None = None,
    *,
    request: HttpRequest | None = None,
    **options: Any,
) -> str:
    """`{% thumbnail_srcset photo.image widths="320, 640, 1280" %}`."""
    options.update(origin_of(request))
    return conf.template_helpers().thumbnail_srcset(source, width, height, **options)


@register.simple_tag
def thumbnail_img(
    source: Any,
    width: int | str | None = None,
    height: int | None = None,
    *,
    alt: object,
    request: HttpRequest | None = None,
    **options: Any,
) -> str:
    """`{% thumbnail_img photo.image 300 200 alt=photo.title class="card" %}`."""
    options.update(origin_of(request))
    return conf.template_helpers().thumbnail_img(source, width, height, alt=alt, **options)


@register.simple_tag
def thumbnail_picture(
    source: Any,
    width: int | str | None = None,
    height: int | None = None,
    *,
    alt: object,
    request: HttpRequest | None = None,
    **options: Any,
) -> str:
    """`{% thumbnail_picture photo.image 300 200 alt=photo.title %}`."""
    options.update(origin_of(request))
    return conf.template_helpers().thumbnail_picture(source, width, height, alt=alt, **options)


@register.simple_tag
def placeholder(source: Any, *, kind: PlaceholderKind | None = None) -> str:
    """`<div style="background-image: url({% placeholder photo.image %})">`.

    `{% placeholder photo.image kind="color" %}` is the dominant colour.
    """
    return conf.template_helpers().placeholder(source, kind=kind)


@register.filter("thumbnail_url")
def thumbnail_url_filter(source: Any, width: int | str) -> str:
    """`{{ photo.image|thumbnail_url:300 }}`, or the name of a preset instead of a width."""
    return conf.template_helpers().thumbnail_url(source, width)


@register.simple_tag
def private_url(file: PrivateFile, *, request: HttpRequest | None = None, **options: Any) -> str:
    """`{% private_url invoice.pdf expires_in=3600 %}`; see `xaccel.django.private_url`."""
    return functions.private_url(file, request=request, **options)
