"""Django Tasks: `render` and `purge`, for Django 6 or the package django-tasks.

Enqueue a task where you would call the function:

    from xaccel.django.tasks import render
    render.enqueue(photo.image.name, ["avatar", "300x200,cover"], version="mtime")
"""

from __future__ import annotations

from collections.abc import Sequence

from xaccel import tasks

try:
    from django.tasks import task  # type: ignore[import-not-found,unused-ignore]
except ModuleNotFoundError:
    try:
        from django_tasks import task  # type: ignore[no-redef,unused-ignore]
    except ModuleNotFoundError:
        # Celery imports the `tasks` module of each app, and skips missing modules.
        raise ModuleNotFoundError(
            "xaccel.django.tasks needs Django 6 or the package django-tasks", name=__name__
        ) from None

__all__ = ["purge", "render"]


@task()
def render(source: str, specs: Sequence[str] = (), version: str | None = None) -> int:
    """Render the thumbnails of an image; see `xaccel.tasks.render`.

    Args:
        source: The name of the image, as in `thumbnail_url()`.
        specs: Specs or names of presets; by default, all presets.
        version: The version in the URLs, such as `"mtime"`.
    """
    return tasks.render(source, *specs, version=version)


@task()
def purge(source: str) -> int:
    """Purge the thumbnails of an image; see `xaccel.tasks.purge`."""
    return tasks.purge(source)
