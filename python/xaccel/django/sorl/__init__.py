"""A drop-in for sorl-thumbnail: its tags, functions, field and admin mixin, with xaccel's engine.

Replace `"sorl.thumbnail"` in `INSTALLED_APPS` with `"xaccel.django.sorl"`, and `sorl.thumbnail` in
imports with `xaccel.django.sorl`. Templates do not change. Thumbnails are rendered when a browser
asks for them, and are not tracked in a database table.
"""

from xaccel.django.sorl.fields import ImageField
from xaccel.django.sorl.shortcuts import delete, get_thumbnail

__all__ = ["ImageField", "delete", "get_thumbnail"]
