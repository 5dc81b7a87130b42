"""The URLs of files and thumbnails, for views, models, admin classes and serializers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import File
from django.db.models import Model
from django.http import HttpRequest
from django.utils.safestring import SafeString

from xaccel.django import conf
from xaccel.django.files import PrivateFile, local_path_of
from xaccel.django.purge import images_of


def thumbnail_url(
    source: object,
    width: int | str | None = None,
    height: int | None = None,
    *,
    request: HttpRequest | None = None,
    **options: Any,
) -> str | None:
    """Return the URL of a thumbnail, like the tag `thumbnail_url`; `None` if there is no image.

    Args:
        source: The value of a file field, or the name of an image below `THUMBNAIL_SOURCE`.
        width: The width of the box in pixels, or the name of a preset; `None` leaves it free.
        height: The height of the box in pixels; `None` leaves it free.
        request: The current request. If given, the URL is absolute, with the scheme and host of the
            request.
        options: `version`, `expires`, `expires_in`, `focal_point`, and the options of a thumbnail:
            `fit`, `quality`, `format` and so on.

    Raises:
        SpecError: An option is unknown or its value is invalid.
        SourceError: `source` is not an image below `THUMBNAIL_SOURCE`, and `DEBUG` is on.
    """
    options.update(origin_of(request))
    return conf.template_helpers().thumbnail_url(source, width, height, **options) or None


def thumbnail_srcset(
    source: object,
    width: int | str | None = None,
    height: int | None = None,
    *,
    request: HttpRequest | None = None,
    **options: Any,
) -> str | None:
    """Return a `srcset` value, like the tag `thumbnail_srcset`; `None` if there is no image.

    The arguments and errors are the same as for `thumbnail_url()`. Additional options are `widths`
    and `densities`.
    """
    options.update(origin_of(request))
    return conf.template_helpers().thumbnail_srcset(source, width, height, **options) or None


def thumbnail_img(
    source: object,
    width: int | str | None = None,
    height: int | None = None,
    *,
    alt: object,
    request: HttpRequest | None = None,
    **options: Any,
) -> SafeString | None:
    """Return an `<img>`, like the tag `thumbnail_img`; `None` if there is no image.

    Use it for `readonly_fields` in the admin. The arguments and errors are the same as for
    `thumbnail_url()`.

    Args:
        source: See `thumbnail_url()`.
        width: The width of the box in CSS pixels, or the name of a preset.
        height: The height of the box in CSS pixels.
        alt: The text that describes the image; empty if the image is purely decorative.
        request: See `thumbnail_url()`.
        options: The options of the tag, and HTML attributes such as `class_`.
    """
    options.update(origin_of(request))
    html = conf.template_helpers().thumbnail_img(source, width, height, alt=alt, **options)
    return SafeString(html) if html else None


def origin_of(request: HttpRequest | None) -> dict[str, str]:
    """Return the option that makes URLs absolute."""
    return {} if request is None else {"origin": f"{request.scheme}://{request.get_host()}"}


def purge_thumbnails(*images: str | File[Any] | Model) -> int:
    """Remove all public thumbnails of the images from the cache.

    Call it after images are replaced or deleted, unless their URLs have a version or you use
    `purge_on_change()`. `QuerySet.update()` and `bulk_update()` send no signals: after them, call
    `purge_thumbnails(*photos)` with rows that you loaded before the change.

    Args:
        images: Values of file fields, names of images as in `thumbnail_url()`, or rows. A row
            represents all of its images.

    Returns:
        The number of thumbnails that were removed.

    Raises:
        SourceError: A field's value or a name is not an image in a source.
        OSError: The cache is not writable.
    """
    names: set[str] = set()
    for image in images:
        if isinstance(image, Model):
            names |= images_of(image)
        else:
            name = conf.source_names().in_url(image)
            names |= {name} if name else set()
    return sum(map(conf.thumbnails().purge, names)) if names else 0


def private_url(
    file: PrivateFile,
    *,
    request: HttpRequest | None = None,
    expires: int | datetime | None = None,
    expires_in: int | timedelta | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
) -> str:
    """Return a signed link to a file under one of `ROOTS`. Anyone with the link can get the file.

    Args:
        file: The value of a file field, the file of a storage, or a path.
        request: The current request. If given, the link is absolute, with the scheme and host of
            the request.
        expires: The last second in which the link is valid, as Unix seconds or an aware datetime.
        expires_in: The minimum lifetime of the link, in seconds or as a timedelta.
        as_attachment: Whether browsers save the file instead of showing it.
        download_name: The name under which browsers save the file; by default, the file's name.

    Raises:
        ConfigError: `PRIVATE_URL` is not set, or the file is not under a root.
        FileNotFound: The field has no file.
    """
    return conf.delivery().private_url(
        local_path_of(file),
        expires=expires,
        expires_in=expires_in,
        as_attachment=as_attachment,
        download_name=download_name,
        **origin_of(request),
    )
