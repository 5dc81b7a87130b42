"""Thumbnails of private files, from within a view that has checked who may see them."""

from __future__ import annotations

import logging
import os
import urllib.parse
from typing import Any

from xaccel._core import Spec
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.delivery.presentation import private_cache_control
from xaccel.delivery.request import Request
from xaccel.delivery.response import Response, error_response
from xaccel.exceptions import ConfigError, XaccelError
from xaccel.thumbnails.delivery import RequestedThumbnail, ThumbnailDelivery
from xaccel.thumbnails.sources.base import Original
from xaccel.thumbnails.sources.directory import location_state
from xaccel.thumbnails.specs import build_spec, parse_presets, version_token

_PREFIX = "/.private/"
"""Where the cache keeps the thumbnails of private files. No public URL leads there."""

_logger = logging.getLogger("xaccel.thumbnails")


class PrivateThumbnails:
    """Responds with thumbnails of private files.

    Its cache needs no purge: each thumbnail belongs to one state of its file.
    """

    def __init__(self, config: Config, files: Delivery) -> None:
        self._files = files
        self._delivery = ThumbnailDelivery(config)
        self._presets = parse_presets(config)

    def answer(
        self,
        path: str | os.PathLike[str],
        width: int | str | None,
        height: int | None,
        request: Request,
        *,
        root: str | os.PathLike[str] | None = None,
        max_age: int | None = None,
        **options: Any,
    ) -> Response:
        """Respond with a thumbnail of a file under one of `ROOTS`.

        Args:
            path: The image, absolute, or relative to `root`.
            width: The width of the box in pixels, or the name of a preset; `None` leaves it free.
            height: The height of the box in pixels; `None` leaves it free.
            request: The facts of the request.
            root: The directory of a relative path. You can leave it out when there is only one
                root.
            max_age: How many seconds the visitor's browser may use it without asking again.
            options: The options of `Spec`: `fit`, `quality`, `format` and so on.

        Raises:
            SpecError: An option is unknown or its value is invalid.
            ConfigError: `path` is relative, and there is not exactly one root.
        """
        spec = self.spec(width, height, **options)
        return self.answer_spec(path, spec, request, root=root, max_age=max_age)

    def spec(self, width: int | str | None, height: int | None, **options: Any) -> Spec:
        """Return the spec that the arguments of `answer()` describe.

        Raises:
            SpecError: An option is unknown or its value is invalid.
        """
        return build_spec(self._presets, width, height, **options)

    def answer_spec(
        self,
        path: str | os.PathLike[str],
        spec: Spec,
        request: Request,
        *,
        root: str | os.PathLike[str] | None = None,
        max_age: int | None = None,
    ) -> Response:
        """Respond as `answer()` does, with a spec that `spec()` has returned."""
        try:
            thumbnail = self._requested(path, root, spec, max_age, request)
            return self._delivery.respond(thumbnail, request)
        except XaccelError as error:
            if isinstance(error, ConfigError):
                raise
            _logger.warning("%s: %s: %s", path, type(error).__name__, error)
            return error_response(error)

    def _requested(
        self,
        path: str | os.PathLike[str],
        root: str | os.PathLike[str] | None,
        spec: Spec,
        max_age: int | None,
        request: Request,
    ) -> RequestedThumbnail:
        location = self._files.locate(path, root=root)
        state = location_state(location)
        stored = spec.replace(version=version_token(state))
        return self._delivery.requested(
            f"{_PREFIX}{stored}{_decoded(location.url)}",
            os.fsencode(location.path).decode(errors="replace"),
            spec,
            accept=request.accept,
            cache_control=private_cache_control(max_age),
            find=lambda: Original(location.open(), location.mtime, state),
            state=lambda: location_state(self._files.locate(path, root=root)),
        )


def _decoded(url: str) -> str:
    """Return the decoded path of a URL. One that is not UTF-8 stays percent-encoded."""
    try:
        return urllib.parse.unquote(url, errors="strict")
    except UnicodeDecodeError:
        return url
