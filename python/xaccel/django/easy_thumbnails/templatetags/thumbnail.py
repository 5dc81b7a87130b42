"""`{% load thumbnail %}`: the tag and the filters of easy-thumbnails."""

from __future__ import annotations

import base64
import logging
import re
from typing import Any

from django import template
from django.template.base import FilterExpression, Node, Parser, Token
from django.template.context import Context
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from xaccel._log import fields, one_line
from xaccel.django.dropins.errors import raises
from xaccel.django.dropins.options import whole_number
from xaccel.django.easy_thumbnails.alias import aliases
from xaccel.django.easy_thumbnails.files import ThumbnailFile, get_thumbnailer
from xaccel.django.easy_thumbnails.options import OPTIONS
from xaccel.exceptions import SourceError, SpecError

register = template.Library()

_logger = logging.getLogger("xaccel.django")

_SIZE = re.compile(r"(\d+)x(\d+)")


class ThumbnailNode(Node):
    """`{% thumbnail source size option key=value … as name %}`."""

    def __init__(
        self,
        source: FilterExpression,
        options: dict[str, FilterExpression | bool],
        name: str | None,
    ) -> None:
        self.source = source
        self.options = options
        self.name = name

    def render(self, context: Context) -> SafeString:
        """Return the URL, or set the variable. Like easy-thumbnails, do nothing on errors."""
        try:
            thumbnail = self._thumbnail(context)
        except Exception as error:
            if raises(error):
                raise
            _logger.warning(
                "the tag thumbnail failed: %s",
                one_line(error),
                extra=fields("no_thumbnail", error=type(error).__name__),
            )
            thumbnail = None
        if self.name is not None:
            context[self.name] = "" if thumbnail is None else thumbnail
            return SafeString("")
        return conditional_escape("" if thumbnail is None else thumbnail.url)

    def _thumbnail(self, context: Context) -> ThumbnailFile | None:
        source = self.source.resolve(context)
        if not source:
            error = SourceError(f"{self.source} is empty, so it has no thumbnail")
            if raises(error):
                raise error
            return None
        options: dict[str, Any] = {
            name: value if isinstance(value, bool) else value.resolve(context)
            for name, value in self.options.items()
        }
        size = options["size"]
        if isinstance(size, str) and not _SIZE.fullmatch(size):
            alias = aliases.get(size, target=source)
            if not alias:
                raise SpecError(f"{size!r} is neither a size such as '300x200' nor an alias")
            del options["size"]
            options = {**alias, **options}
        for name in ("quality", "subsampling"):
            if name in options:
                options[name] = whole_number(options, name)
        thumbnail: ThumbnailFile = get_thumbnailer(source).get_thumbnail(options)
        return thumbnail


@register.tag
def thumbnail(parser: Parser, token: Token) -> ThumbnailNode:
    """`{% thumbnail photo.image 300x200 crop upscale as thumb %}`."""
    tag, *words = token.split_contents()
    name = None
    if len(words) > 3 and words[-2] == "as":  # noqa: PLR2004 - a source, a size, `as`, a name
        name, words = words[-1], words[:-2]
    if len(words) < 2:  # noqa: PLR2004 - a source and a size
        raise template.TemplateSyntaxError(
            f"the syntax is {{% {tag} source size option key=value … as name %}}"
        )
    size = f'"{words[1]}"' if _SIZE.fullmatch(words[1]) else words[1]
    options: dict[str, FilterExpression | bool] = {"size": parser.compile_filter(size)}
    for word in words[2:]:
        option, separator, value = word.partition("=")
        if option not in OPTIONS - {"size"}:
            raise template.TemplateSyntaxError(f"the tag {tag!r} does not have the option {word!r}")
        options[option] = parser.compile_filter(value) if separator else True
    return ThumbnailNode(parser.compile_filter(words[0]), options, name)


@register.filter
def thumbnailer(obj: Any, relative_name: str | None = None) -> Any:
    """`{% with photo=person.photo|thumbnailer %}{{ photo.small.url }}`."""
    return get_thumbnailer(obj, relative_name)


@register.filter
def thumbnailer_passive(obj: Any) -> Any:
    """The same as `thumbnailer`, because pages never render thumbnails."""
    return get_thumbnailer(obj)


@register.filter
def thumbnail_url(source: Any, alias: str) -> str:
    """`{{ person.photo|thumbnail_url:"small" }}`: the URL of the thumbnail for an alias."""
    if not source and not raises(SourceError()):
        return ""
    try:
        url: str = get_thumbnailer(source)[alias].url
    except Exception as error:
        if raises(error):
            raise
        _logger.warning(
            "the filter thumbnail_url failed: %s",
            one_line(error),
            extra=fields("no_thumbnail", error=type(error).__name__),
        )
        return ""
    return url


@register.filter
def data_uri(thumbnail: ThumbnailFile) -> str:
    """`<img src="{{ thumb|data_uri }}">`: the thumbnail as a `data:` URI, rendered now."""
    data = base64.b64encode(thumbnail.read()).decode()
    return f"data:image/{thumbnail.media_format};base64,{data}"
