"""nginx: `X-Accel-Redirect`."""

from __future__ import annotations

from xaccel._core import Location
from xaccel.delivery.response import Headers
from xaccel.exceptions import ConfigError
from xaccel.servers.dialects.base import Dialect, Settings
from xaccel.servers.dialects.values import check_directories, has_control, no_control


class Nginx(Dialect):
    """nginx, which redirects internally to the URL of a file or of a proxied remote."""

    name = "nginx"
    title = "nginx"
    generator = "xaccel.servers.nginx.configuration"
    sendfile_types = ("x-accel-redirect",)
    takes_urls = True
    header_prefixes = ("x-accel-",)
    # These control how nginx treats the app's own response. Event streams need the first header,
    # and caches need the second.
    harmless_headers = frozenset({"x-accel-buffering", "x-accel-expires"})
    supports_remotes = True
    supports_limit_rate = True
    sends_thumbnails = True

    def offload(self, location: Location, *, limit_rate: int | None) -> Headers:
        """Return `X-Accel-Redirect` with the internal URL, which nginx percent-decodes once."""
        return self.redirect(location.url, limit_rate=limit_rate)

    def redirect(self, url: str, *, limit_rate: int | None) -> Headers:
        """Return the headers for any internal URL, such as the URL of a file on a remote."""
        if limit_rate is None:
            return (("X-Accel-Redirect", url),)
        return ("X-Accel-Redirect", url), ("X-Accel-Limit-Rate", f"{limit_rate:d}")

    def check(self, settings: Settings) -> None:
        """Refuse settings that an `nginx.conf` can't express."""
        check_directories(settings, self.title)
        if _uses_secure_link(settings) and not all(map(_is_plain, settings.secret_keys)):
            raise ConfigError(
                "XACCEL['SECRET_KEYS']: with the signature 'secure-link-md5', each key must be "
                "UTF-8 text without control characters"
            )
        if settings.thumbnail_engine == "image-filter":
            sources = {
                "XACCEL['THUMBNAIL_SOURCE']": settings.thumbnail_source,
                **{
                    f"XACCEL['THUMBNAIL_SOURCES'][{name!r}]": location
                    for name, location in settings.thumbnail_sources.items()
                },
            }
            for setting, source in sources.items():
                if not (source or "").startswith(("/", "https://", "http://")):
                    raise ConfigError(
                        f"XACCEL['THUMBNAIL_ENGINE'] 'image-filter' needs {setting}: a directory "
                        "or an HTTP origin, such as 'https://bucket.s3.amazonaws.com/' for a "
                        "public S3 bucket"
                    )
            for path in (*sources.values(), settings.thumbnail_cache):
                no_control(path or "", self.title)


def _uses_secure_link(settings: Settings) -> bool:
    """Whether nginx verifies signatures with `secure_link`, unless `--verify` overrides this."""
    if settings.thumbnail_engine == "image-filter":
        return True
    return settings.signature == "secure-link-md5" and (
        settings.private_url is not None
        or (
            settings.has_thumbnail_endpoint
            and settings.thumbnail_cache is not None
            and not settings.thumbnail_only_presets
        )
    )


def _is_plain(key: str | bytes) -> bool:
    try:
        return not has_control(key.decode() if isinstance(key, bytes) else key)
    except UnicodeDecodeError:
        return False
