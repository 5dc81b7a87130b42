"""A drop-in for sorl-thumbnail: its tags, functions, field and admin mixin on xaccel's engine.

Replace `"sorl.thumbnail"` in `INSTALLED_APPS` by `"xaccel.django.sorl"`, and `sorl.thumbnail` in
imports by `xaccel.django.sorl`. Templates stay as they are. Thumbnails are rendered when a browser
asks for them, and no table keeps them.
"""

from xaccel.django.sorl.fields import ImageField
from xaccel.django.sorl.shortcuts import delete, get_thumbnail

__all__ = ["ImageField", "delete", "get_thumbnail"]
