"""The settings: a mapping that is the same for every framework.

`Config.from_mapping()` reads `app.config["XACCEL"]`, `settings.XACCEL` or any other mapping with
upper-case keys, checks all settings, and returns a frozen object whose attributes have the same
names in lower case. An invalid setting raises `ConfigError` when the app starts.
"""

from __future__ import annotations

import base64
import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias, get_args

from xaccel import _log, _settings as check
from xaccel._core import Limits, PathMap, Signer, Spec, Watermark
from xaccel._hints import did_you_mean, shown
from xaccel._verifier import Verifier
from xaccel.delivery.remotes import RemoteMap
from xaccel.exceptions import ConfigError, SpecError
from xaccel.servers import dialects

Algorithm: TypeAlias = Literal["hmac-sha256", "secure-link-md5"]
EngineName: TypeAlias = Literal["embedded", "image-filter", "thumbor", "imgproxy"]
ThumbnailFormat: TypeAlias = Literal["jpeg", "png", "webp", "avif", "gif", "auto"]
Subsampling: TypeAlias = Literal["420", "422", "444"]

_OUR_PREFIX = "/_xaccel/"
CACHE_PREFIX = f"{_OUR_PREFIX}thumbnails/"
"""The internal URL prefix of the thumbnail cache on the web server."""


_LEAST_KEY = 16
"""The minimum length of a secret in bytes."""

_logger = logging.getLogger("xaccel.config")


def _setting(default: Any, grammar: check.Check, *, secret: bool = False) -> Any:
    """Return a dataclass field for a setting. `default` has the form that users write."""
    default = grammar("", default)
    metadata = {"check": grammar}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata, repr=not secret)
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """The location of original images: `THUMBNAIL_SOURCE` or one of `THUMBNAIL_SOURCES`."""

    setting: str
    """The name of the setting in error messages."""
    prefix: str
    """The prefix of the images' names: `~avatars/` for the source named `avatars`, otherwise
    empty."""
    location: str
    """The directory or the URL."""

    @property
    def is_directory(self) -> bool:
        """Whether the images are in a directory on this machine."""
        return self.location.startswith("/")


