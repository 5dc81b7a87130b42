"""The playground: a picture, a control for each option, and the resulting thumbnail."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote
from wsgiref.util import setup_testing_defaults

from xaccel._core import ImageInfo, probe, score
from xaccel.cli.gallery import controls
from xaccel.cli.gallery.folders import Picture, formatted_bytes
from xaccel.exceptions import SpecError, XaccelError
from xaccel.thumbnails.markup import element
from xaccel.thumbnails.specs import build_spec
from xaccel.thumbnails.urls import ThumbnailUrls

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_TIMES = "\N{MULTIPLICATION SIGN}"

_SHAPE = frozenset(
    {
        "fit",
        "upscale",
        "gravity",
        "page",
        "frame",
        "at",
        "trim",
        "crop",
        "rotate",
        "flip",
        "background",
        "dpr",
    }
)
"""The options that decide which part of the picture is shown, and at what size."""

_FILE = frozenset({"format", "quality", "max_bytes", "progressive", "subsampling"})
"""The options that decide how the thumbnail is stored."""


class Playground:
    """The pages and results of the playground.

    Args:
        urls: Generates the URLs of thumbnails.
        thumbnails: The app that serves them.
    """

    def __init__(self, urls: ThumbnailUrls, thumbnails: WSGIApplication) -> None:
        self._urls = urls
        self._thumbnails = thumbnails

    def page(self, results: str, original: str) -> str:
        """Return the content of the page for a picture.

        Args:
            results: The URL of the results for the picture.
            original: The URL of the picture itself.
        """
        stage = element(
            "div",
            {"class": "stage"},
            element("img", {"id": "before", "alt": "Before: the picture without loss or effects"})
            + element("img", {"id": "after", "alt": "After: the thumbnail"})
            + element("span", {"class": "divider", "aria-hidden": "true"}, ""),
        )
        divider = element(
            "label",
            {"class": "compare"},
            "Before "
            + element(
                "input",
                {"id": "divider", "type": "range", "min": 0, "max": 100, "value": 50}
                | {"aria-label": "Position of the line between before and after, in percent"},
            )
            + " After",
        )
        facts = element("p", {"id": "facts", "role": "status"}, "Loading …")
        codes = "".join(
            _code_row(key, label)
            for key, label in (
                ("spec", "Options"),
                ("url", "URL"),
                ("jinja", "Jinja"),
                ("django", "Django"),
                ("python", "Python"),
            )
        )
        preview = element(
            "section",
            {"class": "preview", "aria-label": "Preview"},
            stage + divider + facts + element("dl", {}, codes),
        )
        reset = element("button", {"type": "reset"}, "Reset all options")
        link = element("a", {"href": original}, "Open the original")
        form = element(
            "form",
            {"id": "options", "action": results},
            controls.form() + element("p", {"class": "actions"}, reset + link),
        )
        script = element("noscript", {}, "The playground needs JavaScript.")
        return element("div", {"class": "playground"}, preview + form) + script

    def result(self, picture: Picture, size: int, environ: WSGIEnvironment) -> str:
        """Return the result for the form fields in the query, as JSON.

        Args:
            picture: The picture.
            size: The size of its file in bytes.
            environ: The request.
        """
        try:
            result = self._result(picture, size, environ)
        except XaccelError as error:
            result = {"error": str(error)}
        return json.dumps(result, ensure_ascii=False)

    def _result(self, picture: Picture, size: int, environ: WSGIEnvironment) -> dict[str, Any]:
        fields = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        options = controls.options_of(fields)
        box = {side: options.pop(side, None) for side in ("width", "height")}
        spec = build_spec({}, **box, **options)
        accept = environ.get("HTTP_ACCEPT", "")
        after = self._fetch(picture.name, {**box, **options}, accept)
        shape = {name: value for name, value in options.items() if name in _SHAPE}
        lossless = {name: value for name, value in options.items() if name not in _FILE}
        before = self._fetch(picture.name, {**box, **shape, "format": "png"}, accept)
        reference = self._fetch(picture.name, {**box, **lossless, "format": "png"}, accept)
        return {
            "before": before.url,
            "after": after.url,
            "facts": _facts(after.data, reference.data, picture.info, size),
            "spec": str(spec),
            "url": self._urls.url(picture.name, **box, **options),
            **_code(picture.name, box, options),
        }

    def _fetch(self, name: str, arguments: Mapping[str, Any], accept: str) -> _Fetched:
        """Return a thumbnail as the browser receives it."""
        url = self._urls.url(name, version="mtime", **arguments)
        path, _, query = url.partition("?")
        environ: WSGIEnvironment = {
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "HTTP_ACCEPT": accept,
        }
        setup_testing_defaults(environ)
        statuses: list[str] = []

        def start_response(status: str, *_: object) -> Any:
            statuses.append(status)

        body = self._thumbnails(environ, start_response)
        try:
            data = b"".join(body)
        finally:
            if hasattr(body, "close"):
                body.close()
        if not statuses[0].startswith("200 "):
            raise SpecError(f"the thumbnail can't be made: {data.decode(errors='replace').strip()}")
        return _Fetched(url, data)


@dataclass(frozen=True)
class _Fetched:
    url: str
    data: bytes


def _facts(after: bytes, reference: bytes, original: ImageInfo, size: int) -> str:
    info = probe(after)
    share = f"{100 * len(after) / size:.1f} % of the original's {formatted_bytes(size)}"
    facts = (
        f"{info.width} {_TIMES} {info.height}",
        info.format.upper(),
        f"{formatted_bytes(len(after))}, {share} ({original.width} {_TIMES} {original.height})",
        f"SSIMULACRA2 {score(reference, after):.0f}",
    )
    return " · ".join(facts)


def _code_row(key: str, label: str) -> str:
    code = element("code", {"id": f"code-{key}"}, "")
    copy = element(
        "button",
        {"type": "button", "data-copy": f"code-{key}", "aria-label": f"Copy: {label}"},
        "Copy",
    )
    return element("dt", {}, html.escape(label)) + element("dd", {}, code + copy)


def _code(name: str, box: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, str]:
    """Return the code that generates a thumbnail, keyed by language."""
    sides = [box["width"], box["height"]]
    while sides and sides[-1] is None:
        sides.pop()
    positional = [_literal(name), *map(_literal, sides)]
    named = [f"{key}={_literal(value)}" for key, value in options.items()]
    arguments = ", ".join([*positional, *named])
    in_django = [f"{key}={_django_literal(value)}" for key, value in options.items()]
    return {
        "jinja": f"{{{{ thumbnail_url({arguments}) }}}}",
        "django": f"{{% thumbnail_url {' '.join([*positional, *in_django])} %}}",
        "python": f"thumbnail({arguments})",
    }


def _literal(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def _django_literal(value: object) -> str:
    # Django's template language has no tuples.
    if isinstance(value, tuple):
        return _literal("-".join(f"{number:g}" for number in value))
    return _literal(value)
