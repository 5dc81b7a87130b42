"""What templates call, whatever their language: the tags and filters are wrappers round this.

Nothing here asks a database or raises because an image is missing, and nothing but `placeholder`
opens one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache, wraps
from typing import Any

from xaccel._hints import did_you_mean
from xaccel.config import Config
from xaccel.exceptions import SpecError
from xaccel.thumbnails.layout import DENSITIES, Layout, candidates, known_size, shown_size
from xaccel.thumbnails.markup import Markup, element
from xaccel.thumbnails.placeholders import Placeholders
from xaccel.thumbnails.specs import OPTIONS
from xaccel.thumbnails.urls import ThumbnailUrls, source_name

_ATTRIBUTES = frozenset(
    {"class", "crossorigin", "decoding", "fetchpriority", "hidden", "id", "itemprop", "lang"}
    | {"loading", "referrerpolicy", "role", "slot", "style", "title", "usemap"}
)

_PASSING = frozenset({"version", "expires", "expires_in"})
"""The options that may make another URL of the same arguments."""

_REMEMBERED = 4096
"""How many URLs are kept at most."""


class TemplateHelpers:
    """The template helpers with an app's settings.

    The width and height that keep a page from jumping are written whenever they are certain:
    from the box if the thumbnail fills it, else from the source's size, if that is known: given
    as `source_size`, or held in the `width_field` and `height_field` of a Django `ImageField`.
    No image is opened to find out.

    Raises:
        ConfigError: There is no `THUMBNAIL_SOURCE`, or what the engine needs is not set.
    """

    def __init__(self, config: Config) -> None:
        self._urls = ThumbnailUrls(config)
        self._formats = config.thumbnail_formats
        self.thumbnail_url = _remembering(self._urls.url)
        """The URL of a thumbnail, see `ThumbnailUrls.url`."""
        self._lay_out = lru_cache(maxsize=1024)(self._build_layout)
        self.placeholder = Placeholders(config, self._urls).placeholder
        """A blurred picture as a `data:` URI, see `Placeholders.placeholder`."""

    def thumbnail_srcset(
        self,
        source: object,
        width: int | str | None = None,
        height: int | None = None,
        *,
        widths: str | Iterable[float] | None = None,
        densities: str | Iterable[float] = DENSITIES,
        source_size: tuple[int, int] | None = None,
        version: object = None,
        expires_in: int | None = None,
        **options: Any,
    ) -> str:
        """The value of a `srcset` attribute.

        Args:
            source: As in `thumbnail_url`, like all that is not named here.
            width: The box's width in pixels, or the name of a preset.
            height: The box's height in pixels.
            widths: The widths to choose from; the height goes along. `sizes` then says how wide
                the image is shown.
            densities: The numbers of pixels per CSS pixel to choose from, when there are no
                `widths`.
            source_size: The width and height of the upright source, if you know them.
            version: See `thumbnail_url`.
            expires_in: See `thumbnail_url`.
            options: See `thumbnail_url`.
        """
        layout = self._layout(source, width, height, widths, densities, source_size, options)
        return self._srcset(source, layout, version, expires_in)

    def thumbnail_img(
        self,
        source: object,
        width: int | str | None = None,
        height: int | None = None,
        *,
        alt: object,
        sizes: str | None = None,
        widths: str | Iterable[float] | None = None,
        densities: str | Iterable[float] = DENSITIES,
        source_size: tuple[int, int] | None = None,
        version: object = None,
        expires_in: int | None = None,
        **options: Any,
    ) -> Markup:
        """An `<img>` that browsers load lazily, in the size that suits the screen.

        Args:
            source: As in `thumbnail_srcset`, like all that is not named here.
            width: The box's width in CSS pixels, or the name of a preset.
            height: The box's height in CSS pixels.
            alt: What the image shows, in words; empty for one that only decorates.
            sizes: How wide the image is shown, when there are `widths`; by default as wide as
                the page.
            widths: See `thumbnail_srcset`.
            densities: See `thumbnail_srcset`.
            source_size: See `thumbnail_srcset`.
            version: See `thumbnail_url`.
            expires_in: See `thumbnail_url`.
            options: Those of a thumbnail, and further HTML attributes: `class`, `loading`, …;
                `data_id` is `data-id`.
        """
        options, attributes = _split(options)
        if sizes is not None and widths is None:
            raise SpecError("'sizes' needs 'widths', the widths to choose from")
        layout = self._layout(source, width, height, widths, densities, source_size, options)
        srcset = self._srcset(source, layout, version, expires_in)
        url = self._urls.signed(source, layout.text, version=version, expires_in=expires_in)
        return element(
            "img",
            {
                "src": url,
                "srcset": None if srcset in {"", f"{url} 1x"} else srcset,
                "sizes": _sizes(srcset, sizes, widths),
                **layout.shown_size,
                "alt": "" if alt is None else alt,
                "loading": "lazy",
                "decoding": "async",
                **attributes,
            },
        )

    def thumbnail_picture(
        self,
        source: object,
        width: int | str | None = None,
        height: int | None = None,
        *,
        alt: object,
        formats: Iterable[str] | None = None,
        sizes: str | None = None,
        widths: str | Iterable[float] | None = None,
        densities: str | Iterable[float] = DENSITIES,
        source_size: tuple[int, int] | None = None,
        version: object = None,
        expires_in: int | None = None,
        **options: Any,
    ) -> Markup:
        """A `<picture>` with a `<source>` for each modern format, best first, and an `<img>`.

        Args:
            source: As in `thumbnail_img`, like all that is not named here.
            width: The box's width in CSS pixels, or the name of a preset.
            height: The box's height in CSS pixels.
            alt: What the image shows, in words.
            formats: The modern formats, best first; by default `THUMBNAIL_FORMATS`.
            sizes: See `thumbnail_img`.
            widths: See `thumbnail_srcset`.
            densities: See `thumbnail_srcset`.
            source_size: See `thumbnail_srcset`.
            version: See `thumbnail_url`.
            expires_in: See `thumbnail_url`.
            options: See `thumbnail_img`.
        """
        image = self.thumbnail_img(
            source,
            width,
            height,
            alt=alt,
            sizes=sizes,
            widths=widths,
            densities=densities,
            source_size=source_size,
            version=version,
            expires_in=expires_in,
            **options,
        )
        options, _ = _split(options)
        spec = self._urls.spec(width, height, **options)
        plain = spec.output_format(source_name(source) or "")
        if isinstance(formats, str):
            formats = formats.replace(",", " ").split()
        sources = []
        for name in self._formats if formats is None else formats:
            if name == plain or not self._urls.is_allowed(spec.replace(format=name)):
                continue
            srcset = self.thumbnail_srcset(
                source,
                width,
                height,
                widths=widths,
                densities=densities,
                source_size=source_size,
                version=version,
                expires_in=expires_in,
                **{**options, "format": name},
            )
            if srcset:
                sizes_here = _sizes(srcset, sizes, widths)
                attributes = {"type": f"image/{name}", "srcset": srcset, "sizes": sizes_here}
                sources.append(element("source", attributes))
        return element("picture", {}, "".join([*sources, image]))

    def _srcset(
        self, source: object, layout: Layout, version: object, expires_in: int | None
    ) -> str:
        signed = self._urls.signed
        return ", ".join(
            f"{signed(source, text, version=version, expires_in=expires_in)} {descriptor}"
            for text, descriptor in layout.candidates
        )

    def _layout(  # noqa: PLR0917
        self,
        source: object,
        width: int | str | None,
        height: int | None,
        widths: str | Iterable[float] | None,
        densities: str | Iterable[float],
        source_size: tuple[int, int] | None,
        options: Mapping[str, Any],
    ) -> Layout:
        return self._lay_out(
            width,
            height,
            _hashable(widths),
            _hashable(densities),
            _hashable(source_size) or known_size(source),
            **{name: _hashable(value) for name, value in options.items()},
        )

    def _build_layout(
        self,
        width: int | str | None,
        height: int | None,
        widths: str | Iterable[float] | None,
        densities: str | Iterable[float],
        source_size: tuple[int, int] | None,
        **options: Any,
    ) -> Layout:
        spec = self._urls.allowed_spec(width, height, **options)
        return Layout(
            text=str(spec),
            candidates=tuple(
                (str(candidate), descriptor)
                for candidate, descriptor in candidates(spec, widths, densities, source_size)
                if self._urls.is_allowed(candidate)
            ),
            shown_size=shown_size(spec, source_size),
        )


def _remembering(make: Callable[..., str]) -> Callable[..., str]:
    """Most pages show the same thumbnails again and again: `ThumbnailUrls.url` that knows them.

    A plain function with a dictionary, as template languages take longer to call anything else.
    """
    urls: dict[tuple[object, ...], str] = {}

    @wraps(make)
    def url(
        source: object, width: int | str | None = None, height: int | None = None, **options: Any
    ) -> str:
        try:
            # Without the options, of which there are mostly none, it is built faster.
            key = (source, width, height, *options.items()) if options else (source, width, height)
            return urls[key]
        except (KeyError, TypeError):  # TypeError: a list, which no dictionary can look up
            pass
        made = make(source, width, height, **options)
        if type(source) is str and _PASSING.isdisjoint(options):
            if len(urls) >= _REMEMBERED:
                urls.clear()
            with suppress(TypeError):
                urls[key] = made
        return made

    return url


def _hashable(value: Any) -> Any:
    """A list from a template as a key of a cache."""
    return value if value is None or isinstance(value, str | int | float) else tuple(value)


def _sizes(srcset: str, sizes: str | None, widths: object) -> str | None:
    """The attribute that belongs to widths; without it browsers take the same for granted."""
    return (sizes or "100vw") if srcset and widths is not None else None


def _split(keywords: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Separate the options of a thumbnail from HTML attributes."""
    options, attributes = {}, {}
    for keyword, value in keywords.items():
        attribute = keyword.rstrip("_").replace("_", "-")
        if keyword in OPTIONS:
            options[keyword] = value
        elif attribute in _ATTRIBUTES or attribute.startswith(("data-", "aria-")):
            attributes[attribute] = value
        else:
            hint = did_you_mean(keyword, [*OPTIONS, *_ATTRIBUTES, "alt"])
            raise SpecError(
                f"{keyword!r} is neither an option of a thumbnail nor an attribute of <img>{hint}"
            )
    return options, attributes
