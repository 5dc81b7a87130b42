"""Rendering and purging of thumbnails outside of requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from xaccel._core import Spec
from xaccel.config import Config, with_format
from xaccel.exceptions import ConfigError
from xaccel.thumbnails.delivery import RequestedThumbnail
from xaccel.thumbnails.endpoint import Thumbnails
from xaccel.thumbnails.urls import ThumbnailUrls


class ThumbnailTasks:
    """Renders and purges the thumbnails of one app.

    Args:
        config: The settings.
        name_of: Returns the name of an image; see `ThumbnailUrls`.

    Raises:
        ConfigError: The settings lack a source, a key or a cache, or they select another engine.
    """

    def __init__(
        self, config: Config, *, name_of: Callable[[object], str | None] | None = None
    ) -> None:
        if config.thumbnail_engine != "embedded":
            raise ConfigError(
                f"XACCEL['THUMBNAIL_ENGINE'] is {config.thumbnail_engine!r}, which makes the "
                "thumbnails itself: there is nothing to render or to purge"
            )
        self.config = config
        """The settings."""
        self.endpoint = Thumbnails(config)
        """The endpoint that serves the thumbnails."""
        self.urls = ThumbnailUrls(config, name_of=name_of, is_debug=lambda: True)
        """Finds names and specs as the template helpers do, but raises the errors that the helpers
        log."""

    def specs(self, given: Iterable[str]) -> list[Spec]:
        """Return the specs with these names or texts; by default, the specs of all presets.

        Raises:
            ConfigError: There are no presets.
            SpecError: An item is neither a preset nor a spec, or the settings do not allow it.
        """
        texts = [*given] or [*self.config.thumbnail_presets]
        if not texts:
            raise ConfigError(
                "XACCEL['THUMBNAIL_PRESETS'] contains no preset to render: add one, or name a spec "
                "such as 300x200,cover"
            )
        return [self._spec(text) for text in texts]

    def _spec(self, text: str) -> Spec:
        if text in self.config.thumbnail_presets or "," not in text:
            return self.urls.allowed_spec(text, None)
        spec = with_format(Spec.parse(text), self.config.thumbnail_format)
        self.urls.check_allowed(spec)
        return spec

    def request(
        self, source: object, specs: Iterable[Spec], version: object = None
    ) -> tuple[str, list[str]] | None:
        """Return an image's name and the texts of its specs, as `thumbnail_url()` uses them.

        If there is no image, for example because a field is empty, return `None`.

        Raises:
            SourceError: The source is invalid.
            SpecError: The version is `"mtime"`, but only another machine knows when the image was
                changed.
        """
        name = self.urls.name(source)
        if name is None:
            return None
        point = self.urls.focal_point(source, None)
        texts = (str(self.urls.focused(spec, point)) for spec in specs)
        return name, [self.urls.versioned(name, text, version) for text in texts]

    def thumbnails(self, name: str, spec: str) -> Iterator[RequestedThumbnail]:
        """Yield the thumbnails with this spec: several if the format is negotiated with browsers.

        Raises:
            SpecError: The spec is not in the form that URLs contain.
        """
        parsed = Spec.parse(spec)
        formats = self.config.thumbnail_formats if parsed.format == "auto" else ()
        seen = set()
        for accept in (*(f"image/{name}" for name in formats), None):
            thumbnail = self.endpoint.thumbnail(name, parsed, accept)
            if thumbnail.uri not in seen:
                seen.add(thumbnail.uri)
                yield thumbnail

    def keep(self, thumbnail: RequestedThumbnail) -> bool:
        """Render a thumbnail unless it is already kept; see `ThumbnailDelivery.keep`."""
        if self.config.thumbnail_cache is None:
            raise ConfigError("XACCEL['THUMBNAIL_CACHE'] is not set, so no thumbnail can be kept")
        return self.endpoint.delivery.keep(thumbnail)
