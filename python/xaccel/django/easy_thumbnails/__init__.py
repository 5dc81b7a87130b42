"""A drop-in for easy-thumbnails: its tag, filters, aliases and fields on xaccel's engine.

Replace `"easy_thumbnails"` in `INSTALLED_APPS` by `"xaccel.django.easy_thumbnails"`, and
`easy_thumbnails` in imports by `xaccel.django.easy_thumbnails`. Templates stay as they are.
Thumbnails are rendered when a browser asks for them, and no table keeps them.
"""
