"""The settings: one mapping, the same for every framework.

`Config.from_mapping()` reads `app.config["XACCEL"]`, `settings.XACCEL` or any other mapping
with upper-case keys, checks all of it, and gives a frozen object with the same names in lower
case. A setting that can't work is a `ConfigError` at start-up, not a surprise at run time.
"""

from __future__ import annotations

import base64
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from xaccel._core import Limits, PathMap, Signer, Spec
from xaccel.delivery.remotes import RemoteMap
from xaccel.exceptions import ConfigError, SpecError
from xaccel.servers import dialects

Algorithm: TypeAlias = Literal["hmac-sha256", "secure-link-md5"]
EngineName: TypeAlias = Literal["embedded", "image-filter", "thumbor", "imgproxy"]

CACHE_PREFIX = "/_xaccel/thumbnails/"
"""The internal URL prefix at which the server sees the thumbnail cache."""

_MIB = 1024 * 1024
_DAY = 24 * 60 * 60
_SIZE_UNITS = {"": 1, "k": 1024, "m": _MIB, "g": 1024 * _MIB}
_TIME_UNITS = {
    "y": 365 * _DAY,
    "M": 30 * _DAY,
    "w": 7 * _DAY,
    "d": _DAY,
    "h": 60 * 60,
    "m": 60,
    "s": 1,
    "": 1,
}
_SIZE = re.compile(r"([0-9]+)([kmg]?)", re.IGNORECASE)
_TIME = re.compile(r" *([0-9]+)(y|M|w|d|h|m|s|)")
_SOURCE_URLS = ("https://", "http://", "s3://", "storage://")
_NEGOTIABLE = ("avif", "webp")
_DEFAULT_QUALITY = {"jpeg": 85, "webp": 80, "avif": 60}


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings, checked. The defaults are those of the documentation's table."""

    server: str = "direct"
    """The web server in front, which sends the files: a name in `xaccel.servers.dialects`."""
    roots: Mapping[str, str] = field(default_factory=dict)
    """Directories whose files may be sent, each with the internal URL prefix at which the
    server sees it: `{"/srv/videos": "/_private/videos/"}`. The longest match wins."""
    remotes: Mapping[str, str] = field(default_factory=dict)
    """Starts of the URLs of files on other servers, each with the internal URL prefix at which
    the server proxies it: `{"https://media.internal/": "/_remote/media/"}`."""
    follow_symlinks: bool = False
    """Whether symbolic links may lead out of their root."""
    secret_keys: tuple[str | bytes, ...] = field(default=(), repr=False)
    """The signing keys, newest first: the first signs, all verify."""
    signature: Algorithm = "hmac-sha256"
    """How URLs are signed; `secure-link-md5` is what stock nginx verifies."""
    private_url: str | None = None
    """The public URL prefix of signed links to private files, such as `/p/`; without one there
    are none. Each root's links begin with the last part of its internal prefix:
    `/p/videos/…` for `/_private/videos/`."""
    thumbnail_source: str | None = None
    """Where the original images are: a directory, or the URL, `https://…`, below which they are;
    with an engine elsewhere also `s3://…`."""
    thumbnail_source_private: bool = False
    """Whether the source's URL may lead to an address in a private network."""
    thumbnail_source_timeout: int = 10
    """Seconds that fetching an image from a URL may take."""
    thumbnail_url: str = "/t/"
    """The public URL prefix of thumbnails; it exists only with a source."""
    thumbnail_cache: str | None = None
    """The directory of finished thumbnails. Without one they are made each time."""
    thumbnail_cache_max_size: int = 200 * _MIB
    """The most bytes that the finished thumbnails take, as nginx's `max_size`: `"200M"`."""
    thumbnail_cache_inactive: int = 60 * _DAY
    """Seconds for which a thumbnail is kept that nobody asks for, as nginx's `inactive`:
    `"60d"`."""
    thumbnail_queue: int = 256
    """How many thumbnails may wait to be made, as many being made at once as there are CPUs;
    one more is answered 503."""
    thumbnail_only_presets: bool = False
    """Whether there are thumbnails by `THUMBNAIL_PRESETS` alone. Their URLs are not signed."""
    thumbnail_fallback: str | None = None
    """The image that is shown where one is missing or broken; the status stays that of the
    error."""
    thumbnail_engine: EngineName = "embedded"
    """Who makes the thumbnails, and so whose URLs templates write."""
    thumbnail_engine_url: str = ""
    """The server of the thumbnails, such as `https://thumbs.example.com`, without a final slash;
    by default this site."""
    thumbnail_engine_key: tuple[str, ...] = field(default=(), repr=False)
    """thumbor's `SECURITY_KEY`, or imgproxy's `IMGPROXY_KEY`, newest first."""
    thumbnail_engine_salt: tuple[str, ...] = field(default=(), repr=False)
    """imgproxy's `IMGPROXY_SALT`, one for each key."""
    thumbnail_formats: tuple[str, ...] = ("webp",)
    """What the format `auto` may negotiate, best first."""
    thumbnail_quality: Mapping[str, int] = field(default_factory=lambda: dict(_DEFAULT_QUALITY))
    """The quality, 1 to 100, by output format, for specs that name none."""
    thumbnail_presets: Mapping[str, str] = field(default_factory=dict)
    """Specs by name: `{"avatar": "96x96,cover"}`."""
    thumbnail_max_pixels: int = 50_000_000
    """The most pixels a source may have, all frames together."""
    thumbnail_max_bytes: int = 50 * _MIB
    """The most bytes a source may have."""
    thumbnail_max_frames: int = 100
    """The most frames an animation may have."""
    thumbnail_max_side: int = 8192
    """The most pixels a side of a thumbnail may have."""

    @classmethod
    def from_mapping(
        cls,
        settings: Mapping[str, Any],
        *,
        framework_keys: Sequence[str | bytes] = (),
    ) -> Config:
        """Read and check settings with upper-case keys.

        Args:
            settings: The settings. What is left out has its default.
            framework_keys: The framework's own secrets, newest first. They are used when
                `SECRET_KEYS` is not set, never as they are but as keys derived from them, since
                the keys of `secure-link-md5` stand in the server's configuration.

        Raises:
            ConfigError: A key is unknown, or its value is of the wrong type or impossible.
        """
        values = {}
        for key, value in settings.items():
            check = _CHECKS.get(key)
            if check is None:
                raise ConfigError(f"XACCEL has no setting {key!r}{_nearest(key, _CHECKS)}")
            values[key.lower()] = check(key, value)
        if not values.get("secret_keys") and framework_keys:
            values["secret_keys"] = tuple(_derived(key) for key in framework_keys)
        config = cls(**values)
        config.path_map()
        config.remote_map()
        config.link_map()
        config.check_urls()
        config.check_presets()
        if config.secret_keys:
            config.signer()
        return config

    @property
    def has_thumbnails(self) -> bool:
        """Whether templates can write the URLs of thumbnails."""
        return self.thumbnail_source is not None or self.thumbnail_engine != "embedded"

    @property
    def has_thumbnail_endpoint(self) -> bool:
        """Whether the app itself answers with thumbnails."""
        return self.thumbnail_source is not None and self.thumbnail_engine == "embedded"

    @property
    def served_roots(self) -> Mapping[str, str]:
        """All directories from which the server sends files: roots and finished thumbnails."""
        if not self.has_thumbnail_endpoint or self.thumbnail_cache is None:
            return self.roots
        return {**self.roots, self.thumbnail_cache: CACHE_PREFIX}

    def path_map(self) -> PathMap:
        """The roots, ready for look-ups."""
        try:
            return PathMap(list(self.roots.items()), follow_symlinks=self.follow_symlinks)
        except ConfigError as error:
            raise ConfigError(f"XACCEL['ROOTS']: {error}") from None

    def remote_map(self) -> RemoteMap:
        """The remotes, ready for look-ups."""
        if self.remotes and not dialects.named(self.server).supports_remotes:
            able = dialects.names(lambda dialect: dialect.supports_remotes, "and")
            raise ConfigError(
                f"XACCEL['REMOTES'] works with the servers {able}, not {self.server!r}, which "
                "can't fetch a file from another server"
            )
        try:
            # One map of both, since two files with the same internal URL would be one.
            prefixes = [*self.roots.values(), *self.remotes.values()]
            PathMap([(f"/{number}", prefix) for number, prefix in enumerate(prefixes)])
        except ConfigError as error:
            raise ConfigError(f"XACCEL['REMOTES']: {error}") from None
        return RemoteMap(self.remotes)

    def link_map(self) -> PathMap:
        """The roots, each with the public URL prefix of its signed links."""
        if self.private_url is None:
            return PathMap([])
        links = {}
        for directory, prefix in self.roots.items():
            name = prefix.rstrip("/").rpartition("/")[2]
            links[directory] = f"{self.private_url}{name}/"
        if len(set(links.values())) < len(links):
            raise ConfigError(
                "XACCEL['ROOTS']: with PRIVATE_URL the internal prefixes must differ in their last "
                f"part, which names the root in links: {', '.join(map(repr, self.roots.values()))}"
            )
        return PathMap(list(links.items()))

    def check_urls(self) -> None:
        """Refuse two public URL prefixes of which one would hide the other."""
        private, thumbnails = self.private_url, self.thumbnail_url
        if private is not None and (
            private.startswith(thumbnails) or thumbnails.startswith(private)
        ):
            raise ConfigError(
                f"XACCEL['PRIVATE_URL'] {private!r} and XACCEL['THUMBNAIL_URL'] {thumbnails!r} "
                "must not lie within each other"
            )

    def check_presets(self) -> None:
        """Refuse to serve presets only, when there are none or some could not be told apart."""
        if not self.thumbnail_only_presets:
            return
        if not self.thumbnail_presets:
            raise ConfigError(
                "XACCEL['THUMBNAIL_ONLY_PRESETS'] needs the THUMBNAIL_PRESETS that are allowed"
            )
        for name, text in self.thumbnail_presets.items():
            if Spec.parse(text).version is not None:
                raise ConfigError(f"XACCEL['THUMBNAIL_PRESETS'][{name!r}] must have no version")

    def signer(self) -> Signer:
        """The signer of the public URLs.

        Raises:
            ConfigError: There is no key, or a key is too short.
        """
        if not self.secret_keys:
            raise ConfigError(
                "XACCEL['SECRET_KEYS'] is empty: signed URLs need a key of 16 bytes or more, "
                "for example from: python -c 'import secrets; print(secrets.token_urlsafe())'"
            )
        try:
            return Signer(list(self.secret_keys), algorithm=self.signature)
        except ConfigError as error:
            raise ConfigError(f"XACCEL['SECRET_KEYS']: {error}") from None

    def limits(self) -> Limits:
        """What a source image may demand of the engine."""
        return Limits(
            max_pixels=self.thumbnail_max_pixels,
            max_bytes=self.thumbnail_max_bytes,
            max_frames=self.thumbnail_max_frames,
            max_side=self.thumbnail_max_side,
        )


