"""Check the fonts for text in SVG images, on the machine that runs the doctor."""

from __future__ import annotations

from collections.abc import Iterator

from xaccel._core import font_fingerprint
from xaccel.config import Config
from xaccel.doctor.client import Reply, Site
from xaccel.doctor.report import Result, ok, skipped


def check_fonts(site: Site, _: Reply) -> Iterator[Result]:
    """Report the fonts of a site with thumbnails."""
    if site.config is None:
        yield skipped("fonts", "This needs the settings of a site with thumbnails.")
    else:
        yield from examine_fonts(site.config)


def examine_fonts(config: Config) -> Iterator[Result]:
    """Report the number of fonts, and a fingerprint to compare the fonts of machines."""
    if not config.has_thumbnail_endpoint:
        yield skipped("fonts", "According to the settings, this app does not render thumbnails.")
        return
    number, fingerprint = font_fingerprint(config.thumbnail_fonts)
    if number:
        yield ok(
            "fonts",
            f"Text in SVG images is drawn with the fonts of this machine ({number} fonts, "
            f"fingerprint {fingerprint}).",
        )
    else:
        yield skipped(
            "fonts",
            "This machine does not have fonts, so text in SVG images is left out. To draw the "
            "text, install fonts, or set THUMBNAIL_FONTS.",
        )
