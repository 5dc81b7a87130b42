"""A drop-in for easy-thumbnails: its tag, filters, aliases and fields, with xaccel's engine.

Replace `"easy_thumbnails"` in `INSTALLED_APPS` with `"xaccel.django.easy_thumbnails"`, and
`easy_thumbnails` in imports with `xaccel.django.easy_thumbnails`. Templates do not change.
Thumbnails are rendered when a browser asks for them, and are not tracked in a database table.
"""
