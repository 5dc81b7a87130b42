"""Decodes a frame of a film with PyAV, which includes FFmpeg."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

import av
from av.container import InputContainer
from av.stream import Disposition

# PyAV imports this when it opens a file, which is too late in a sandbox.
from av.subtitles import stream as _subtitles  # noqa: F401
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from xaccel._core import ImageInfo, Limits
from xaccel.decoders import Decoded
from xaccel.decoders._ours import is_matroska, is_video
from xaccel.decoders._pixels import without_gaps
from xaccel.exceptions import CorruptImage, RenderTimeout, UnsupportedImage

SECONDS = 5
"""The number of seconds from the start of a film that are searched for the poster."""

_CHANNELS = 3
_HDR = {16: "HDR10", 18: "HLG"}
"""Transfer characteristics (ITU-T H.273) that sRGB can't show."""

_BLACK = 32
"""The maximum brightness of a black pixel, as in FFmpeg's filter `blackframe`."""
_BLACK_SHARE = 0.98
_SMALL = 64
"""The longer side, in pixels, of the reduced picture in which black pixels are counted."""

_ORIENTATIONS = {0: 1, 90: 8, 180: 3, 270: 6}
"""EXIF orientations, by the counter-clockwise rotation of a film in degrees."""

_LENIENT = 19
"""The first version of PyAV that always opens films whose titles are not UTF-8."""
_METADATA: dict[str, Any] = (
    {} if int(av.__version__.partition(".")[0]) >= _LENIENT else {"metadata_errors": "ignore"}
)


def matches(head: bytes) -> bool:
    """See `Decoder.matches`."""
    return is_video(head)


def probe(file: BinaryIO, limits: Limits) -> ImageInfo:
    """See `Decoder.probe`."""
    with _opened(file, limits) as (container, stream):
        frame = next(_frames(container, stream, limits), None)
        if frame is None:
            raise CorruptImage("it is a corrupt film: it does not have a frame")
        width, height = _shown_size(stream, frame)
        orientation = _orientation(frame)
        decoded_size = width * height * _CHANNELS
        if orientation in {6, 8}:
            width, height = height, width
        return ImageInfo(width, height, _format(file), is_film=True, decoded_size=decoded_size)


def decode(
    file: BinaryIO,
    size: tuple[int, int],  # noqa: ARG001  frames have one size
    page: int,  # noqa: ARG001  a film has one page
    limits: Limits,
    at: float | None = None,
) -> Decoded:
    """See `Decoder.decode`."""
    with _opened(file, limits) as (container, stream):
        if at is None:
            frame = _poster(container, stream, limits)
        else:
            frame = _frame_at(at, container, stream, limits)
        width, height = _shown_size(stream, frame)
        limits.check_decoded(width, height, _CHANNELS)
        picture = frame.reformat(width=width, height=height, format="rgb24")
        (plane,) = picture.planes
        buffer = without_gaps(plane, plane.line_size, _CHANNELS * width)
        return Decoded(buffer, width, height, "rgb", _orientation(frame))


def _poster(container: InputContainer, stream: VideoStream, limits: Limits) -> VideoFrame:
    """Return the first frame that is not black, or the first frame if all are black."""
    first = None
    for frame in _frames(container, stream, limits):
        if not _is_black(frame):
            return frame
        if first is None:
            first = frame
        if frame.time - first.time >= SECONDS:
            break
    if first is None:
        raise CorruptImage("it is a corrupt film: it does not have a frame")
    return first


def _frame_at(
    seconds: float, container: InputContainer, stream: VideoStream, limits: Limits
) -> VideoFrame:
    """Return the frame that is shown at this time, or the last frame if the film is shorter."""
    first = next(_frames(container, stream, limits), None)
    if first is None:
        raise CorruptImage("it is a corrupt film: it does not have a frame")
    if first.pts is None or stream.time_base is None:
        raise UnsupportedImage("the frames of the film do not have a time")
    time = first.pts + round(seconds / stream.time_base)
    # Without a seek, the frames after the first one follow.
    with suppress(av.error.FFmpegError):
        container.seek(time, stream=stream)
    shown = first
    for frame in _frames(container, stream, limits):
        if frame.pts is not None and frame.pts > time:
            break
        shown = frame
    return shown


def _frames(container: InputContainer, stream: VideoStream, limits: Limits) -> Iterator[VideoFrame]:
    deadline = None if limits.timeout is None else time.monotonic() + limits.timeout
    for frame in container.decode(stream):
        if deadline is not None and time.monotonic() >= deadline:
            raise RenderTimeout("the search for the frame exceeds the time limit")
        # The header may lack this information.
        _check_color(frame.color_trc)
        yield frame


def _is_black(frame: VideoFrame) -> bool:
    scale = _SMALL / max(frame.width, frame.height)
    width, height = (max(1, round(side * scale)) for side in (frame.width, frame.height))
    small = frame.reformat(width=width, height=height, format="gray", dst_color_range="JPEG")
    (plane,) = small.planes
    pixels = without_gaps(plane, plane.line_size, width)
    black = sum(pixel <= _BLACK for pixel in pixels)
    return black >= _BLACK_SHARE * len(pixels)


def _shown_size(stream: VideoStream, frame: VideoFrame) -> tuple[int, int]:
    """Return the width and height of a frame after its pixels are made square."""
    ratio = stream.sample_aspect_ratio
    if not ratio or ratio <= 0:
        return frame.width, frame.height
    return max(1, round(frame.width * ratio)), frame.height


def _orientation(frame: VideoFrame) -> int:
    return _ORIENTATIONS.get(round(frame.rotation / 90) * 90 % 360, 1)


def _check_color(transfer: int) -> None:
    if transfer in _HDR:
        raise UnsupportedImage(f"a film in HDR ({_HDR[transfer]}) is not supported")


def _format(file: BinaryIO) -> str:
    file.seek(0)
    return "matroska" if is_matroska(file.read(64)) else "mp4"


@contextmanager
def _opened(file: BinaryIO, limits: Limits) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a film and its video stream, and check the stream's size."""
    # If FFmpeg chose the format itself, it could read a playlist, which names other files.
    name = {"mp4": "mov", "matroska": "matroska"}[_format(file)]
    file.seek(0)
    try:
        with av.open(file, mode="r", format=name, **_METADATA) as container:
            streams = [
                stream
                for stream in container.streams.video
                if not stream.disposition & Disposition.attached_pic
            ]
            if not streams:
                raise UnsupportedImage("the film does not have a picture")
            stream = streams[0]
            context = stream.codec_context
            limits.check_decoded(context.width, context.height, _CHANNELS)
            _check_color(context.color_trc)
            # A thumbnail takes one worker. More threads would decode frames that are not needed.
            context.thread_count = 1
            # The size of the frames may differ from the size in the header.
            context.options = {"max_pixels": str(limits.max_memory // _CHANNELS)}
            yield container, stream
    except av.codec.codec.UnknownCodecError as error:
        raise UnsupportedImage(f"the codec of the film is not supported: {error}") from None
    except av.error.FFmpegError as error:
        raise CorruptImage(f"it is a corrupt film: {error.strerror or error}") from None
