"""xaccel for Django: `send_private_file()` for views, a template tag and the thumbnail URL.

Add `"xaccel.django"` to `INSTALLED_APPS` and `path("", include("xaccel.django.urls"))` to the
URLs; the settings are in `settings.XACCEL`.
"""

from xaccel.django.purge import purge_on_change
from xaccel.django.views import send_private_file, send_private_thumbnail

__all__ = ["purge_on_change", "send_private_file", "send_private_thumbnail"]