@dataclass(frozen=True, kw_only=True)
class Config:
    """The checked settings.

    Raises:
        ConfigError: A setting is invalid. `from_mapping()` also raises it for an unknown setting.
    """

    server: str = _setting("direct", check.one_of(*dialects.DIALECTS))
    """The web server in front of the app, which sends the files."""
    roots: Mapping[str, str] = _setting({}, check.prefixes("directories"))
    """Directories whose files may be sent, each with its internal URL prefix on the web server:
    `{"/srv/videos": "/_private/videos/"}`. The longest match wins."""
    remotes: Mapping[str, str] = _setting({}, check.prefixes("URLs", are_urls=True))
    """URL prefixes of files on other servers and in buckets, each with the internal URL prefix at
    which the web server proxies them: `{"https://media.internal/": "/_remote/media/"}`."""
    s3: Mapping[str, Any] = _setting({}, check.s3, secret=True)
    """The locations and the keys of the buckets in `s3://` URLs: `endpoint`, `region`,
    `access_key`, `secret_key`, `session_token` and `addressing`. `buckets` overrides these values
    for individual buckets."""
    follow_symlinks: bool = _setting(default=False, grammar=check.boolean)
    """Whether symbolic links may point outside their root."""
    allow_scripts: bool = _setting(default=False, grammar=check.boolean)
    """Whether browsers may run scripts in private HTML, SVG and XML files. Enable this only if you
    trust all of these files as much as your own pages."""
    secret_keys: tuple[str | bytes, ...] = _setting((), check.secret_keys, secret=True)
    """The signing keys, newest first. The first key is used to sign, and all keys are used to
    verify."""
    signature: Algorithm | tuple[Algorithm, ...] = _setting(
        "hmac-sha256", check.one_or_several_of(*get_args(Algorithm))
    )
    """How URLs are signed. Stock nginx can verify `secure-link-md5`. If this is a list, the first
    algorithm is used to sign, and all are used to verify. Use a list only during a transition,
    because the app then verifies every URL itself."""
    private_url: str | None = _setting(None, check.optional(check.url_prefix))
    """The public URL prefix of signed links to private files, such as `/p/`. If it is not set,
    signed links are disabled. Links to the files of a root begin with the last part of the root's
    internal prefix: `/p/videos/…` for `/_private/videos/`. An absolute URL, such as
    `https://cdn.example.com/p/`, also sets `PRIVATE_HOST`."""
    private_host: str | None = _setting(None, check.optional(check.host))
    """The scheme and the host of signed links to private files, such as `https://cdn.example.com`.
    The host is a CDN that fetches from this site. By default, the links point to this site."""
    private_url_signer: Any = _setting(None, check.optional(check.url_signer), secret=True)
    """The signer whose signatures the CDN at `PRIVATE_HOST` verifies; see `xaccel.signing`."""
    mount: str = _setting("", check.mount)
    """The path at which the app is mounted, such as `/shop`. It is used where no request provides
    the path: in scripts, and behind a server that does not pass the path on. `PRIVATE_URL` and
    `THUMBNAIL_URL` are relative to this path."""
    thumbnail_source: str | None = _setting(None, check.optional(check.source))
    """The location of the original images: a directory, a base URL (`https://…`), or a prefix in a
    bucket (`s3://bucket/photos/`)."""
    thumbnail_sources: Mapping[str, str] = _setting({}, check.sources)
    """Additional locations of original images, by name: `{"avatars": "/srv/avatars"}`. The names of
    their images begin with `~` and the source's name: `~avatars/tom.jpg`."""
    thumbnail_source_private: bool = _setting(default=False, grammar=check.boolean)
    """Whether the hosts of source URLs may have addresses in a private network."""
    thumbnail_source_timeout: int = _setting(10, check.time(least=1))
    """The maximum time for fetching an image from a URL or a bucket, in seconds."""
    thumbnail_url: str = _setting("/t/", check.url_prefix)
    """The public URL prefix of thumbnails. It is used only if a source is set."""
    thumbnail_host: str | None = _setting(None, check.optional(check.host))
    """The scheme and the host of thumbnail URLs, such as `https://cdn.example.com`. The host is a
    CDN that fetches from this site, or another name of this site. By default, the URLs point to
    this site."""
    thumbnail_url_signer: Any = _setting(None, check.optional(check.url_signer), secret=True)
    """The signer whose signatures the CDN at `THUMBNAIL_HOST` verifies; see `xaccel.signing`."""
    thumbnail_cache: str | None = _setting(None, check.optional(check.directory))
    """The directory for finished thumbnails. If it is not set, a thumbnail is rendered again for
    every request."""
    thumbnail_cache_max_size: int = _setting("200M", check.size)
    """The maximum total size of finished thumbnails in bytes, like nginx's `max_size`."""
    thumbnail_cache_inactive: int = _setting("60d", check.time(least=0))
    """How many seconds the cache keeps a thumbnail that is not requested, like nginx's
    `inactive`."""
    thumbnail_store: str | None = _setting(None, check.optional(check.store))
    """A prefix in a bucket for finished thumbnails: `s3://bucket/thumbs/`. All machines share it,
    in addition to their own caches."""
    thumbnail_store_private: bool = _setting(default=False, grammar=check.boolean)
    """Whether thumbnails of private files are also kept in `THUMBNAIL_STORE`."""
    thumbnail_workers: int | None = _setting(None, check.optional(check.positive))
    """The maximum number of concurrent renders. With a cache, the limit applies to all processes on
    the machine together. Without a cache, it applies to each process. The default is one per CPU
    that the process may use, according to its affinity and its container's quota."""
    thumbnail_timeout: int = _setting(10, check.time(least=1))
    """The maximum time for one render, in seconds. Time in the queue is not counted."""
    thumbnail_sandbox: Literal["auto"] | bool = _setting("auto", check.sandbox)
    """Whether images are decoded in caged processes: `"auto"` (if the kernel supports this), `True`
    (the app does not start without this support) or `False`."""
    thumbnail_queue: int = _setting(256, check.positive)
    """The maximum number of thumbnails waiting to be rendered. Further requests get a 503."""
    thumbnail_only_presets: bool = _setting(default=False, grammar=check.boolean)
    """Whether only the specs in `THUMBNAIL_PRESETS` are allowed. Their URLs are not signed."""
    thumbnail_fallback: str | None = _setting(None, check.optional(check.file))
    """The image to serve if the source is missing or broken. The response still has the status of
    the error."""
    thumbnail_engine: EngineName = _setting("embedded", check.one_of(*get_args(EngineName)))
    """The software that renders the thumbnails. Template helpers generate URLs in its syntax."""
    thumbnail_engine_url: str = _setting("", check.server_url)
    """The URL of the thumbnail server, such as `https://thumbs.example.com`, without a final slash.
    Empty means this site."""
    thumbnail_engine_key: tuple[str, ...] = _setting((), check.engine_keys, secret=True)
    """thumbor's `SECURITY_KEY` or imgproxy's `IMGPROXY_KEY`: a key, or a list of keys, newest
    first."""
    thumbnail_engine_salt: tuple[str, ...] = _setting((), check.engine_keys, secret=True)
    """imgproxy's `IMGPROXY_SALT`, one salt for each key."""
    thumbnail_format: ThumbnailFormat | None = _setting(
        None, check.optional(check.one_of(*get_args(ThumbnailFormat)))
    )
    """The default format of thumbnails. A format in the template, the view or the preset takes
    precedence. The format is part of the URLs. If this setting is not set, the extension of the
    source's name determines the format."""
    thumbnail_formats: tuple[str, ...] = _setting(["webp"], check.formats)
    """The formats that `auto` may negotiate, in order of preference."""
    thumbnail_quality: Mapping[str, int] = _setting({}, check.quality)
    """The quality (1 to 100) for each output format, used for specs that do not set a quality."""
    thumbnail_quality_target: int = _setting(70, check.score)
    """The SSIMULACRA2 score (1 to 100) that thumbnails with the quality `auto` aim at. A score of
    70 is high quality. At 90, no loss is visible."""
    thumbnail_progressive: bool = _setting(default=False, grammar=check.boolean)
    """Whether JPEG thumbnails are progressive, unless the spec sets this option."""
    thumbnail_subsampling: Subsampling = _setting("420", check.one_of(*get_args(Subsampling)))
    """The chroma subsampling of JPEG thumbnails, unless the spec sets it."""
    thumbnail_avif_speed: int | None = _setting(None, check.optional(check.avif_speed))
    """The speed of the encoder for AVIF thumbnails, from 0 to 7, or 9 (fastest). Slower speeds
    write smaller files of the same quality. By default, thumbnails of at most two megapixels are
    encoded at speed 6, and larger ones at speed 9."""
    thumbnail_presets: Mapping[str, str] = _setting({}, check.presets)
    """Specs by name: `{"avatar": "96x96,cover"}`."""
    thumbnail_watermarks: Mapping[str, Watermark] = _setting({}, check.watermarks)
    """Images to lay over thumbnails, by name: `{"logo": {"image": "/srv/logo.png"}}`. The optional
    keys `gravity`, `offset`, `scale`, `opacity` and `tiled` are the arguments of `Watermark`. The
    images are read when the app starts."""
    thumbnail_decoders: tuple[str, ...] | None = _setting(None, check.optional(check.decoders))
    """The names of the enabled decoders for further formats, in the order in which they are tried:
    `heic`, `pdf`, `video` and the decoders of other packages; see `xaccel.decoders`. By default,
    our own decoders are enabled if their extras are installed."""
    thumbnail_fonts: tuple[str, ...] | None = _setting(None, check.optional(check.fonts))
    """The absolute paths of the fonts for text in SVG images: font files, and directories that
    contain such files. A single path need not be in a list. By default, the system's fonts are
    used."""
    thumbnail_max_memory: int = _setting("256M", check.size)
    """The maximum total size of a source's decoded frames, in bytes. A JPEG is counted at the scale
    at which it is decoded, but with at least a quarter of its pixels."""
    thumbnail_max_pixels: int | None = _setting(None, check.optional(check.positive))
    """The maximum number of pixels in a decoded source, counted as for `THUMBNAIL_MAX_MEMORY`. By
    default, only `THUMBNAIL_MAX_MEMORY` limits the source."""
    thumbnail_max_bytes: int = _setting("50M", check.size)
    """The maximum size of a source in bytes."""
    thumbnail_max_frames: int = _setting(100, check.positive)
    """The maximum number of frames of an animated thumbnail. A longer animation is cut off."""
    thumbnail_max_side: int = _setting(8192, check.positive)
    """The maximum width and height of a thumbnail in pixels."""
    metrics: bool = _setting(default=False, grammar=check.boolean)
    """Whether the app counts and measures its work for Prometheus; see `xaccel.metrics`."""
    tracing: bool = _setting(default=False, grammar=check.boolean)
    """Whether the app records spans for OpenTelemetry; see `xaccel.tracing`."""

    def __post_init__(self) -> None:
        self._split_private_url()
        for option in fields(self):
            key, value = option.name.upper(), getattr(self, option.name)
            object.__setattr__(self, option.name, option.metadata["check"](key, value))
        self.path_map()
        self.remote_map()
        self.link_map()
        self._check_urls()
        self._check_prefixes()
        self._check_cache()
        self._check_presets()
        self._check_watermarks()
        self._check_format()
        self._check_host()
        self._check_url_signers()
        if self.secret_keys:
            self.signer()

    @classmethod
    def from_mapping(
        cls,
        settings: Mapping[str, Any],
        *,
        framework_keys: Sequence[str | bytes | None] = (),
    ) -> Config:
        """Read and check settings with upper-case keys.

        Args:
            settings: The settings. Settings that are not listed have their default values.
            framework_keys: The framework's `SECRET_KEY`, followed by its `SECRET_KEY_FALLBACKS`. If
                `SECRET_KEYS` is not set, xaccel uses keys derived from these secrets. It never uses
                the secrets directly, because the keys of `secure-link-md5` are written to the
                server's configuration. If `SECRET_KEY` is missing or shorter than 16 bytes, URLs
                cannot be signed.

        Raises:
            ConfigError: A setting is unknown or invalid.
        """
        known = [option.name.upper() for option in fields(cls)]
        for key in settings:
            if key not in known:
                hint = did_you_mean(str(key), known)
                raise ConfigError(f"XACCEL does not have the setting {shown(key)}{hint}")
        config = cls(**{key.lower(): value for key, value in settings.items()})
        if config.secret_keys:
            return config
        return replace(config, secret_keys=_framework_secrets(framework_keys))

    @property
    def source_locations(self) -> tuple[SourceLocation, ...]:
        """The locations of original images: `THUMBNAIL_SOURCE` first, if it is set."""
        named = [
            SourceLocation(f"XACCEL['THUMBNAIL_SOURCES'][{name!r}]", f"~{name}/", location)
            for name, location in self.thumbnail_sources.items()
        ]
        if self.thumbnail_source is None:
            return tuple(named)
        return (SourceLocation("XACCEL['THUMBNAIL_SOURCE']", "", self.thumbnail_source), *named)

    @property
    def has_thumbnails(self) -> bool:
        """Whether templates can generate thumbnail URLs."""
        return bool(self.source_locations) or self.thumbnail_engine != "embedded"

    @property
    def has_thumbnail_endpoint(self) -> bool:
        """Whether the app serves thumbnails."""
        return bool(self.source_locations) and self.thumbnail_engine == "embedded"

    @property
    def served_roots(self) -> Mapping[str, str]:
        """The directories from which the server sends files: the roots and the thumbnail cache."""
        if not self.has_thumbnail_endpoint or self.thumbnail_cache is None:
            return self.roots
        return {**self.roots, self.thumbnail_cache: CACHE_PREFIX}

    def path_map(self) -> PathMap:
        """Return the roots as a map for look-ups."""
        try:
            return PathMap(list(self.roots.items()), follow_symlinks=self.follow_symlinks)
        except ConfigError as error:
            raise ConfigError(f"XACCEL['ROOTS']: {error}") from None

    def remote_map(self) -> RemoteMap:
        """Return the remotes as a map for look-ups."""
        if self.remotes and not dialects.named(self.server).supports_remotes:
            able = dialects.names(lambda dialect: dialect.supports_remotes, "and")
            raise ConfigError(
                f"XACCEL['REMOTES'] works only with the servers {able}: {self.server!r} can't "
                "fetch a file from another server"
            )
        try:
            # Roots and remotes are in one map, because they can't share an internal URL.
            prefixes = [*self.roots.values(), *self.remotes.values()]
            PathMap([(f"/{number}", prefix) for number, prefix in enumerate(prefixes)])
        except ConfigError as error:
            raise ConfigError(f"XACCEL['REMOTES']: {error}") from None
        return RemoteMap(self.remotes, self.s3)

    def link_map(self) -> PathMap:
        """Return the roots, each with the public URL prefix of its signed links."""
        if self.private_url is None:
            return PathMap([])
        links = {}
        for directory, prefix in self.roots.items():
            name = prefix.rstrip("/").rpartition("/")[2]
            links[directory] = f"{self.private_url}{name}/"
        if len(set(links.values())) < len(links):
            raise ConfigError(
                "XACCEL['ROOTS']: with PRIVATE_URL, the internal prefixes must have different "
                "last parts, which identify the roots in links: "
                f"{', '.join(map(repr, self.roots.values()))}"
            )
        return PathMap(list(links.items()))

    def _split_private_url(self) -> None:
        """Move the host from an absolute `PRIVATE_URL` to `PRIVATE_HOST`."""
        url = self.private_url
        # Any other value stays as it is. The check then reports it without revealing a password.
        found = (
            re.fullmatch(r"(https?://[^/?#@]+)(/[^?#@]*)", url) if isinstance(url, str) else None
        )
        if found is None:
            return
        host, path = found.groups()
        if self.private_host not in {None, host}:
            raise ConfigError(
                "XACCEL['PRIVATE_URL'] and XACCEL['PRIVATE_HOST'] have different hosts: set only "
                "one of them"
            )
        object.__setattr__(self, "private_host", host)
        object.__setattr__(self, "private_url", path)

    def _check_url_signers(self) -> None:
        """Refuse a signer for a CDN if the CDN's host is not set."""
        for kind, host in (("PRIVATE", self.private_host), ("THUMBNAIL", self.thumbnail_host)):
            if getattr(self, f"{kind.lower()}_url_signer") is not None and host is None:
                raise ConfigError(
                    f"XACCEL['{kind}_URL_SIGNER'] signs the URLs of a CDN: set the CDN's host, "
                    f"such as 'https://cdn.example.com', in XACCEL['{kind}_HOST']"
                )
        if self.private_host is not None and self.private_url is None:
            raise ConfigError("XACCEL['PRIVATE_HOST'] needs XACCEL['PRIVATE_URL'], such as '/p/'")

    def _check_urls(self) -> None:
        """Refuse a public URL prefix that hides another one."""
        private, thumbnails = self.private_url, self.thumbnail_url
        if private is not None and (
            private.startswith(thumbnails) or thumbnails.startswith(private)
        ):
            raise ConfigError(
                f"XACCEL['PRIVATE_URL'] {private!r} and XACCEL['THUMBNAIL_URL'] {thumbnails!r} "
                "overlap: neither may begin with the other"
            )

    def _check_prefixes(self) -> None:
        """Refuse roots and remotes with internal prefixes that are already in use."""
        ours = {"the prefix of xaccel itself": _OUR_PREFIX}
        if self.has_thumbnails:
            ours["XACCEL['THUMBNAIL_URL']"] = self.thumbnail_url
        if self.private_url is not None:
            ours["XACCEL['PRIVATE_URL']"] = self.private_url
        for setting, prefixes in (("ROOTS", self.roots), ("REMOTES", self.remotes)):
            for place, prefix in prefixes.items():
                for owner, used in ours.items():
                    if prefix.startswith(used):
                        raise ConfigError(
                            f"XACCEL[{setting!r}]: the internal prefix {prefix!r} of {place!r}"
                            f" lies below {used!r}, {owner}; choose another, such as '/_private/'"
                        )

    def _check_cache(self) -> None:
        """Refuse a root inside the thumbnail cache, because some files in the cache are not public.

        Also refuse a store without a cache.
        """
        if self.thumbnail_cache is None:
            if self.thumbnail_store is not None:
                raise ConfigError(
                    "XACCEL['THUMBNAIL_STORE'] needs XACCEL['THUMBNAIL_CACHE'], the directory on "
                    "each machine from which the web server sends thumbnails"
                )
            return
        cache = os.path.realpath(self.thumbnail_cache)
        for directory in self.roots:
            if _is_within(os.path.realpath(directory), cache):
                raise ConfigError(
                    f"XACCEL['ROOTS']: {directory!r} is in XACCEL['THUMBNAIL_CACHE'] "
                    f"{self.thumbnail_cache!r}; choose a directory outside of it"
                )

    def closed_directories(self) -> tuple[str, ...]:
        """Return the directories from which no files are sent, although they are below a root.

        The only such directory is the thumbnail cache. Each path begins with its root as written in
        `path_map()`. Symbolic links in the rest of the path are resolved.
        """
        if self.thumbnail_cache is None:
            return ()
        cache = os.path.realpath(self.thumbnail_cache)
        closed = []
        for directory, _ in self.path_map().roots:
            root = os.path.realpath(directory)
            if _is_within(cache, root):
                closed.append(os.path.join(directory, os.path.relpath(cache, root)))  # noqa: PTH118
        return tuple(closed)

    def _check_presets(self) -> None:
        """Refuse `THUMBNAIL_ONLY_PRESETS` if there are no presets, or if a preset has a version."""
        if not self.thumbnail_only_presets:
            return
        if not self.thumbnail_presets:
            raise ConfigError(
                "XACCEL['THUMBNAIL_ONLY_PRESETS'] needs XACCEL['THUMBNAIL_PRESETS'], which lists "
                "the thumbnails that are allowed"
            )
        for name, text in self.thumbnail_presets.items():
            if Spec.parse(text).version is not None:
                raise ConfigError(
                    f"XACCEL['THUMBNAIL_PRESETS'][{name!r}] can't have a version "
                    "with THUMBNAIL_ONLY_PRESETS"
                )

    def _check_watermarks(self) -> None:
        """Refuse presets with a watermark that does not exist."""
        for name, text in self.thumbnail_presets.items():
            try:
                self.check_watermark(Spec.parse(text))
            except SpecError as error:
                raise ConfigError(f"XACCEL['THUMBNAIL_PRESETS'][{name!r}]: {error}") from None

    def check_watermark(self, spec: Spec) -> None:
        """Raise `SpecError` if a spec has a watermark that is not in `THUMBNAIL_WATERMARKS`.

        The other engines refuse every watermark.
        """
        if self.thumbnail_engine != "embedded":
            return
        name = spec.watermark
        if name is not None and name not in self.thumbnail_watermarks:
            known = ", ".join(map(repr, self.thumbnail_watermarks)) or "none"
            raise SpecError(
                f"the watermark {name!r} is not in XACCEL['THUMBNAIL_WATERMARKS'], which contains "
                f"{known}{did_you_mean(name, self.thumbnail_watermarks)}"
            )

    def allowed_specs(self) -> tuple[str, ...]:
        """Return the specs that URLs may have with `THUMBNAIL_ONLY_PRESETS`.

        These are the presets themselves, and the presets with the format from `THUMBNAIL_FORMAT`
        added. URLs that were generated before `THUMBNAIL_FORMAT` was set therefore stay valid.
        """
        presets = self.thumbnail_presets.values()
        chosen = (str(with_format(Spec.parse(text), self.thumbnail_format)) for text in presets)
        return tuple(dict.fromkeys((*presets, *chosen)))

    def _check_format(self) -> None:
        """Refuse `THUMBNAIL_FORMAT` if the engine's URLs can't contain a format."""
        if self.thumbnail_format is not None and self.thumbnail_engine == "image-filter":
            raise ConfigError(
                f"XACCEL['THUMBNAIL_FORMAT'] {self.thumbnail_format!r} does not work with the "
                "engine 'image-filter', which always keeps the format of the source"
            )

    def _check_host(self) -> None:
        """Refuse `THUMBNAIL_HOST` if thumbnail URLs already contain the engine's server."""
        if self.thumbnail_host is None:
            return
        if self.thumbnail_engine not in {"embedded", "image-filter"}:
            raise ConfigError(
                "XACCEL['THUMBNAIL_HOST'] is for thumbnails of this site, not for the engine "
                f"{self.thumbnail_engine!r}; set XACCEL['THUMBNAIL_ENGINE_URL'] instead"
            )
        if self.thumbnail_engine_url:
            raise ConfigError(
                "XACCEL['THUMBNAIL_HOST'] and XACCEL['THUMBNAIL_ENGINE_URL'] both set the host of "
                "thumbnail URLs: set only one of them"
            )

    def signer(self) -> Signer:
        """Return the signer of the public URLs.

        Raises:
            ConfigError: No key is set, or a key is too short.
        """
        return self._signers()[0]

    def verifier(self) -> Verifier:
        """Return the verifier of the public URLs. Raises the same errors as `signer()`."""
        return Verifier(self._signers())

    def _signers(self) -> list[Signer]:
        if not self.secret_keys:
            raise ConfigError(
                "XACCEL['SECRET_KEYS'] is empty, and the framework's SECRET_KEY is missing or is "
                "shorter than 16 bytes: signed URLs need a key of at least 16 bytes, "
                "for example from: python -c 'import secrets; print(secrets.token_urlsafe())'"
            )
        algorithms = (self.signature,) if isinstance(self.signature, str) else self.signature
        try:
            return [Signer(list(self.secret_keys), algorithm=algorithm) for algorithm in algorithms]
        except ConfigError as error:
            raise ConfigError(f"XACCEL['SECRET_KEYS']: {error}") from None

    def limits(self) -> Limits:
        """Return the limits for a render."""
        return Limits(
            max_memory=self.thumbnail_max_memory,
            max_pixels=self.thumbnail_max_pixels,
            max_bytes=self.thumbnail_max_bytes,
            max_frames=self.thumbnail_max_frames,
            max_side=self.thumbnail_max_side,
        )


