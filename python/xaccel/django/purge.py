"""Purges the thumbnails of images that are replaced or deleted."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial
from typing import Any

from django.apps import apps
from django.core.files.base import File
from django.db import transaction
from django.db.models import FileField, Model
from django.db.models.signals import post_delete, post_init, post_save, pre_delete, pre_save

from xaccel._log import fields, one_line
from xaccel.django import conf
from xaccel.exceptions import SourceError, StorageUnavailable

_logger = logging.getLogger("xaccel.django")


def purge_on_change(model: type[Model], field: str) -> None:
    """Purge the thumbnails of a file field when its file is replaced, removed or deleted.

    Call it once per field, in the `ready()` of your app's configuration. It applies to the model,
    its proxies and its child models. The thumbnails are purged when the transaction is committed.
    Purging makes no queries, with one exception: saving a row makes one query if the row was not
    loaded from the database, or was loaded without the field. Images whose URLs have a `version` do
    not need purging.

    `QuerySet.update()`, `bulk_create()` and `bulk_update()` send no signals. Call
    `purge_thumbnails(*rows)` after them, with rows that you loaded before the change.

    Args:
        model: The model; it may be abstract.
        field: The name of its `FileField` or `ImageField`.
    """
    changes = _Changes(field)
    for sender in apps.get_models():
        if not issubclass(sender, model):
            continue
        # By default, Django only keeps weak references to receivers, and nothing else references
        # this one.
        for signal, receiver in (
            (post_init, changes.note_loaded),
            (pre_save, changes.note_changed),
            (post_save, changes.purge_changed),
            (pre_delete, changes.note_deferred),
            (post_delete, changes.purge_deleted),
        ):
            signal.connect(receiver, sender=sender, weak=False, dispatch_uid=("xaccel", field))


def images_of(row: Model) -> set[str]:
    """Return the names of a row's images that have public thumbnails.

    If `purge_on_change()` applies to a field, the result also includes the name that the field had
    when the row was loaded. This function makes no queries: it treats a deferred field as empty.
    """
    names = set()
    for field in row._meta.concrete_fields:  # noqa: SLF001
        if isinstance(field, FileField):
            for name in filter(None, _Changes(field.name).names(row)):
                source = conf.source_names().in_storage(field.storage, name)
                # A name in the database may be invalid.
                with suppress(SourceError):
                    names |= {conf.source_names().checked(source)} if source else set()
    return names


class _Changes:
    """Detects changes to a field's file.

    Until a new name is assigned, the name of a field's file is the object that was loaded. The new
    name is a different object, even if the names are equal. `image.save()` assigns a new name when
    it overwrites the file.
    """

    def __init__(self, field: str) -> None:
        self._field = field
        self._loaded = f"_xaccel_loaded_{field}"
        self._changed = f"_xaccel_changed_{field}"

    def note_loaded(self, *, instance: Model, **_: Any) -> None:
        """Record the name of the file after a row is loaded."""
        if self._field in instance.__dict__:
            instance.__dict__[self._loaded] = self._name(instance)

    def note_changed(
        self,
        *,
        sender: type[Model],
        instance: Model,
        using: str,
        update_fields: frozenset[str] | None,
        **_: Any,
    ) -> None:
        """Before a row is saved, record the name of the old file if the file changes."""
        row = instance.__dict__
        row.pop(self._changed, None)
        is_written = update_fields is None or self._field in update_fields
        if not is_written or self._field not in row:
            return
        is_new = instance._state.adding  # noqa: SLF001
        if self._loaded in row and not is_new:
            if row[self._loaded] is self._name(instance) and _is_saved(row[self._field]):
                return
            row[self._changed] = row[self._loaded]
        else:
            is_stored = instance.pk is not None
            row[self._changed] = self._stored_name(sender, instance, using) if is_stored else None

    def purge_changed(self, *, instance: Model, using: str, **_: Any) -> None:
        """After a row is saved, purge the thumbnails of its old and its new file."""
        row = instance.__dict__
        if self._changed in row:
            name = self._name(instance)
            self._purge({row.pop(self._changed), name}, instance, using)
            # After a rollback, the database still contains the old name.
            transaction.on_commit(partial(row.__setitem__, self._loaded, name), using=using)

    def note_deferred(self, *, sender: type[Model], instance: Model, using: str, **_: Any) -> None:
        """Before a row is deleted, record the name of its file if the name was not loaded."""
        if self._field not in instance.__dict__:
            name = self._stored_name(sender, instance, using)
            instance.__dict__[self._loaded] = name

    def purge_deleted(self, *, instance: Model, using: str, **_: Any) -> None:
        """Purge the thumbnails after the row is deleted."""
        # An earlier receiver may have deleted the file and cleared its name.
        self._purge(self.names(instance), instance, using)

    def names(self, instance: Model) -> set[str | None]:
        """Return the file's current name and, if known, the name it had when the row was loaded."""
        return {instance.__dict__.get(self._loaded), self._name(instance)}

    def _stored_name(self, sender: type[Model], instance: Model, using: str) -> str | None:
        rows = sender._base_manager.using(using).filter(pk=instance.pk)  # noqa: SLF001
        name: str | None = rows.values_list(self._field, flat=True).first()
        return name

    def _name(self, instance: Model) -> str | None:
        """Return the name that the field holds: the object itself, not a copy."""
        value = instance.__dict__.get(self._field)
        name: str | None = getattr(value, "name", value)
        return name

    def _purge(self, names: set[str | None], instance: Model, using: str) -> None:
        field = instance._meta.get_field(self._field)  # noqa: SLF001
        storage = field.storage if isinstance(field, FileField) else None
        for name in names:
            if name and storage is not None:
                source = conf.source_names().in_storage(storage, name)
                if source is not None:
                    transaction.on_commit(partial(_purge, source), using=using)


def _is_saved(value: object) -> bool:
    """Whether the value of a file field is a stored file rather than a new upload."""
    return bool(getattr(value, "_committed", not isinstance(value, File)))


def _purge(name: str) -> None:
    try:
        conf.thumbnails().purge(name)
    except (OSError, SourceError, StorageUnavailable) as error:
        # The row is already saved, so an outdated thumbnail must not make the request fail.
        _logger.warning(
            "can't purge the thumbnails of %r: %s",
            name,
            one_line(error),
            extra=fields("purge_failed", source=name, error=type(error).__name__),
        )
