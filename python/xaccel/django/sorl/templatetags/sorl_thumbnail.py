"""`{% load sorl_thumbnail %}`: another name for `thumbnail`."""

from xaccel.django.sorl.templatetags.thumbnail import register

__all__ = ["register"]