def with_format(spec: Spec, image_format: str | None) -> Spec:
    """Add a format to a spec, unless the spec already has one."""
    if image_format is None or spec.format is not None:
        return spec
    return spec.replace(format=image_format)


def _framework_secrets(keys: Sequence[str | bytes | None]) -> tuple[str, ...]:
    """Derive keys from a framework's secrets, or return `()` if the current secret is too short."""
    if not keys or not _is_long_enough(keys[0]):
        return ()
    current, *fallbacks = keys
    usable = [*filter(_is_long_enough, fallbacks)]
    if len(usable) < len(fallbacks):
        _logger.warning(
            "SECRET_KEY_FALLBACKS contains a key of fewer than %d bytes, which could be guessed; "
            "xaccel skips it",
            _LEAST_KEY,
            extra=_log.fields("misconfigured", setting="SECRET_KEY_FALLBACKS"),
        )
    return tuple(_derived(key) for key in (current, *usable) if key)


def _is_long_enough(key: str | bytes | None) -> bool:
    return len(key.encode() if isinstance(key, str) else key or b"") >= _LEAST_KEY


def _is_within(path: str, directory: str) -> bool:
    """Whether a path equals a directory or is below it."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _derived(key: str | bytes) -> str:
    import hmac  # noqa: PLC0415 - loads OpenSSL, 4 MB that apps with SECRET_KEYS do not need

    secret = key.encode() if isinstance(key, str) else key
    digest = hmac.digest(secret, b"xaccel framework key v1", "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
