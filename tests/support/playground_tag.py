"""`{% thumbnail_url %}` with the function in the context, for templates without settings."""

from django import template

register = template.Library()


@register.simple_tag(takes_context=True)
def thumbnail_url(context, *args, **kwargs):
    return context["url"](*args, **kwargs)
