"""`xaccel thumbnail` and `xaccel probe`: the engine without an app."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from xaccel._core import ImageInfo, Spec, Watermark, placeholder, probe, render
from xaccel.cli.help import add_command
from xaccel.config import Config
from xaccel.exceptions import ConfigError, FileNotFound, SpecError, ThumbnailError
from xaccel.thumbnails.rows import PlaceholderKind


def add(commands: Any) -> None:
    """Add the commands to the parser's subcommands."""
    _add_thumbnail(commands)
    _add_probe(commands)


def _add_thumbnail(commands: Any) -> None:
    parser = add_command(
        commands,
        "thumbnail",
        summary="make a thumbnail of an image",
        description="Make the same thumbnail as an app with the default settings. If the spec does "
        "not contain a format, the name of the new file determines it.",
        examples=[
            "xaccel thumbnail 300x200,cover cat.jpg small.webp",
            "xaccel thumbnail 300x- cat.jpg - > small.jpg",
            "xaccel thumbnail --watermark logo.svg 300x200 cat.jpg small.jpg",
        ],
    )
    parser.set_defaults(run=_thumbnail)
    parser.add_argument("spec", help="the thumbnail's spec, as in a URL: 300x200,cover,q-70")
    parser.add_argument("source", type=Path, help="the image")
    parser.add_argument("out", type=Path, help="the new file, or - for standard output")
    parser.add_argument(
        "--watermark",
        type=Path,
        metavar="FILE",
        help="lay this image over the bottom right corner, at a quarter of the thumbnail's size",
    )


def _add_probe(commands: Any) -> None:
    parser = add_command(
        commands,
        "probe",
        summary="show the size and format of images",
        description="Print the upright size, the format and other properties of images. Only their "
        "headers are read. If xaccel can't use a file as an image, print the reason.",
        examples=[
            "xaccel probe cat.jpg",
            "xaccel probe --json *.png",
            "xaccel probe --placeholder blurhash --placeholder color cat.jpg",
        ],
    )
    parser.set_defaults(run=_probe)
    parser.add_argument("source", nargs="+", type=Path, help="an image")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument(
        "--placeholder",
        action="append",
        choices=get_args(PlaceholderKind),
        default=[],
        help="also decode the images, and print their placeholders of this kind; can be given "
        "several times",
    )
    parser.add_argument(
        "--colors",
        type=int,
        metavar="N",
        help="how many colours a palette has, 2 to 256 (default: 5)",
    )


def _thumbnail(options: argparse.Namespace) -> None:
    spec = Spec.parse(options.spec)
    to_stdout = str(options.out) == "-"
    image_format = spec.output_format(options.source.name if to_stdout else options.out.name)
    if image_format == "auto":
        raise SpecError("the format 'auto' is for browsers: choose a format such as 'webp'")
    made = render(
        options.source,
        spec,
        format=image_format,
        quality=Config().thumbnail_quality,
        watermark=Watermark(options.watermark) if options.watermark else None,
    )
    if to_stdout:
        sys.stdout.buffer.write(made.data)
        return
    try:
        options.out.write_bytes(made.data)
    except OSError as error:
        raise ConfigError(f"can't write {options.out}: {error.strerror}") from None


def _probe(options: argparse.Namespace) -> int:
    if options.colors is not None and not 2 <= options.colors <= 256:  # noqa: PLR2004
        raise ConfigError(f"--colors must be 2 to 256, not {options.colors}")
    results = [_probed(source, options.placeholder, options.colors) for source in options.source]
    if options.json:
        print(json.dumps(results, indent=2, ensure_ascii=False))
    else:
        for result in results:
            print(_line(**result))
    return 1 if any("error" in result for result in results) else 0


def _probed(source: Path, kinds: Sequence[PlaceholderKind], colors: int | None) -> dict[str, Any]:
    try:
        facts = {"source": str(source), **_facts(probe(source))}
        for kind in kinds:
            if kind == "palette":
                facts[kind] = placeholder(source, kind=kind, colors=colors)
            else:
                facts[kind] = placeholder(source, kind=kind)
    except (ThumbnailError, FileNotFound) as error:
        return {"source": str(source), "error": str(error)}
    return facts


def _facts(info: ImageInfo) -> Mapping[str, Any]:
    names = ("width", "height", "format", "orientation", "frames", "pages", "has_alpha", "icc")
    return {name: getattr(info, name) for name in names}


def _line(source: str, error: str | None = None, **facts: Any) -> str:
    if error is not None:
        return error
    words = [f"{facts['width']}x{facts['height']}", facts["format"]]
    if facts["frames"] > 1:
        words.append(f"{facts['frames']} frames")
    if facts["pages"] > 1:
        words.append(f"{facts['pages']} pages")
    if facts["orientation"] != 1:
        words.append(f"orientation {facts['orientation']}")
    if facts["has_alpha"]:
        words.append("alpha")
    if facts["icc"]:
        words.append("colour profile")
    words += [
        f"{kind} {' '.join(facts[kind]) if kind == 'palette' else facts[kind]}"
        for kind in get_args(PlaceholderKind)
        if kind in facts
    ]
    return f"{source}: {', '.join(words)}"
