"""`{% load thumbnail %}`: the tag and the filters of sorl-thumbnail."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django import template
from django.conf import settings
from django.template.base import FilterExpression, Node, NodeList, Parser, Token
from django.template.context import Context
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from xaccel._log import fields, one_line
from xaccel.django.dropins.errors import raises
from xaccel.django.dropins.thumbnails import ThumbnailUrl
from xaccel.django.sorl.images import DummyThumbnail, sized
from xaccel.django.sorl.options import Geometry
from xaccel.django.sorl.settings import setting
from xaccel.django.sorl.shortcuts import get_thumbnail
from xaccel.exceptions import SpecError

register = template.Library()

Result = TypeVar("Result")

_logger = logging.getLogger("xaccel.django")

_OPTION = re.compile(r"(\w+)=(.+)")
_HTML_IMAGE = re.compile(r'(<img\b[^>]*?\bsrc=")([^"]+)')
_MARKDOWN_IMAGE = re.compile(r"(!\[[^\]]*\] ?\()([^)\s]+)")
_CONSTANTS = {"True": True, "False": False, "None": None}


def _logs_errors(default: Result) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Make a filter log errors and return a default value, unless `raises` returns `True`."""

    def decorate(function: Callable[..., Result]) -> Callable[..., Result]:
        @wraps(function)
        def safe(*arguments: Any) -> Result:
            try:
                return function(*arguments)
            except Exception as error:
                if raises(error):
                    raise
                _logger.warning(
                    "the filter %r failed: %s",
                    function.__name__,
                    one_line(error),
                    extra=fields("no_thumbnail", error=type(error).__name__),
                )
                return default

        return safe

    return decorate


class ThumbnailNode(Node):
    """`{% thumbnail source geometry key=value … as name %}…{% empty %}…{% endthumbnail %}`."""

    child_nodelists = ("nodelist_file", "nodelist_empty")

    def __init__(self, parser: Parser, token: Token) -> None:
        words = token.split_contents()
        if len(words) < 3 or "as" in words[1:3]:  # noqa: PLR2004 - the tag, a source, a geometry
            raise _syntax_error()
        has_name = words[-2] == "as"
        self.file = parser.compile_filter(words[1])
        self.geometry = parser.compile_filter(words[2])
        self.options = [_option(parser, word) for word in words[3 : -2 if has_name else None]]
        self.name = words[-1] if has_name else None
        self.nodelist_file, self.nodelist_empty = NodeList(), NodeList()
        if has_name:
            self.nodelist_file = parser.parse(("empty", "endthumbnail"))
            if parser.next_token().contents == "empty":
                self.nodelist_empty = parser.parse(("endthumbnail",))
                parser.delete_first_token()

    def render(self, context: Context) -> SafeString:
        """Render the content with the thumbnail, or the `{% empty %}` part if there is none."""
        try:
            thumbnail = self._thumbnail(context)
            if thumbnail is None or (isinstance(thumbnail, DummyThumbnail) and self.nodelist_empty):
                return self.nodelist_empty.render(context)
            if self.name is None:
                return conditional_escape(thumbnail.url)
            with context.push(**{self.name: thumbnail}):
                return self.nodelist_file.render(context)
        except Exception as error:
            if raises(error):
                raise
            _logger.warning(
                "the tag thumbnail failed: %s",
                one_line(error),
                extra=fields("no_thumbnail", error=type(error).__name__),
            )
            return self.nodelist_empty.render(context)

    def _thumbnail(self, context: Context) -> Any:
        file = self.file.resolve(context)
        geometry = self.geometry.resolve(context)
        options: dict[str, Any] = {}
        for name, expression in self.options:
            text = str(expression)
            value: Any = _CONSTANTS.get(text, text)
            if text not in _CONSTANTS:
                value = expression.resolve(context)
            options.update(value if name == "options" else {name: value})
        if file:
            return get_thumbnail(file, geometry, **options)
        return DummyThumbnail(geometry) if setting("DUMMY") else None


def _option(parser: Parser, word: str) -> tuple[str, FilterExpression]:
    match = _OPTION.fullmatch(word)
    if match is None:
        raise _syntax_error()
    return match[1], parser.compile_filter(match[2])


