"""Purges the thumbnails of images that are replaced or deleted."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_delete, post_save, pre_save

from xaccel._log import one_line
from xaccel.django import conf

_logger = logging.getLogger("xaccel.django")


def purge_on_change(model: type[Model], field: str) -> None:
    """Purge the thumbnails of a file field when its file is replaced or its row is deleted.

    Call it once per field, in the `ready()` of your app's configuration. Saving a new file costs
    one query, for the name of the old one; other saves cost none. URLs with a `version` need
    no purge.

    Args:
        model: The model.
        field: The name of its `FileField` or `ImageField`.
    """
    changes = _Changes(field)
    # Django keeps weak references to receivers by default, and nothing else keeps this one.
    for signal, receiver in (
        (pre_save, changes.note),
        (post_save, changes.purge_noted),
        (post_delete, changes.purge_deleted),
    ):
        signal.connect(receiver, sender=model, weak=False, dispatch_uid=(model, field))


class _Changes:
    def __init__(self, field: str) -> None:
        self._field = field
        self._noted = f"_xaccel_replaced_{field}"

    def note(self, *, sender: type[Model], instance: Model, using: str, **_: Any) -> None:
        """Before a new file is saved: note the name of the old file."""
        file = getattr(instance, self._field)
        if not file or file._committed:  # noqa: SLF001  Django has no public name for it
            return
        rows = sender._base_manager.using(using).filter(pk=instance.pk)  # noqa: SLF001
        old = rows.values_list(self._field, flat=True).first()
        setattr(instance, self._noted, old or "")

    def purge_noted(self, *, instance: Model, using: str, **_: Any) -> None:
        """After the new file is saved: purge the thumbnails of both names."""
        old = instance.__dict__.pop(self._noted, None)
        if old is not None:
            for name in {old, getattr(instance, self._field).name} - {""}:
                transaction.on_commit(partial(_purge, name), using=using)

    def purge_deleted(self, *, instance: Model, using: str, **_: Any) -> None:
        """After the row is deleted."""
        name = getattr(instance, self._field).name
        if name:
            transaction.on_commit(partial(_purge, name), using=using)


def _purge(name: str) -> None:
    try:
        conf.thumbnails().purge(name)
    except OSError as error:
        # The row is saved: an outdated thumbnail must not make the request fail.
        _logger.warning("can't purge the thumbnails of %r: %s", name, one_line(error))
