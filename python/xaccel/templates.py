"""What templates call, whatever their language: the tags and filters are wrappers round this.

Nothing here opens an image, asks a database or raises because an image is missing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from xaccel import engines
from xaccel._core import Spec
from xaccel.config import Config
from xaccel.exceptions import SpecError


class TemplateHelpers:
    """The template helpers with an app's settings.

    Raises:
        ConfigError: There is no `THUMBNAIL_SOURCE`, or what the engine needs is not set.
    """

    def __init__(self, config: Config) -> None:
        self._engine = engines.get(config)
        self._presets = {name: Spec.parse(text) for name, text in config.thumbnail_presets.items()}
        self._spec_text = lru_cache(maxsize=1024)(self._build_spec_text)

    def thumbnail_url(
        self,
        source: object,
        width: int | str | None = None,
        height: int | None = None,
        *,
        expires_in: int | None = None,
        **options: Any,
    ) -> str:
        """The signed URL of a thumbnail. Never opens the image.

        Args:
            source: The image's name below `THUMBNAIL_SOURCE`, or an object with such a `name`.
            width: The box's width in pixels, or the name of a preset; `None` leaves it free.
            height: The box's height in pixels; `None` leaves it free.
            expires_in: Seconds the URL stays good for, at least; by default it does for ever.
            options: Those of `Spec`: `fit`, `quality`, `format` and so on.

        Raises:
            SpecError: An option is unknown or has an impossible value.
        """
        name = source if isinstance(source, str) else getattr(source, "name", None) or str(source)
        spec = self._spec_text(width, height, **options)
        return self._engine.url(name.lstrip("/"), spec, expires_in=expires_in)

    def _build_spec_text(self, width: int | str | None, height: int | None, **options: Any) -> str:
        if isinstance(width, str):
            preset = self._presets.get(width)
            if preset is None:
                raise SpecError(
                    f"XACCEL['THUMBNAIL_PRESETS'] has no {width!r}; it has "
                    f"{', '.join(map(repr, self._presets)) or 'none'}"
                )
            return str(preset.replace(**options) if options else preset)
        return str(Spec(width, height, **options))
