"""Compare the speed and the quality of thumbnails with pyvips and Pillow.

All libraries use one thread, and the same source bytes, size, output format and quality. The
figures are medians of the processor time, which hardly depends on other load. The limit is the time
that would remain if everything but reading the source and encoding the result took no time. The
sources are the photographs in Debian's plasma-workspace-wallpapers, and PNG, WebP and GIF versions
of some of them. SSIM is measured against a full decode and a Lanczos resize by Pillow.

A second part compares xaccel with thumbor and nginx's image_filter over HTTP, with a render for
each request. Each server has one worker process and gets one request at a time. The figures are the
processor times of the servers.

    benches/thumbnails.py [--rounds N] [--files N] [--kinds jpeg,png,...,http]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

os.environ["VIPS_CONCURRENCY"] = "1"

import numpy as np
import pyvips
from PIL import Image, ImageSequence
from xaccel._core import codecs, thumbnail
from xaccel.signing import ThumborSigner

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benches import limits, peers
from benches.photographs import WALLPAPERS, photographs

SIZES = (96, 300, 640, 1600)

pyvips.cache_set_max(0)


def ours(source, size, kind):
    return thumbnail(source, size, size, format=kind, quality=85).data


def by_vips(source, size, kind):
    animated = kind in {"gif", "webp"} and source[:3] == b"GIF"
    picture = pyvips.Image.thumbnail_buffer(
        source, size, height=size, size="down", option_string="n=-1" if animated else ""
    )
    options = {"gif": {}, "png": {}}.get(kind, {"Q": 85})
    return picture.write_to_buffer({"jpeg": ".jpg"}.get(kind, f".{kind}"), **options)


def by_pillow(source, size, kind):
    picture = Image.open(io.BytesIO(source))
    out = io.BytesIO()
    if kind == "gif":
        frames = []
        for frame in ImageSequence.Iterator(picture):
            small = frame.convert("RGB")
            small.thumbnail((size, size), Image.Resampling.LANCZOS)
            frames.append(small)
        frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
        return out.getvalue()
    picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    picture.save(out, kind, quality=85)
    return out.getvalue()


ENGINES = {"xaccel": ours, "pyvips": by_vips, "pillow": by_pillow}


def ssim(one, other):
    """Return the structural similarity of two gray pictures (Gaussian window, sigma 1.5)."""

    kernel = np.exp(-np.square(np.arange(-5, 6)) / (2 * 1.5**2))
    kernel /= kernel.sum()

    def smooth(values):
        for axis in (0, 1):
            values = np.apply_along_axis(np.convolve, axis, values, kernel, "same")
        return values

    x, y = (np.asarray(picture.convert("L"), dtype=np.float64) for picture in (one, other))
    mean_x, mean_y = smooth(x), smooth(y)
    var_x = smooth(x * x) - mean_x**2
    var_y = smooth(y * y) - mean_y**2
    covariance = smooth(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    scores = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    )
    return float(scores[5:-5, 5:-5].mean())


def sources(limit):
    """Yield the output format, the name and the encoded source."""
    photos = photographs(limit)
    for path in photos:
        name = f"{path.parts[4]}/{path.stem}"
        yield "jpeg", name, path.read_bytes()
    for path in photos[:4]:
        name = f"{path.parts[4]}/{path.stem}"
        picture = Image.open(path).convert("RGB")
        picture.thumbnail((2560, 2560))
        for kind, options in [("png", {}), ("webp", {"quality": 85})]:
            out = io.BytesIO()
            picture.save(out, kind, **options)
            yield kind, name, out.getvalue()
        frames = [
            picture.resize((640, 400), box=(i * 20, i * 10, i * 20 + 1600, i * 10 + 1000))
            for i in range(12)
        ]
        out = io.BytesIO()
        frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=80)
        yield "gif", name, out.getvalue()


def measure(source, size, kind, rounds):
    """Return each engine's median processor time in milliseconds. The engines take turns."""
    times = {name: [] for name in ENGINES}
    results = {}
    for _ in range(rounds):
        for name, make in ENGINES.items():
            start = time.process_time()
            results[name] = make(source, size, kind)
            times[name].append(1000 * (time.process_time() - start))
    return {name: statistics.median(values) for name, values in times.items()}, results


def similarities(original, results):
    """Return the SSIM of each engine's result, if all results have the same size."""
    size = Image.open(io.BytesIO(results["xaccel"])).size
    reference = original.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    pictures = {name: Image.open(io.BytesIO(made)) for name, made in results.items()}
    return {
        name: ssim(picture, reference) for name, picture in pictures.items() if picture.size == size
    }


