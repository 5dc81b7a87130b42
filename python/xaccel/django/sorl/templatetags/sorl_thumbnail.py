"""`{% load sorl_thumbnail %}`: another name of `thumbnail`."""

from xaccel.django.sorl.templatetags.thumbnail import register

__all__ = ["register"]
