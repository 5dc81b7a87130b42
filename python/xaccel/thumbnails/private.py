"""Thumbnails of private files, for views that have checked the visitor's permissions."""

from __future__ import annotations

import logging
import os
import urllib.parse
from collections.abc import Callable
from functools import partial
from typing import Any

from xaccel._core import Location, Spec
from xaccel._log import fields, one_line
from xaccel._observing import observer
from xaccel.config import Config, with_format
from xaccel.delivery.files import Delivery
from xaccel.delivery.presentation import private_cache_control
from xaccel.delivery.request import Request
from xaccel.delivery.response import Response, error_response
from xaccel.exceptions import BadSize, ConfigError, SpecError, XaccelError
from xaccel.thumbnails.delivery import RequestedThumbnail, ThumbnailDelivery
from xaccel.thumbnails.places import StorePlace
from xaccel.thumbnails.rows import as_focal_point, focused
from xaccel.thumbnails.sources.base import Original
from xaccel.thumbnails.sources.directory import location_state, reading
from xaccel.thumbnails.specs import build_spec, parse_presets, version_token

_PREFIX = "/.private/"
"""The directory in the cache for thumbnails of private files. It has no public URL."""

_logger = logging.getLogger("xaccel.thumbnails")


class PrivateThumbnails:
    """Responds with thumbnails of private files.

    These thumbnails do not have to be purged, because each belongs to one state of its file.
    """

    def __init__(self, config: Config, files: Delivery) -> None:
        self._files = files
        self._observer = observer(config)
        self._delivery = ThumbnailDelivery(config)
        self._is_stored = config.thumbnail_store_private
        self._presets = parse_presets(config)
        self._format = config.thumbnail_format

    def answer(
        self,
        path: str | os.PathLike[str],
        width: int | str | None,
        height: int | None,
        request: Request,
        *,
        root: str | os.PathLike[str] | None = None,
        max_age: int | None = None,
        focal_point: object = None,
        **options: Any,
    ) -> Response:
        """Respond with a thumbnail of a file under one of `ROOTS`.

        Args:
            path: The path of the image, absolute or relative to `root`.
            width: The width of the box in pixels, or the name of a preset; `None` means no limit.
            height: The height of the box in pixels; `None` means no limit.
            request: The request.
            root: The root that a relative path belongs to. You can omit it if there is only one
                root.
            max_age: The number of seconds for which the visitor's browser may use the thumbnail
                without revalidating it.
            focal_point: The point that a crop keeps; see `ThumbnailUrls.url`.
            options: The options of `Spec`: `fit`, `quality`, `format` and so on; see also
                `ThumbnailUrls.url`.

        Raises:
            SpecError: An option is unknown or its value is invalid.
            ConfigError: `path` is relative, and there are several roots or none.
        """
        options = {"focal_point": focal_point, **options}
        responder = self.responder(path, width, height, root=root, max_age=max_age, **options)
        return responder(request)

    def responder(
        self,
        path: str | os.PathLike[str],
        width: int | str | None,
        height: int | None,
        *,
        root: str | os.PathLike[str] | None = None,
        max_age: int | None = None,
        focal_point: object = None,
        **options: Any,
    ) -> Callable[[Request], Response]:
        """Check the arguments of `answer()`, and return a function that responds to the request.

        Raises:
            SpecError: An option is unknown or its value is invalid.
        """
        try:
            spec = build_spec(self._presets, width, height, **options)
            if "format" not in options:
                spec = with_format(spec, self._format)
            spec = focused(spec, as_focal_point(focal_point))
        except SpecError as error:
            if not _is_size_wrong(width, height):
                raise
            refused = BadSize(str(error))
            return lambda _: self._refusal(path, refused)
        return partial(self._answer, path, spec, root, max_age)

    def _answer(
        self,
        path: str | os.PathLike[str],
        spec: Spec,
        root: str | os.PathLike[str] | None,
        max_age: int | None,
        request: Request,
    ) -> Response:
        try:
            thumbnail = self._requested(path, root, spec, max_age, request)
            return self._delivery.respond(thumbnail, request)
        except ConfigError:
            raise
        except XaccelError as error:
            return self._refusal(path, error)

    def _requested(
        self,
        path: str | os.PathLike[str],
        root: str | os.PathLike[str] | None,
        spec: Spec,
        max_age: int | None,
        request: Request,
    ) -> RequestedThumbnail:
        shown = os.fspath(path)

        def locate() -> Location:
            with reading(shown):
                return self._files.locate(path, root=root)

        def find() -> Original:
            with reading(shown):
                opened = location.open()
            return Original(opened, location.mtime, state)

        location = locate()
        state = location_state(location)
        stored = spec.replace(version=version_token(state))
        return self._delivery.requested(
            f"{_PREFIX}{stored}{_decoded(location.url)}",
            os.fsencode(location.path).decode(errors="replace"),
            spec,
            accept=request.accept,
            cache_control=private_cache_control(max_age),
            find=find,
            state=lambda: location_state(locate()),
            place=self._place(f"{_PREFIX}{_decoded(location.url)}", stored),
        )

    def _refusal(self, path: str | os.PathLike[str], error: XaccelError) -> Response:
        if self._observer is not None:
            self._observer.failed_thumbnail(error, "")
        level = logging.DEBUG if getattr(error, "is_known", False) else logging.WARNING
        _logger.log(
            level,
            "%r: %s: %s",
            os.fspath(path),
            type(error).__name__,
            one_line(error),
            extra=fields(
                "thumbnail_failed",
                error=type(error).__name__,
                source=os.fspath(path),
                status=error.status_code,
            ),
        )
        return error_response(error)

    def _place(self, name: str, spec: Spec) -> Callable[[str], StorePlace] | None:
        """Return a function that determines a thumbnail's place in the store, if it has one."""
        if self._delivery.store is None or not self._is_stored:
            return None
        return lambda image_format: StorePlace(name, spec, image_format, has_state=True)


def _is_size_wrong(width: int | str | None, height: int | None) -> bool:
    """Whether a size, which often comes from the visitor, is invalid for every thumbnail."""
    try:
        build_spec({}, None if isinstance(width, str) else width, height)
    except SpecError as error:
        return not isinstance(error.__context__, TypeError)
    return False


def _decoded(url: str) -> str:
    """Return the decoded path of a URL. A path that is not UTF-8 stays percent-encoded."""
    try:
        return urllib.parse.unquote(url, errors="strict")
    except UnicodeDecodeError:
        return url