def is_eighth(source, size):
    """Return whether a thumbnail is so small that the DC coefficients are enough."""
    with Image.open(io.BytesIO(source)) as picture:
        return max(picture.size) / 8 >= 2 * size


def least(source, results, kind, rounds):
    """Return the time to read the source and to encode the result, in seconds."""
    encoder = limits.writing(results["xaccel"], kind, 85, rounds)
    return limits.reading(source, rounds) + encoder


def compare(kind, name, source, rounds, ratios):
    """Print a line for each size, and collect the ratios."""
    original = Image.open(io.BytesIO(source))
    for size in SIZES:
        if max(original.size) <= size:
            continue
        medians, results = measure(source, size, kind, rounds)
        scores = {} if kind == "gif" else similarities(original, results)
        row = "".join(f"{medians[engine]:9.1f}" for engine in ENGINES)
        limit = "" if kind == "gif" else f"{1000 * least(source, results, kind, rounds):9.1f}"
        more = "  ".join(
            f"{len(made) / 1000:.1f}/{scores.get(engine, math.nan):.4f}"
            for engine, made in results.items()
        )
        print(f"{kind + ' ' + name:34}{size:5} {row}{limit:>9}    {more}", flush=True)
        # JPEGs for which an eighth of the size is enough are reported separately; see `jpeg-dc`.
        group = "jpeg/8" if kind == "jpeg" and is_eighth(source, size) else kind
        for peer in ("pyvips", "pillow"):
            ratio = medians[peer] / medians["xaccel"]
            ratios.setdefault((group, peer), []).append(ratio)
        if "pyvips" in scores:
            lead = scores["xaccel"] - scores["pyvips"]
            ratios.setdefault((kind, "SSIM minus pyvips's"), []).append(lead)


def over_http(limit, rounds, ratios):
    """Print a line for each photograph and size, and collect the ratios."""
    print(f"\n{'source':34}{'size':>5}   xaccel  thumbor  image_filter   ms over HTTP")
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as stack:
        directory = Path(temporary)
        servers = {
            "xaccel": peers.bare_app(directory, stack, WALLPAPERS, quality=85, workers=1),
            "thumbor": peers.thumbor(directory, stack, WALLPAPERS, quality=85, processes=1),
            "image_filter": peers.image_filter(directory, stack, WALLPAPERS, quality=85, workers=1),
        }
        for path in photographs(limit):
            name = path.relative_to(WALLPAPERS).as_posix()
            for size in SIZES:
                paths = {
                    "xaccel": f"{size}/{name}",
                    "thumbor": ThumborSigner(peers.KEY).url(name, f"{size}x{size}"),
                    "image_filter": f"{size}x{size}/{name}",
                }
                spent = dict.fromkeys(servers, 0.0)
                for engine, server in servers.items():
                    before = server.seconds()
                    for _ in range(rounds):
                        with urllib.request.urlopen(server.url(paths[engine])) as response:
                            response.read()
                    # The CPU clock of a process ticks a hundred times a second.
                    spent[engine] = max(0.01, server.seconds() - before) * 1000 / rounds
                row = "".join(f"{spent[engine]:9.1f}" for engine in servers)
                print(f"{path.parts[4] + '/' + path.stem:34}{size:5}{row}", flush=True)
                group = "http/8" if is_eighth(path.read_bytes(), size) else "http"
                for peer in ("thumbor", "image_filter"):
                    ratio = spent[peer] / spent["xaccel"]
                    ratios.setdefault((group, peer), []).append(ratio)


def report(ratios):
    for (kind, what), values in sorted(ratios.items()):
        if what.startswith("SSIM"):
            mean = statistics.mean(values)
            print(f"{kind:7} {what:20} mean {mean:+.4f}, worst {min(values):+.4f}")
        else:
            print(
                f"{kind:7} faster than {what:12} {statistics.geometric_mean(values):.2f}x, "
                f"worst {min(values):.2f}x"
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, default=12)
    parser.add_argument("--kinds", default="jpeg,png,webp,gif,http")
    options = parser.parse_args()
    print("xaccel's codecs:", codecs())
    print(f"libvips {'.'.join(str(pyvips.version(i)) for i in range(3))}, one thread\n")
    engines = "".join(f"{name:>9}" for name in ENGINES)
    print(f"{'source':34}{'size':>5} {engines}    limit   ms    KB/SSIM")
    ratios = {}
    for kind, name, source in sources(options.files):
        if kind in options.kinds.split(","):
            compare(kind, name, source, options.rounds, ratios)
    if "http" in options.kinds.split(","):
        over_http(options.files, 4 * options.rounds, ratios)
    print()
    report(ratios)


if __name__ == "__main__":
    main()