Check: TypeAlias = Callable[[str, Any], Any]


def _derived(key: str | bytes) -> str:
    import hmac  # noqa: PLC0415 - OpenSSL, 4 MB of memory that own keys need not have

    secret = key.encode() if isinstance(key, str) else key
    digest = hmac.digest(secret, b"xaccel framework key v1", "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _nearest(word: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    matches = difflib.get_close_matches(word.upper(), known, n=1) or difflib.get_close_matches(
        word, known, n=1
    )
    return f"; did you mean {matches[0]!r}?" if matches else ""


def _wrong(key: str, value: object, right: str, hint: str = "") -> ConfigError:
    return ConfigError(f"XACCEL[{key!r}] must be {right}, not {value!r}{hint}")


def _one_of(*names: str) -> Check:
    def check(key: str, value: Any) -> str:
        if value not in names:
            hint = _nearest(value, names) if isinstance(value, str) else ""
            raise _wrong(key, value, f"one of {', '.join(map(repr, names))}", hint)
        return str(value)

    return check


def _boolean(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(key, value, "True or False")
    return value


def _positive(key: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _wrong(key, value, "a whole number from 1")
    return value


def _mapping(key: str, value: Any, of: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(key, value, f"a dict of {of}")
    return value


def _directory(key: str, value: Any) -> str:
    if not isinstance(value, str | Path) or not Path(value).is_absolute():
        raise _wrong(key, value, "the absolute path of a directory")
    return str(value)


def _source(key: str, value: Any) -> str | None:
    if isinstance(value, str) and "://" in value:
        parts = urlsplit(value)
        right = "the absolute path of a directory or a URL such as 'https://example.org/photos/'"
        if f"{parts.scheme}://" not in _SOURCE_URLS or not parts.hostname:
            raise _wrong(key, value, right)
        if parts.username is not None or parts.query or parts.fragment:
            # Not shown: it may be a password.
            raise ConfigError(f"XACCEL[{key!r}] must be {right}, without user, query or fragment")
        return value
    return _optional_directory(key, value)


def _size(key: str, value: Any) -> int:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise _wrong(key, value, "a size as in nginx, such as '200M'")
    return int(match[1]) * _SIZE_UNITS[match[2].lower()]


def _time(key: str, value: Any) -> int:
    text = value if isinstance(value, str) else ""
    parts = _TIME.findall(text)
    units = [list(_TIME_UNITS).index(unit) for _, unit in parts]
    # The units go down, each at most once, as in "1d 12h".
    if not parts or _TIME.sub("", text) or units != sorted(set(units)):
        raise _wrong(key, value, "a time as in nginx, such as '60d' or '1d 12h'")
    return sum(int(number) * _TIME_UNITS[unit] for number, unit in parts)


def _optional_directory(key: str, value: Any) -> str | None:
    return None if value is None else _directory(key, value)


def _optional_file(key: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str | Path) or not Path(value).is_file():
        raise _wrong(key, value, "the path of an image")
    return str(value)


def _roots(key: str, value: Any) -> dict[str, str]:
    of = "directories to internal URL prefixes"
    roots = _mapping(key, value, of)
    for directory, prefix in roots.items():
        if not isinstance(directory, str | Path) or not isinstance(prefix, str):
            raise _wrong(key, {directory: prefix}, f"a dict of {of}")
    return {str(directory): prefix for directory, prefix in roots.items()}


def _remotes(key: str, value: Any) -> dict[str, str]:
    of = "starts of URLs to internal URL prefixes"
    remotes = _mapping(key, value, of)
    for url, prefix in remotes.items():
        if not isinstance(url, str) or not isinstance(prefix, str):
            raise _wrong(key, {url: prefix}, f"a dict of {of}")
    return dict(remotes)


def _secret_keys(key: str, value: Any) -> tuple[str | bytes, ...]:
    # Whatever is wrong with a secret, it is not shown.
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise ConfigError(f"XACCEL[{key!r}] must be a list of keys, newest first")
    if not all(isinstance(secret, str | bytes) and secret for secret in value):
        raise ConfigError(f"XACCEL[{key!r}] must have non-empty str or bytes in it only")
    return tuple(value)


def _strings(key: str, value: Any) -> tuple[str, ...]:
    # Keys of other servers: what is wrong with one is said, the key is not shown.
    strings = (value,) if isinstance(value, str) else value
    if not isinstance(strings, Sequence) or not all(
        isinstance(item, str) and item for item in strings
    ):
        raise ConfigError(f"XACCEL[{key!r}] must be a key, or a list of keys, newest first")
    return tuple(strings)


def _engine_url(key: str, value: Any) -> str:
    if value and not (isinstance(value, str) and re.fullmatch(r"(https?:)?//[^/?#]+", value)):
        raise _wrong(key, value, "the URL of a server, such as 'https://thumbs.example.com'")
    return str(value)


def _url_prefix(key: str, value: Any) -> str:
    right = "a URL prefix such as '/t/', starting and ending with one slash"
    if not isinstance(value, str) or not value.endswith("/") or value.startswith("/."):
        raise _wrong(key, value, right)
    try:
        PathMap([("/", value)])
    except ConfigError:
        raise _wrong(key, value, right) from None
    return value


def _formats(key: str, value: Any) -> tuple[str, ...]:
    right = f"a list of formats to negotiate, of {', '.join(map(repr, _NEGOTIABLE))}"
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong(key, value, right)
    if not all(name in _NEGOTIABLE for name in value):
        raise _wrong(key, value, right)
    return tuple(value)


def _optional_url_prefix(key: str, value: Any) -> str | None:
    return None if value is None else _url_prefix(key, value)


def _quality(key: str, value: Any) -> dict[str, int]:
    for name, quality in _mapping(key, value, "formats to numbers from 1 to 100").items():
        if name not in _DEFAULT_QUALITY:
            raise ConfigError(
                f"XACCEL[{key!r}] knows no format {name!r}; formats with a quality are "
                f"{', '.join(_DEFAULT_QUALITY)}"
            )
        if not isinstance(quality, int) or not 1 <= quality <= 100:  # noqa: PLR2004
            raise _wrong(f"{key}.{name}", quality, "a whole number from 1 to 100")
    return {**_DEFAULT_QUALITY, **value}


def _presets(key: str, value: Any) -> dict[str, str]:
    presets = _mapping(key, value, "names to specs")
    for name, spec in presets.items():
        if not isinstance(name, str) or not isinstance(spec, str):
            raise _wrong(key, {name: spec}, "a dict of names to specs")
        try:
            Spec.parse(spec)
        except SpecError as error:
            raise ConfigError(f"XACCEL[{key!r}][{name!r}]: {error}") from None
    return dict(presets)


_CHECKS: Mapping[str, Check] = {
    "SERVER": _one_of(*dialects.DIALECTS),
    "ROOTS": _roots,
    "REMOTES": _remotes,
    "FOLLOW_SYMLINKS": _boolean,
    "SECRET_KEYS": _secret_keys,
    "SIGNATURE": _one_of(*get_args(Algorithm)),
    "PRIVATE_URL": _optional_url_prefix,
    "THUMBNAIL_SOURCE": _source,
    "THUMBNAIL_SOURCE_PRIVATE": _boolean,
    "THUMBNAIL_SOURCE_TIMEOUT": _positive,
    "THUMBNAIL_URL": _url_prefix,
    "THUMBNAIL_CACHE": _optional_directory,
    "THUMBNAIL_CACHE_MAX_SIZE": _size,
    "THUMBNAIL_CACHE_INACTIVE": _time,
    "THUMBNAIL_QUEUE": _positive,
    "THUMBNAIL_ONLY_PRESETS": _boolean,
    "THUMBNAIL_FALLBACK": _optional_file,
    "THUMBNAIL_ENGINE": _one_of(*get_args(EngineName)),
    "THUMBNAIL_ENGINE_URL": _engine_url,
    "THUMBNAIL_ENGINE_KEY": _strings,
    "THUMBNAIL_ENGINE_SALT": _strings,
    "THUMBNAIL_FORMATS": _formats,
    "THUMBNAIL_QUALITY": _quality,
    "THUMBNAIL_PRESETS": _presets,
    "THUMBNAIL_MAX_PIXELS": _positive,
    "THUMBNAIL_MAX_BYTES": _positive,
    "THUMBNAIL_MAX_FRAMES": _positive,
    "THUMBNAIL_MAX_SIDE": _positive,
}
