"""What `XAccel` is in the frameworks whose answers are themselves apps: WSGI, ASGI, Starlette."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeAlias, TypeVar, Unpack

from xaccel.config import Config
from xaccel.delivery import Delivery, FileKeywords, FileOptions, Request, Response

App = TypeVar("App")
Answer: TypeAlias = Callable[[Request], Response]
"""Finds the answer to a request. It looks for a file, so it may block."""


class PrivateFiles(ABC, Generic[App]):
    """Answers with private files.

    Raises:
        ConfigError: A setting is impossible.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        """The settings; `xaccel config --app` finds them here."""
        self._delivery = Delivery(config)
        self.private_url = self._delivery.private_url
        """Writes a signed link to a file, see `Delivery.private_url`."""

    def send_private_file(
        self,
        path: str | os.PathLike[str],
        *,
        root: str | os.PathLike[str] | None = None,
        **options: Unpack[FileKeywords],
    ) -> App:
        """Answer with a file under one of `ROOTS`; the web server sends it, if there is one.

        Call it after the permission check. The visitor gets ranges, conditional requests and
        HEAD either way. What may not be sent is a 404 that does not show the path.

        Args:
            path: The file, absolute, or relative to `root`; or a URL below one of `REMOTES`.
            root: The directory of a relative path; not needed when there is one root only.
            options: `mimetype`, `as_attachment`, `download_name`, `max_age`, `headers` and
                `limit_rate` (bytes a second, with nginx and lighttpd only); see `FileOptions`.

        Returns:
            The answer, to call as an app or to return from a view.
        """
        file_options = FileOptions(**options)
        return self._app(partial(self._delivery.answer, path, options=file_options, root=root))

    @abstractmethod
    def _app(self, answer: Answer) -> App:
        """Turn an answer into what the framework takes."""