def _syntax_error() -> template.TemplateSyntaxError:
    return template.TemplateSyntaxError(
        "the syntax is {% thumbnail source geometry key=value … as name %}"
    )


@register.tag
def thumbnail(parser: Parser, token: Token) -> ThumbnailNode:
    """`{% thumbnail photo.image "200x100" crop="center" as im %}…{% endthumbnail %}`."""
    return ThumbnailNode(parser, token)


@register.filter
@_logs_errors(default=False)
def is_portrait(file: Any) -> bool:
    """Whether an image or a thumbnail is taller than it is wide."""
    if setting("DUMMY"):
        return bool(setting("DUMMY_RATIO") < 1)
    return bool(file) and sized(file).is_portrait()


@register.filter
@_logs_errors(default="auto")
def margin(file: Any, geometry: str) -> str:
    """Return the CSS margin that centres an image or a thumbnail in a box."""
    free = _free(file, geometry)
    if free is None:
        return "auto"
    across, down = free
    # If a margin can't be split evenly, the extra pixel goes on the right or at the bottom.
    edges = (int(down / 2), int(across / 2 + across % 2), int(down / 2 + down % 2), int(across / 2))
    return " ".join(f"{edge}px" for edge in edges)


@register.filter
@_logs_errors(default="auto")
def background_margin(file: Any, geometry: str) -> str:
    """Return the CSS background-position that centres an image or a thumbnail in a box."""
    free = _free(file, geometry)
    return "auto" if free is None else " ".join(f"{side / 2}px" for side in free)


def _free(file: Any, geometry: str) -> tuple[int, int] | None:
    """Return how much wider and taller a box is than an image."""
    if not file or setting("DUMMY") or isinstance(file, DummyThumbnail):
        return None
    image = sized(file)
    width, height = Geometry.parse(geometry).sides(image.ratio)
    return width - image.width, height - image.height


@register.filter
def resolution(url: str, text: str) -> str:
    """`{{ im.url|resolution:"2x" }}`: the URL of the thumbnail at a higher density."""
    try:
        density = float(text.strip("x"))
    except ValueError:
        raise SpecError(f"the resolution must be a factor such as '2x', not {text!r}") from None
    if isinstance(url, ThumbnailUrl):
        return url.at(density)
    return _dummy_url(url, density) if setting("DUMMY") else url


def _dummy_url(url: str, density: float) -> str:
    """Return the URL of a larger placeholder, or any other URL unchanged."""
    pattern = re.escape(setting("DUMMY_SOURCE"))
    for side in ("width", "height"):
        pattern = pattern.replace(re.escape(f"%({side})s"), f"(?P<{side}>[0-9]+)")
    match = re.match(pattern, url)
    if match is None:
        return url
    larger = {side: int(int(number) * density) for side, number in match.groupdict().items()}
    return str(setting("DUMMY_SOURCE") % larger)


@register.filter
def markdown_thumbnails(text: str) -> str:
    """Replace the images in Markdown with thumbnails `THUMBNAIL_FILTER_WIDTH` pixels wide."""
    return _MARKDOWN_IMAGE.sub(_to_thumbnail, str(text))


@register.filter
def html_thumbnails(text: str) -> str:
    """Replace the images in HTML with thumbnails `THUMBNAIL_FILTER_WIDTH` pixels wide."""
    return _HTML_IMAGE.sub(_to_thumbnail, str(text))


def _to_thumbnail(match: re.Match[str]) -> str:
    """Replace the URL of an image, unless the image can't have a thumbnail."""
    name = match[2].removeprefix(settings.MEDIA_URL or "")
    try:
        url = get_thumbnail(name, str(setting("FILTER_WIDTH"))).url
    except Exception as error:
        if raises(error):
            raise
        _logger.warning(
            "%r can't have a thumbnail: %s",
            match[2],
            one_line(error),
            extra=fields("no_thumbnail", source=match[2], error=type(error).__name__),
        )
        url = ""
    return f"{match[1]}{url or match[2]}"
