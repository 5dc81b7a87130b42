"""Animations: every frame as the browser would show it. Oracle: Pillow."""

import io

import pytest
from PIL import Image, ImageSequence
from xaccel._core import Limits, probe, thumbnail
from xaccel.exceptions import CorruptImage, ImageTooLarge, SpecError

from tests.support.thumbnail_files import APNG_PARTS, apng, apng_picture
from tests.support.thumbnail_images import difference, encoded, opened, photo

SOURCES = ["GIF", "WEBP", "PNG", "AVIF"]


def frames(count=5, mode="RGB"):
    """A square that wanders over a photo, or over nothing."""
    for index in range(count):
        picture = photo(120, 80) if mode == "RGB" else Image.new("RGBA", (120, 80))
        picture.paste((255, 40 * index, 0), (20 * index, 10, 20 * index + 30, 40))
        picture.putpixel((119, 79), (0, 0, 0))
        yield picture.convert(mode)


def animation(kind, mode="RGB", count=5, **options):
    first, *rest = frames(count, mode)
    if kind == "WEBP":
        options.setdefault("lossless", True)
    if kind == "AVIF":
        options = {"quality": 95, "speed": 9, **options}
    options = {"duration": [50, 100, 150, 200, 250][:count], "loop": 0, **options}
    return encoded(first, kind, save_all=True, append_images=rest, **options)


def shown(content):
    """The visible frames, and their durations in milliseconds."""
    picture = Image.open(io.BytesIO(content))
    found = []
    for frame in ImageSequence.Iterator(picture):
        frame.load()
        found.append((frame.convert("RGBA"), frame.info.get("duration")))
    return found


