"""The gallery's pages in HTML."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from xaccel._core import __version__
from xaccel.cli.gallery.folders import Listing, Picture, formatted_bytes
from xaccel.cli.gallery.playground import Playground
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.thumbnails.markup import Markup, element

FOLDERS = "/folder/"
"""The URL prefix of folders."""
FILES = "/file/"
"""The URL prefix of files."""
PLAYGROUND = "/playground/"
"""The URL prefix of the playground's pages."""
RESULTS = "/result/"
"""The URL prefix of the playground's results."""
ASSETS = {"/gallery.css": "text/css", "/playground.js": "text/javascript"}
"""The URLs and media types of the style sheet and the script."""

_SCALES = (1, 1.5, 2, 3)
_TIMES = "\N{MULTIPLICATION SIGN}"
_WIDEST, _NARROWEST = 3.0, 0.6


class Pages:
    """Generates the pages.

    Args:
        title: The name of the directory.
        helpers: The template helpers, which generate the `<img>` elements of thumbnails.
        size: The width and height of the box that each picture fits into, in CSS pixels.
    """

    def __init__(self, title: str, helpers: TemplateHelpers, size: tuple[int, int]) -> None:
        self._title = title
        self._image = helpers.thumbnail_img
        self._size = size

    def folder(self, name: str, listing: Listing) -> str:
        """Return the page for a folder. An empty name means the directory itself."""
        main = [
            _list("folders", (self._folder_tile(*folder) for folder in listing.folders)),
            _list("pictures", (self._picture_tile(*picture) for picture in listing.pictures)),
            _list("files", (_file_line(*file) for file in listing.files)),
        ]
        if not any(main):
            main = [element("p", {"class": "empty"}, "This folder is empty.")]
        return self._document(name, listing.summary, "".join(main))

    def playground(self, name: str, playground: Playground) -> str:
        """Return the page on which visitors try the options with a picture."""
        main = playground.page(_url(RESULTS, name), _url(FILES, name))
        script = element("script", {"src": "/playground.js", "type": "module"}, "")
        return self._document(name, "Options", main + script, _url(PLAYGROUND, name))

    def _document(self, name: str, summary: str, main: str, here: str | None = None) -> str:
        """Return a page about a folder, or about a picture with the URL `here`."""
        crumbs = [element("a", {"href": "/"}, html.escape(_shown(self._title or "/")))]
        parts = name.split("/") if name else []
        for index, part in enumerate(parts, 1):
            url = _url(FOLDERS, "/".join(parts[:index])) + "/"
            if index == len(parts) and here is not None:
                url = here
            crumbs.append(element("a", {"href": url}, html.escape(_shown(part))))
        last = crumbs.pop().replace("<a ", '<a aria-current="page" ', 1)
        return _html(
            title=html.escape(_shown(parts[-1] if parts else self._title)),
            crumbs="<span>/</span>".join([*crumbs, last]),
            summary=summary,
            main=main,
            height=self._size[1],
        )

    def _picture_tile(self, picture: Picture, size: int) -> Markup:
        name, info = picture.name, picture.info
        ratio = info.width / info.height
        image = self._thumbnail(picture, fit="contain")
        facts = (
            f"{info.width} {_TIMES} {info.height} · {info.format.upper()} · {formatted_bytes(size)}"
        )
        caption = element("b", {}, html.escape(_own_name(name))) + element("span", {}, facts)
        figure = element("span", {"class": "frame"}, image) + element("figcaption", {}, caption)
        shape = f"--ratio:{min(max(ratio, _NARROWEST), _WIDEST):.4f}"
        natural = f"--width:{info.width}px;--height:{info.height}px"
        link = element(
            "a",
            {"href": _url(FILES, name), "title": _own_name(name)},
            element("figure", {}, figure),
        )
        label = f"Try the options with {_own_name(name)}"
        options = element(
            "a", {"class": "try", "href": _url(PLAYGROUND, name), "aria-label": label}, "Options"
        )
        return element("li", {"style": f"{shape};{natural}"}, link + options)

    def _folder_tile(self, name: str, cover: Picture | None) -> Markup:
        image = "" if cover is None else self._thumbnail(cover, fit="cover", alt="")
        frame = element("span", {"class": "frame"}, image)
        label = element("b", {}, html.escape(_own_name(name)))
        return element("li", {}, element("a", {"href": _url(FOLDERS, name) + "/"}, frame + label))

    def _thumbnail(self, picture: Picture, *, fit: str, alt: str | None = None) -> Markup:
        width, height = self._size
        return self._image(
            picture.name,
            width,
            height,
            alt=_own_name(picture.name) if alt is None else alt,
            fit=fit,
            format="auto",
            widths=[round(width * scale) for scale in _SCALES],
            # The width is a fallback for browsers that don't support `auto`.
            sizes=f"auto, {width}px",
            source_size=(picture.info.width, picture.info.height),
            version="mtime",
        )


def _own_name(name: str) -> str:
    return _shown(name.rpartition("/")[2])


def _shown(name: str) -> str:
    """Return a name for display, with replacement characters for bytes that are not valid UTF-8."""
    return os.fsencode(name).decode(errors="replace")


def _url(prefix: str, name: str) -> str:
    return prefix + quote(os.fsencode(name))


def _file_line(name: str, size: int) -> Markup:
    ending = Path(name).suffix.removeprefix(".")
    parts = (
        element("i", {}, html.escape(_shown(ending)[:5] or "file")),
        element("b", {}, html.escape(_own_name(name))),
        element("span", {}, formatted_bytes(size)),
    )
    return element("li", {}, element("a", {"href": _url(FILES, name)}, "".join(parts)))


def _list(css_class: str, items: Iterable[Markup]) -> str:
    content = "".join(items)
    return element("ul", {"class": css_class}, content) if content else ""


def _html(*, title: str, crumbs: str, summary: str, main: str, height: int) -> str:
    return f"""<!doctype html>
<html lang="en" style="--row:{height}px">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/gallery.css">
<header><nav>{crumbs}</nav><p>{summary}</p></header>
<main>{main}</main>
<footer>xaccel {__version__}, for development: everyone who can reach this address can see
all of these files.</footer>
</html>
"""
