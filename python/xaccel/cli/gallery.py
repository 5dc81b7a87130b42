"""The gallery of `xaccel serve`: a directory of pictures as pages, for development.

It is an app as anybody would write it with this package and the standard library: its pages sign
the addresses of thumbnails, `xaccel.wsgi.Thumbnails` answers them, and the files themselves are
private files, confined to the directory. What is hidden (`.git`, `.ssh`) is not there.
"""

from __future__ import annotations

import html
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from xaccel._core import ImageInfo, __version__, probe
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.delivery.presentation import FileOptions
from xaccel.delivery.request import Request
from xaccel.delivery.response import Response, error_response, method_not_allowed
from xaccel.exceptions import FileNotFound, ThumbnailError
from xaccel.thumbnails.helpers import TemplateHelpers
from xaccel.thumbnails.markup import Markup, element
from xaccel.thumbnails.sources.base import is_plain
from xaccel.thumbnails.sources.directory import file_state
from xaccel.wsgi import Thumbnails, respond

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["Gallery"]

_FOLDERS, _FILES, _THUMBNAILS = "/folder/", "/file/", "/thumbnail/"
_STYLE = "/gallery.css"
_PICTURES = frozenset({".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_SCALES = (1, 1.5, 2, 3)
_TIMES = "\N{MULTIPLICATION SIGN}"
_WIDEST, _NARROWEST = 3.0, 0.6
_TRIED_FOR_A_COVER = 5
# The shape of each picture is in its `style`.
_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = (
    ("Cache-Control", "no-cache"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", _POLICY),
)
# A page among the files must not act in the name of this site.
_FILE_OPTIONS = FileOptions(headers={"Content-Security-Policy": "script-src 'none'"})


class Gallery:
    """A directory of pictures as a WSGI app: its folders, thumbnails and files.

    Args:
        directory: The directory, without links in its path.
        cache: The directory of finished thumbnails.
        size: The width and height into which each picture is fitted, in CSS pixels.

    Raises:
        ConfigError: A directory can't be used.
    """

    def __init__(self, directory: Path, cache: Path, size: tuple[int, int]) -> None:
        self.config = Config.from_mapping(
            {
                "ROOTS": {directory: _FILES},
                "SECRET_KEYS": [secrets.token_urlsafe()],
                "THUMBNAIL_SOURCE": directory,
                "THUMBNAIL_URL": _THUMBNAILS,
                "THUMBNAIL_CACHE": cache,
            }
        )
        """The settings."""
        self._directory = directory
        self._size = size
        self._files = Delivery(self.config)
        self._thumbnails = Thumbnails(self.config)
        self._image = TemplateHelpers(self.config).thumbnail_img

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = os.fsdecode(environ["PATH_INFO"].encode("latin-1"))
        if path.startswith(_THUMBNAILS):
            return self._thumbnails(environ, start_response)
        request = Request.from_environ(environ)
        try:
            if request.conditions.method in {"GET", "HEAD"}:
                response = self._respond(path, request)
            else:
                response = method_not_allowed()
        except FileNotFound as error:
            response = error_response(error)
        return respond(response, environ, start_response)

    def _respond(self, path: str, request: Request) -> Response:
        if path.startswith(_FILES):
            name = path.removeprefix(_FILES)
            return self._files.private_file(_visible(name), request, _FILE_OPTIONS)
        if path == _STYLE:
            return _page("text/css", Path(__file__).with_name("gallery.css").read_text())
        if path == "/":
            return _page("text/html", self._folder(""))
        if path.startswith(_FOLDERS) and path.endswith("/"):
            return _page("text/html", self._folder(path.removeprefix(_FOLDERS).removesuffix("/")))
        raise FileNotFound(f"{path!r} is no page")

    def _folder(self, name: str) -> str:
        listing = self._list(name)
        main = [
            _list("folders", map(self._folder_tile, listing.folders)),
            _list("pictures", (self._picture_tile(*picture) for picture in listing.pictures)),
            _list("files", (_file_line(*file) for file in listing.files)),
        ]
        if not any(main):
            main = [element("p", {"class": "empty"}, "There is nothing in this folder.")]
        crumbs = [element("a", {"href": "/"}, html.escape(_shown(self._directory.name or "/")))]
        parts = name.split("/") if name else []
        for index, part in enumerate(parts, 1):
            url = _url(_FOLDERS, "/".join(parts[:index])) + "/"
            crumbs.append(element("a", {"href": url}, html.escape(_shown(part))))
        last = crumbs.pop().replace("<a ", '<a aria-current="page" ', 1)
        title = html.escape(_shown(parts[-1] if parts else self._directory.name))
        return _document(
            title=title,
            crumbs="<span>/</span>".join([*crumbs, last]),
            summary=listing.summary,
            main="".join(main),
            height=self._size[1],
        )

    def _list(self, name: str) -> _Listing:
        """What is in a folder, as far as it may be shown.

        Raises:
            FileNotFound: There is no such folder.
        """
        folder = self._located_folder(name)
        listing = _Listing()
        try:
            paths = sorted(folder.iterdir(), key=lambda path: _in_order(path.name))
        except OSError as error:
            raise FileNotFound(f"{str(folder)!r} can't be read: {error.strerror}") from None
        for path in paths:
            below = f"{name}/{path.name}" if name else path.name
            try:
                if path.is_dir():
                    self._located_folder(below)
                    listing.folders.append(below)
                    continue
                location = self._files.locate(_visible(below))
            except FileNotFound:
                continue
            info = self._info(location.path)
            if info is not None and _is_utf8(below):
                listing.pictures.append((below, info, location.size))
            else:
                listing.files.append((below, location.size))
        return listing

    def _located_folder(self, name: str) -> Path:
        """The folder of a name: neither hidden, nor by a link outside the directory."""
        path = self._directory / (_visible(name) if name else "")
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            raise FileNotFound(f"there is no folder {name!r}") from None
        if not real.is_dir() or not real.is_relative_to(self._directory):
            raise FileNotFound(f"{name!r} is no folder in the directory")
        return path

    @staticmethod
    def _info(path: str) -> ImageInfo | None:
        """What there is to know of a picture; `None` if there can't be a thumbnail of it."""
        if Path(path).suffix.lower() not in _PICTURES:
            return None
        return _probed(path, file_state(path))

    def _picture_tile(self, name: str, info: ImageInfo, size: int) -> Markup:
        ratio = info.width / info.height
        image = self._thumbnail(name, info, fit="contain")
        size_in_pixels = f"{info.width} {_TIMES} {info.height}"
        about = f"{size_in_pixels} · {info.format.upper()} · {_bytes(size)}"
        caption = element("b", {}, html.escape(_own_name(name))) + element("span", {}, about)
        figure = element("span", {"class": "frame"}, image) + element("figcaption", {}, caption)
        shape = f"--ratio:{min(max(ratio, _NARROWEST), _WIDEST):.4f}"
        natural = f"--width:{info.width}px;--height:{info.height}px"
        link = element(
            "a",
            {"href": _url(_FILES, name), "title": _own_name(name)},
            element("figure", {}, figure),
        )
        return element("li", {"style": f"{shape};{natural}"}, link)

    def _folder_tile(self, name: str) -> Markup:
        cover = self._cover(name)
        image = "" if cover is None else self._thumbnail(*cover, fit="cover", alt="")
        frame = element("span", {"class": "frame"}, image)
        label = element("b", {}, html.escape(_own_name(name)))
        return element("li", {}, element("a", {"href": _url(_FOLDERS, name) + "/"}, frame + label))

    def _cover(self, name: str) -> tuple[str, ImageInfo] | None:
        """A picture of a folder, to show in its place."""
        try:
            paths = [*self._located_folder(name).iterdir()]
        except OSError:
            return None
        likely = [path.name for path in paths if path.suffix.lower() in _PICTURES]
        for picture in sorted(likely, key=_in_order)[:_TRIED_FOR_A_COVER]:
            below = f"{name}/{picture}"
            try:
                info = self._info(self._files.locate(_visible(below)).path)
            except FileNotFound:
                continue
            if info is not None and _is_utf8(below):
                return below, info
        return None

    def _thumbnail(self, name: str, info: ImageInfo, *, fit: str, alt: str | None = None) -> Markup:
        width, height = self._size
        return self._image(
            name,
            width,
            height,
            alt=_own_name(name) if alt is None else alt,
            fit=fit,
            format="auto",
            widths=[round(width * scale) for scale in _SCALES],
            # Where the browser does not know better how wide a lazy image is shown.
            sizes=f"auto, {width}px",
            source_size=(info.width, info.height),
            version="mtime",
        )


@dataclass
class _Listing:
    """What a folder shows: names below the directory."""

    folders: list[str] = field(default_factory=list)
    pictures: list[tuple[str, ImageInfo, int]] = field(default_factory=list)
    files: list[tuple[str, int]] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """How much there is of each."""
        numbers = (
            (len(self.pictures), "picture"),
            (len(self.folders), "folder"),
            (len(self.files), "other file" if self.pictures else "file"),
        )
        words = [
            f"{number} {what}{'' if number == 1 else 's'}" for number, what in numbers if number
        ]
        return " · ".join(words)


def _visible(name: str) -> str:
    """The name of what is not hidden.

    Raises:
        FileNotFound: It is, or it is no name in its one spelling.
    """
    if not is_plain(name) or any(part.startswith(".") for part in name.split("/")):
        raise FileNotFound(f"{name!r} is not shown")
    return name


@lru_cache(maxsize=4096)
def _probed(path: str, state: str | None) -> ImageInfo | None:  # noqa: ARG001  the key
    try:
        return probe(path)
    except (ThumbnailError, FileNotFound):
        return None


def _is_utf8(name: str) -> bool:
    """Whether it can be signed."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _in_order(name: str) -> tuple[list[tuple[bool, int, str]], str]:
    """A key that sorts as people do: `IMG_9` before `IMG_10`."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return [
        (False, int(piece), "") if piece[0].isdecimal() else (True, 0, piece) for piece in pieces
    ], name


def _own_name(name: str) -> str:
    return _shown(name.rpartition("/")[2])


def _shown(name: str) -> str:
    """A name for people, whatever bytes there are in it."""
    return os.fsencode(name).decode(errors="replace")


def _url(prefix: str, name: str) -> str:
    return prefix + quote(os.fsencode(name))


def _bytes(number: int) -> str:
    exponent = min((len(str(number)) - 1) // 3, 3)
    if exponent == 0:
        return f"{number} B"
    value = number / 1000**exponent
    return f"{value:.{1 if value < 10 else 0}f} {'kMG'[exponent - 1]}B"  # noqa: PLR2004


def _file_line(name: str, size: int) -> Markup:
    ending = Path(name).suffix.removeprefix(".")
    parts = (
        element("i", {}, html.escape(_shown(ending)[:5] or "file")),
        element("b", {}, html.escape(_own_name(name))),
        element("span", {}, _bytes(size)),
    )
    return element("li", {}, element("a", {"href": _url(_FILES, name)}, "".join(parts)))


def _list(kind: str, items: Iterable[Markup]) -> str:
    content = "".join(items)
    return element("ul", {"class": kind}, content) if content else ""


def _document(*, title: str, crumbs: str, summary: str, main: str, height: int) -> str:
    return f"""<!doctype html>
<html lang="en" style="--row:{height}px">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{_STYLE}">
<header><nav>{crumbs}</nav><p>{summary}</p></header>
<main>{main}</main>
<footer>xaccel {__version__}, for development: whoever reaches this address sees all of it.</footer>
</html>
"""


def _page(kind: str, text: str) -> Response:
    body = text.encode()
    headers = (
        ("Content-Type", f"{kind}; charset=utf-8"),
        ("Content-Length", str(len(body))),
        *_PAGE_HEADERS,
    )
    return Response(200, headers, body)
