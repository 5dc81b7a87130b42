"""Finds where the site's URLs begin: the script prefix and the prefix in the URLconf."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.urls import NoReverseMatch, get_resolver, get_script_prefix
from django.utils.translation import get_language

PRIVATE_FILE = "xaccel-private-file"
THUMBNAIL = "xaccel-thumbnail"
"""The names of xaccel's URL patterns."""


def mount_of_request(request: HttpRequest, url: str, default: str) -> str:
    """Return the part of a request's path that precedes xaccel's own URL, such as `/shop/en`.

    Args:
        request: The request.
        url: The remainder of the request's path.
        default: The script name to use if the server does not report it.
    """
    script = (request.META.get("SCRIPT_NAME") or default).rstrip("/")
    return (script + request.path_info).removesuffix(url)


def mount_of_urls(name: str, prefix: str, default: str) -> str:
    """Return the path at which our URLs are mounted, for the current thread and language.

    Args:
        name: The name of the URL pattern.
        prefix: The start of the URLs in our own URLconf, such as `/t/`.
        default: The script name to use outside of requests.
    """
    return (get_script_prefix().rstrip("/") or default) + included_at(name, prefix)


def included_at(name: str, prefix: str) -> str:
    """Return the path at which `ROOT_URLCONF` includes our URLs, such as `/en`."""
    urlconf = getattr(settings, "ROOT_URLCONF", None)
    if urlconf is None:
        return ""
    # Get the language only if it matters: in a template with many URLs, this call would take most
    # of the time.
    depends_on_language, _ = is_language_prefix_patterns_used(urlconf)
    return _included_at(name, prefix, urlconf, get_language() if depends_on_language else None)


@lru_cache(maxsize=256)
def _included_at(name: str, prefix: str, urlconf: str, language: str | None) -> str:  # noqa: ARG001
    try:
        url = unquote(f"/{get_resolver(urlconf).reverse(name, path='x')}")
    except NoReverseMatch:
        return ""
    return url.removesuffix(f"{prefix}x") if url.endswith(f"{prefix}x") else ""


def _reset(**_: Any) -> None:
    _included_at.cache_clear()


setting_changed.connect(_reset)
