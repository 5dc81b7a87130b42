"""Small films and AVIF stills, encoded by PyAV."""

import io
from fractions import Fraction

import av


def film(
    pictures,
    *,
    kind="mp4",
    codec="libx264",
    rate=10,
    rotation=None,
    pixels="yuv420p",
    first=0,
    muxing=None,
    title=None,
    **options,
):
    """Encode pictures of Pillow.

    Args:
        pictures: The frames.
        kind: The container: mp4, mov, matroska or webm.
        codec: The encoder.
        rate: The frames per second.
        rotation: The rotation that a player applies, in degrees counter-clockwise.
        pixels: The format of the pixels.
        first: The number of the first frame, which determines its time.
        muxing: The options of the container.
        title: The title in the container.
        options: Attributes of the stream's codec.
    """
    out = io.BytesIO()
    with av.open(out, "w", format=kind, options=muxing or {}) as container:
        if title is not None:
            container.metadata["title"] = title
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = pixels
        stream.codec_context.thread_count = 1
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "crf": "10"}
        for name, value in options.items():
            setattr(stream.codec_context, name, value)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for number, picture in enumerate(pictures, first):
            frame = av.VideoFrame.from_image(picture.convert("RGB"))
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def avif_still(picture, *, bits, matrix, full_range):
    """Return an AVIF with 8 or 10 bits per sample, and this matrix (ITU-T H.273, table 4)."""
    layout = {8: "yuv420p", 10: "yuv420p10le"}[bits]
    range_of_samples = 2 if full_range else 1
    out = io.BytesIO()
    with av.open(out, "w", format="avif") as file:
        stream = file.add_stream("libsvtav1", rate=1, options={"crf": "10", "preset": "8"})
        stream.width, stream.height = picture.size
        stream.pix_fmt = layout
        stream.codec_context.colorspace = matrix
        stream.codec_context.color_range = range_of_samples
        frame = av.VideoFrame.from_image(picture).reformat(
            format=layout, dst_colorspace=matrix, dst_color_range=range_of_samples
        )
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    return out.getvalue()
