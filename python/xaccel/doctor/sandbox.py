"""Check the sandbox, on the machine that runs the doctor."""

from __future__ import annotations

from collections.abc import Iterator

from xaccel._core import sandbox_layers
from xaccel.doctor.client import Reply, Site
from xaccel.doctor.report import Result, ok, skipped
from xaccel.sandbox.support import is_possible, missing


def check_sandbox(site: Site, _: Reply) -> Iterator[Result]:
    """Report the layers of the sandbox in which images are decoded."""
    config = site.config
    if config is None or not config.has_thumbnail_endpoint:
        yield skipped("sandbox", "This needs the settings of a site with thumbnails.")
    elif not config.thumbnail_sandbox:
        yield skipped(
            "sandbox",
            "XACCEL['THUMBNAIL_SANDBOX'] is False: images are decoded in the app's process.",
        )
    elif absent := missing():
        consequence = (
            f"Images are decoded in a sandbox that has only {', '.join(sandbox_layers())}."
            if is_possible()
            else "Images are decoded in the app's process."
        )
        yield skipped(
            "sandbox", f"This machine does not offer {' or '.join(absent)}. {consequence}"
        )
    else:
        layers = ", ".join(sandbox_layers())
        yield ok("sandbox", f"Images are decoded in a sandbox. Its layers are {layers}.")
