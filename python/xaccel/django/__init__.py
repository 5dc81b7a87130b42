"""xaccel for Django: private files for views and storages, template tags, URLs and middleware.

Add `"xaccel.django"` to `INSTALLED_APPS` and `path("", include("xaccel.django.urls"))` to your
`urlpatterns`. The settings are in `settings.XACCEL`. The storage is
`xaccel.django.storage.PrivateStorage`, and the middleware is
`xaccel.django.middleware.SendfileMiddleware`.
"""

from xaccel.django.functions import (
    private_url,
    purge_thumbnails,
    thumbnail_img,
    thumbnail_srcset,
    thumbnail_url,
)
from xaccel.django.purge import purge_on_change
from xaccel.django.views import (
    PrivateFileView,
    asend_private_file,
    send_private_file,
    send_private_thumbnail,
)

__all__ = [
    "PrivateFileView",
    "asend_private_file",
    "private_url",
    "purge_on_change",
    "purge_thumbnails",
    "send_private_file",
    "send_private_thumbnail",
    "thumbnail_img",
    "thumbnail_srcset",
    "thumbnail_url",
]