@pytest.mark.parametrize("source_kind", SOURCES)
@pytest.mark.parametrize("kind", ["gif", "webp"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_every_frame(source_kind, kind, mode):
    source = animation(source_kind, mode)
    info = probe(source)
    assert info.frames == 5
    made = thumbnail(source, 60, format=kind, quality=90)
    assert opened(made).info["loop"] == 0
    expected = shown(source)
    found = shown(made.data)
    assert [delay for _, delay in found] == [delay for _, delay in expected]
    for (one, _), (other, _) in zip(found, expected, strict=True):
        small = other.resize((60, 40), Image.Resampling.LANCZOS)
        assert difference(one, small) < 6


@pytest.mark.parametrize("disposal", [0, 1, 2, 3])
def test_gif_disposal(disposal):
    source = animation("GIF", "RGBA", disposal=disposal)
    for (one, _), (other, _) in zip(
        shown(thumbnail(source, format="webp", quality=100).data), shown(source), strict=True
    ):
        assert difference(one, other) < 0.5


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
@pytest.mark.parametrize("loop", [None, 3])
def test_loop_count(kind, loop):
    if kind == "WEBP" and loop is None:
        loop = 1
    source = animation(kind, **({"loop": loop} if loop else {}))
    if kind == "GIF" and loop is None:
        source = source.replace(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00", b"")
    assert opened(thumbnail(source, 60)).info.get("loop") == loop


@pytest.mark.parametrize("kind", ["jpeg", "png"])
@pytest.mark.parametrize("source_kind", SOURCES)
def test_a_still_shows_the_first_frame(source_kind, kind):
    source = animation(source_kind)
    made = opened(thumbnail(source, format=kind, quality=95))
    assert difference(made, shown(source)[0][0]) < 6
    # Frames that are not decoded are not counted.
    assert thumbnail(source, 60, format=kind, limits=Limits(max_frames=1)).width == 60


@pytest.mark.parametrize("source_kind", SOURCES)
@pytest.mark.parametrize("kind", ["gif", "webp"])
@pytest.mark.parametrize("options", [{}, {"trim": 0}])
def test_a_long_animation_shows_its_first_frames(source_kind, kind, options):
    source = animation(source_kind)
    assert probe(source, limits=Limits(max_frames=3)).frames == 5
    whole = shown(thumbnail(source, 60, format=kind, quality=90, **options).data)
    made = thumbnail(source, 60, format=kind, quality=90, limits=Limits(max_frames=3), **options)
    assert made.is_complete
    assert opened(made).info["loop"] == 0
    found = shown(made.data)
    assert [delay for _, delay in found] == [50, 100, 150]
    for (one, _), (other, _) in zip(found, whole, strict=False):
        assert difference(one, other) < 1


@pytest.mark.parametrize("source_kind", SOURCES)
@pytest.mark.parametrize("kind", ["jpeg", "png", "gif", "webp", "avif"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_frame_as_a_still(source_kind, kind, mode):
    source = animation(source_kind, mode)
    for number, (picture, _) in enumerate(shown(source), 1):
        made = thumbnail(source, 60, format=kind, frame=number, quality=90, background="#808080")
        assert not getattr(opened(made), "is_animated", False)
        assert made.is_complete
        background = Image.new("RGBA", picture.size, "#808080")
        expected = Image.alpha_composite(background, picture)
        expected = expected.resize((60, 40), Image.Resampling.LANCZOS)
        found = opened(made).convert("RGBA")
        found = Image.alpha_composite(Image.new("RGBA", found.size, "#808080"), found)
        assert difference(found, expected) < 7
    one = thumbnail(source, 60, format="png", frame=2)
    # The format of the source has animations, but the thumbnail is a still.
    assert not getattr(opened(thumbnail(source, 60, frame=2)), "is_animated", False)
    assert thumbnail(source, 60, format="png", frame=2, at=3).data == one.data


@pytest.mark.parametrize("source_kind", SOURCES)
@pytest.mark.parametrize("options", [{}, {"trim": 0}])
def test_a_frame_that_does_not_exist(source_kind, options):
    source = animation(source_kind)
    with pytest.raises(SpecError, match="frame 6 does not exist; the number of frames is 5"):
        thumbnail(source, 60, frame=6, **options)
    still = encoded(photo(20, 20), source_kind)
    assert thumbnail(still, 10, frame=1, **options).data == thumbnail(still, 10, **options).data
    with pytest.raises(SpecError, match="frame 2 does not exist; the number of frames is 1"):
        thumbnail(still, 10, frame=2, **options)


@pytest.mark.parametrize("source_kind", SOURCES)
def test_the_frames_before_a_frame_count_towards_the_limit(source_kind):
    source = animation(source_kind)
    limits = Limits(max_frames=3)
    assert thumbnail(source, 60, frame=3, limits=limits).width == 60
    with pytest.raises(ImageTooLarge, match=r"4 frames to decode.*3"):
        thumbnail(source, 60, frame=4, limits=limits)
    # Only one frame at a time is in memory.
    size = probe(source).decoded_size
    assert thumbnail(source, 60, frame=5, limits=Limits(max_memory=size)).width == 60


def test_trim_looks_only_at_the_frame():
    """The square moves to the right, and is the only thing within the border."""
    source = animation("PNG", "RGBA")
    widths = {thumbnail(source, frame=number, format="png", trim=0).width for number in (2, 4)}
    assert thumbnail(source, format="webp", trim=0).width == 120
    assert widths == {100, 60}


def test_a_damaged_frame():
    source = animation("GIF")
    cut = source[: len(source) - 200]
    assert not thumbnail(cut, 60, format="webp").is_complete
    assert thumbnail(cut, 60, format="png", frame=4).is_complete
    with pytest.raises(CorruptImage, match="frame 5 is damaged"):
        thumbnail(cut, 60, format="png", frame=5)


@pytest.mark.parametrize("source_kind", SOURCES)
def test_an_animation_of_one_frame_at_most_is_a_still(source_kind):
    source = animation(source_kind)
    made = thumbnail(source, format="webp", quality=100, limits=Limits(max_frames=1))
    assert made.is_complete
    assert not getattr(opened(made), "is_animated", False)
    assert difference(opened(made), shown(source)[0][0]) < 1


@pytest.mark.parametrize("source_kind", SOURCES)
@pytest.mark.parametrize("limit", [1, 2])
def test_frames_beyond_the_limit_are_not_decoded(source_kind, limit):
    """The end of the last frame is missing. This matters only if this frame is shown."""
    source = animation(source_kind)
    cut = source[:-100]
    whole = thumbnail(source, 60, format="webp", limits=Limits(max_frames=limit))
    made = thumbnail(cut, 60, format="webp", limits=Limits(max_frames=limit))
    assert made.is_complete
    assert made.data == whole.data
    assert not thumbnail(cut, 60, format="webp", limits=Limits(max_frames=5)).is_complete


def test_only_decoded_frames_count_towards_the_limits():
    source = animation("GIF")
    with pytest.raises(ImageTooLarge, match="48000 pixels"):
        thumbnail(source, 60, limits=Limits(max_pixels=47_999))
    assert thumbnail(source, 60, limits=Limits(max_pixels=47_999, max_frames=4)).width == 60


def test_options_apply_to_every_frame():
    source = animation("GIF")
    made = thumbnail(source, 40, 40, fit="cover", rotate=90, format="webp", quality=100)
    for (one, _), (other, _) in zip(shown(made.data), shown(source), strict=True):
        expected = other.transpose(Image.Transpose.ROTATE_270)
        box = (0, 20, 80, 100)
        assert difference(one, expected.resize((40, 40), Image.Resampling.LANCZOS, box)) < 1


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_cut_off_keeps_the_frames_before(kind):
    source = animation(kind)
    cut = source[: len(source) * 3 // 4]
    if kind == "GIF":
        made = thumbnail(cut, 60)
        assert 1 <= opened(made).n_frames < 5


def apng_shown():
    """As the specification has it; Pillow reads the opacity of one picture over another wrongly."""
    canvas = Image.new("RGBA", (120, 80))
    for index, (x, y, width, height, disposal, blend) in enumerate(APNG_PARTS):
        before = canvas.copy()
        box = (x, y, x + width, y + height)
        part = apng_picture(index).crop(box)
        if blend == 1:
            part = Image.alpha_composite(canvas.crop(box), part)
        canvas.paste(part, box)
        yield canvas.copy()
        if disposal == 1:
            canvas.paste((0, 0, 0, 0), box)
        elif disposal == 2:
            canvas = before


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("separate", [False, True])
def test_apng_operations(interlaced, separate):
    source = apng(interlaced=interlaced, separate=separate)
    assert probe(source).frames == len(APNG_PARTS)
    found = shown(thumbnail(source, format="webp", quality=100).data)
    assert [delay for _, delay in found] == [100, 20, 300, 40, 500, 60, 700]
    for (one, _), other in zip(found, apng_shown(), strict=True):
        assert difference(one, other) < 0.5


def test_a_still_of_an_apng_is_its_default_image():
    still = opened(thumbnail(apng(separate=True)))
    assert still.format == "PNG"
    assert still.convert("RGB").getcolors() == [(120 * 80, (0, 128, 0))]
    assert difference(opened(thumbnail(apng())), photo(120, 80, "RGBA")) == 0


@pytest.mark.parametrize("plays", [0, 3, 100_000])
def test_loop_count_of_an_apng(plays):
    made = opened(thumbnail(apng(plays=plays), format="webp"))
    assert made.info["loop"] == min(plays, 65_535)


def test_an_apng_that_claims_other_numbers():
    assert opened(thumbnail(apng(claimed=3), format="webp")).n_frames == 3
    assert opened(thumbnail(apng(claimed=50), format="webp")).n_frames == len(APNG_PARTS)
    many = thumbnail(apng(claimed=2**31 - 1), format="webp")
    assert (opened(many).n_frames, many.is_complete) == (len(APNG_PARTS), False)
    with pytest.raises(ImageTooLarge, match="67200 pixels"):
        thumbnail(apng(), format="webp", limits=Limits(max_pixels=67_199))


@pytest.mark.parametrize("loop", [0, 1])
def test_loop_count_of_an_avif(loop):
    """libavif writes no count but these; without the description of items it is a bare movie."""
    source = animation("AVIF")
    assert opened(thumbnail(source, format="webp")).info["loop"] == 0
    bare = source.replace(b"meta", b"free", 1)
    if loop:
        at = bare.index(b"elst") + 4
        bare = bare[:at] + bytes(4) + bare[at + 4 :]
    made = opened(thumbnail(bare, format="webp"))
    assert (made.info["loop"], made.n_frames) == (loop, 5)


def test_depth_is_not_opacity():
    source = animation("AVIF", "RGBA")
    assert probe(source).has_alpha
    movie = source.index(b"moov")
    depth = source[:movie] + source[movie:].replace(b"auxiliary:alpha", b"auxiliary:depth")
    assert not probe(depth).has_alpha
    assert opened(thumbnail(depth, format="webp")).mode == "RGB"


def test_an_avif_whose_brand_says_still():
    source = animation("AVIF").replace(b"ftypavis", b"ftypavif", 1)
    assert probe(source).frames == 1
    made = opened(thumbnail(source, format="webp"))
    assert not getattr(made, "is_animated", False)
    assert difference(made, next(frames())) < 6


def test_one_frame_is_a_still():
    source = animation("GIF", count=1)
    made = opened(thumbnail(source, format="webp"))
    assert not getattr(made, "is_animated", False)
