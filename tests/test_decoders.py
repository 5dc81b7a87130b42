"""The interface of decoders: how they are found, called and checked."""

import dataclasses
import io
import pickle
import sys
import textwrap

import pytest
from PIL import Image
from xaccel import Config, Limits, placeholder, probe, thumbnail
from xaccel._core import ImageInfo
from xaccel.decoders import Decoded, _enabled, _ours
from xaccel.exceptions import (
    ConfigError,
    CorruptImage,
    ImageTooLarge,
    RenderTimeout,
    SpecError,
    ThumbnailError,
    UnsupportedImage,
)

from tests.support.heic import heic
from tests.support.thumbnail_images import difference, opened, photo, wide_rgb_profile

PLUGIN = '''
"""A decoder of raw pixels: "RAWPIX", and the fields of the result as a Python literal."""
import ast, os
from xaccel.decoders import Decoded, ImageInfo
from xaccel.exceptions import ImageTooLarge, RenderTimeout

calls = []

class RawPixels:
    def matches(self, head):
        calls.append("matches")
        return head.startswith(b"RAWPIX")

    def read(self, file):
        assert file.seekable() and os.fstat(file.fileno())
        assert file.tell() == 0 and file.read(6) == b"RAWPIX"
        return ast.literal_eval(file.read().decode())

    def probe(self, file, limits, page=1):
        given = self.read(file)
        calls.append(("probe", page))
        if "probe" in given:
            return eval(given["probe"])
        full = given.get("full", (given["width"], given["height"]))
        if isinstance(full, list):
            full = full[page - 1]
        return ImageInfo(
            *full, "rawpix", pages=given.get("pages", 1), is_film=given.get("is_film", False)
        )

    def decode(self, file, size, page, limits, *times):
        given = self.read(file)
        calls.append(("decode", size, page, limits.timeout is not None, *times))
        if "decode" in given:
            return eval(given["decode"])
        names = ("buffer", "width", "height", "layout", "orientation", "icc", "code_points")
        return Decoded(**{name: given[name] for name in names if name in given})

instance = RawPixels()
'''


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Install a package with entry points, as pip does."""
    (tmp_path / "raw_pixels.py").write_text(PLUGIN)
    (tmp_path / "broken_decoder.py").write_text("import a_library_that_is_missing")
    metadata = tmp_path / "raw_pixels-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: raw-pixels\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        textwrap.dedent("""
            [xaccel.decoders]
            rawpix = raw_pixels:RawPixels
            raw-instance = raw_pixels:instance
            broken = broken_decoder
            no-decoder = raw_pixels:PLUGIN
            no-method = raw_pixels:calls
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    _enabled._loaded.cache_clear()
    yield lambda: sys.modules["raw_pixels"]
    _enabled._loaded.cache_clear()
    for name in ("raw_pixels", "broken_decoder"):
        sys.modules.pop(name, None)


def raw(**fields):
    return b"RAWPIX" + repr(fields).encode()


def of(picture, layout, **fields):
    width, height = picture.size
    return raw(buffer=picture.tobytes(), width=width, height=height, layout=layout, **fields)


def shown(source, *size, decoders=("rawpix",), **options):
    return opened(thumbnail(source, *size, format="png", decoders=decoders, **options))


def through_png(picture, *size, **options):
    """Return the thumbnail of the same pixels in a format that xaccel reads by itself."""
    out = io.BytesIO()
    picture.save(out, "PNG", icc_profile=options.pop("icc", None))
    return opened(thumbnail(out.getvalue(), *size, format="png", **options))


@pytest.mark.parametrize(
    ("mode", "layout"), [("L", "gray"), ("LA", "gray-alpha"), ("RGB", "rgb"), ("RGBA", "rgba")]
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fit": "cover"},
        {"trim": 0},
        {"linear": True},
        {"fit": "cover", "gravity": "smart"},
        {"rotate": 90, "flip": "h", "blur": 2},
        {"crop": (0.1, 0.2, 0.5, 0.4)},
    ],
)
@pytest.mark.usefixtures("plugin")
def test_the_other_steps_are_those_of_every_format(mode, layout, options):
    picture = photo(120, 90, mode)
    made = shown(of(picture, layout), 50, 40, **options)
    expected = through_png(picture, 50, 40, **options)
    assert made.size == expected.size
    assert difference(made, expected) == 0


@pytest.mark.usefixtures("plugin")
def test_kept_format():
    assert thumbnail(of(photo(9, 9), "rgb"), decoders=["rawpix"]).format == "jpeg"
    assert thumbnail(of(photo(9, 9, "RGBA"), "rgba"), decoders=["rawpix"]).format == "png"


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture, out = photo(60, 40), io.BytesIO()
    picture.save(out, "PNG", exif=exif)
    expected = opened(thumbnail(out.getvalue(), 30, format="png"))
    full = (60, 40) if orientation < 5 else (40, 60)
    made = shown(of(picture, "rgb", orientation=orientation, full=full), 30)
    assert made.size == expected.size
    assert difference(made, expected) == 0


@pytest.mark.usefixtures("plugin")
def test_profile():
    picture, icc = photo(60, 40), wide_rgb_profile()
    expected = through_png(picture, 30, icc=icc)
    assert difference(shown(of(picture, "rgb", icc=icc), 30), expected) == 0
    assert difference(shown(of(picture, "rgb"), 30), expected) > 1
    assert difference(shown(of(picture, "rgb", code_points=(12, 13)), 30), expected) > 1
    # sRGB.
    plain = shown(of(picture, "rgb", code_points=(1, 13)), 30)
    assert difference(plain, through_png(picture, 30)) == 0


def test_the_decoder_gets_the_size_that_is_needed(plugin):
    small = photo(30, 20).tobytes()
    source = raw(buffer=small, width=30, height=20, layout="rgb", full=(300, 200))
    limits = Limits(timeout=60)
    assert shown(source, 15, limits=limits).size == (15, 10)
    assert plugin().calls == ["matches", ("probe", 1), ("decode", (15, 10), 1, True)]
    for options, size in {
        (("width", 300),): (300, 200),
        (("width", 900),): (300, 200),
        (("width", 900), ("upscale", True)): (300, 200),
        (("width", 15), ("trim", True)): (300, 200),
        (("width", 15), ("linear", True)): (300, 200),
        (("width", 10), ("crop", (0, 0, 0.5, 1))): (20, 13),
    }.items():
        plugin().calls.clear()
        shown(source, **dict(options))
        assert plugin().calls[-1][1] == size, options
    assert shown(source, 300).size == (300, 200)


def test_pages(plugin):
    source = of(photo(30, 20), "rgb", pages=3, full=[(90, 60), (300, 200), (60, 40)])
    assert shown(source, 15, page=2).size == (15, 10)
    assert plugin().calls[1:] == [("probe", 1), ("probe", 2), ("decode", (15, 10), 2, False)]
    plugin().calls.clear()
    with pytest.raises(SpecError, match="page 4 does not exist; the number of pages is 3"):
        shown(source, 15, page=4)
    assert plugin().calls == ["matches", ("probe", 1)]


def test_the_time_of_a_frame(plugin):
    for fields, options, expected in (
        ({"is_film": True}, {"at": 2.5}, (2.5,)),
        ({"is_film": True}, {"at": 0}, (0.0,)),
        ({"is_film": True}, {}, ()),
        ({}, {"at": 2.5}, ()),
    ):
        source = of(photo(30, 20), "rgb", **fields)
        assert shown(source, 15, **options).size == (15, 10)
        assert plugin().calls[-1] == ("decode", (15, 10), 1, False, *expected)
        assert probe(source, decoders=["rawpix"]).is_film == fields.get("is_film", False)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "GIF"])
def test_formats_without_pages(kind):
    out = io.BytesIO()
    photo(20, 20).save(out, kind)
    assert opened(thumbnail(out.getvalue(), 10, page=1)).size == (10, 10)
    for options in ({}, {"trim": True}):
        with pytest.raises(SpecError, match="page 2 does not exist; the number of pages is 1"):
            thumbnail(out.getvalue(), 10, page=2, **options)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"buffer": bytes(11)}, "11 bytes for 2x2 pixels in the layout 'rgb'"),
        ({"buffer": bytes(13)}, "13 bytes for 2x2"),
        ({"width": 0, "buffer": b"", "full": (2, 2)}, "0 bytes for 0x2"),
        ({"layout": "bgr"}, 'layout must be one of gray, gray-alpha, rgb, rgba, not "bgr"'),
        (
            {"buffer": bytes(1200), "width": 20, "height": 20, "full": (40, 20)},
            "20x20 pixels for an image of 40x20",
        ),
        ({"decode": "None"}, "returned NoneType instead of Decoded"),
        ({"probe": "(2, 2)"}, "returned tuple instead of ImageInfo"),
        ({"buffer": [1]}, "the decoder's result is invalid"),
        ({"decode": "Decoded(b'', -1, 2, 'rgb')"}, "the decoder's result is invalid"),
    ],
)
@pytest.mark.usefixtures("plugin")
def test_results_that_do_not_fit(fields, message):
    fields = {"buffer": bytes(12), "width": 2, "height": 2, "layout": "rgb", **fields}
    with pytest.raises(ThumbnailError, match=message) as caught:
        shown(raw(**fields), 2)
    assert type(caught.value) is ThumbnailError


@pytest.mark.parametrize("step", ["probe", "decode"])
@pytest.mark.usefixtures("plugin")
def test_errors_of_decoders(step, tmp_path):
    def error(code):
        path = tmp_path / "a.rawpix"
        path.write_bytes(raw(width=2, height=2, **{step: code}))
        with pytest.raises(Exception) as caught:  # noqa: PT011
            thumbnail(path, 2, decoders=["rawpix"])
        assert str(caught.value).startswith(f'"{path}": ')
        return type(caught.value), str(caught.value).partition(": ")[2]

    message = "the decoder 'rawpix' failed: ZeroDivisionError: division by zero"
    assert error("1 / 0") == (CorruptImage, message)
    assert error("open('/missing')")[0] is CorruptImage
    raised = "(_ for _ in ()).throw({})"
    assert error(raised.format("ImageTooLarge('9 pixels')")) == (ImageTooLarge, "9 pixels")
    assert error(raised.format("RenderTimeout('too slow')")) == (RenderTimeout, "too slow")


@pytest.mark.usefixtures("plugin")
def test_the_limits_apply_to_the_result():
    source = of(photo(30, 20), "rgb")
    with pytest.raises(ImageTooLarge):
        shown(source, 10, limits=Limits(max_pixels=599))
    with pytest.raises(ImageTooLarge):
        shown(source, 10, limits=Limits(max_memory=1799))
    assert shown(source, 10, limits=Limits(max_memory=1800)).width == 10
    with pytest.raises(RenderTimeout):
        shown(source, 10, limits=Limits(timeout=0))


def test_check_decoded():
    limits = Limits(max_memory=1000, max_pixels=300)
    assert limits.check_decoded(25, 10) is None
    assert limits.check_decoded(30, 10, 3) is None
    for arguments in ((26, 10), (31, 10, 3), (2**32 - 1, 2**32 - 1)):
        with pytest.raises(ImageTooLarge):
            limits.check_decoded(*arguments)


def test_the_file_has_a_position_of_its_own(plugin, tmp_path):
    """Every source reaches the decoder as a file, at its start."""
    path = tmp_path / "a"
    path.write_bytes(of(photo(9, 9), "rgb"))
    with path.open("rb") as file:
        file.seek(0)
        assert shown(file, 9).size == (9, 9)
    assert shown(path, 9).size == shown(str(path), 9).size == (9, 9)
    assert probe(path, decoders=["raw-instance"]).format == "rawpix"


def test_only_enabled_decoders_are_used(plugin):
    source = of(photo(9, 9), "rgb")
    with pytest.raises(UnsupportedImage, match="not an image of a supported format"):
        thumbnail(source)
    assert "raw_pixels" not in sys.modules
    config = Config.from_mapping({"THUMBNAIL_DECODERS": ["rawpix", "heic"]})
    assert config.thumbnail_decoders == ("rawpix", "heic")
    assert "raw_pixels" not in sys.modules
    assert shown(source).size == (9, 9)
    # The formats of xaccel never reach a decoder.
    plugin().calls.clear()
    assert through_png(photo(9, 9), decoders=["rawpix"]).size == (9, 9)
    assert plugin().calls == []


def test_decoders_are_tried_in_their_order(plugin):
    decoders = ["raw-instance", "rawpix"]
    assert shown(of(photo(9, 9), "rgb"), decoders=decoders).size == (9, 9)
    assert plugin().calls.count("matches") == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("heic", r"must be a list of names of decoders, such as \['heic'\], not 'heic'"),
        ([1], "must be a list of names"),
        (["heic", "heic"], "must be a list of names"),
        (
            ["rawpics"],
            "'rawpics', which is not an installed decoder; the installed .* did you mean 'rawpix'",
        ),
        (["https://user:word@example.org"], "'https://…@example.org', which is not"),
    ],
)
@pytest.mark.usefixtures("plugin")
def test_settings(value, message):
    with pytest.raises(ConfigError, match=message) as caught:
        Config.from_mapping({"THUMBNAIL_DECODERS": value})
    assert str(caught.value).startswith("XACCEL['THUMBNAIL_DECODERS'] ")


def test_the_default_is_our_own():
    assert Config().thumbnail_decoders is None
    assert Config.from_mapping({"THUMBNAIL_DECODERS": []}).thumbnail_decoders == ()
    assert _enabled.installed() == ("heic", "pdf", "video")


@pytest.mark.usefixtures("plugin")
def test_decoders_that_can_not_be_loaded():
    for name, message in {
        "broken": "'broken' can't be loaded: ModuleNotFoundError: .*a_library_that_is_missing",
        "no-decoder": "'no-decoder' can't be loaded: AttributeError",
        "no-method": r"'no-method' is not a decoder: it does not have the method matches\(\)",
        "unknown": "'unknown', which is not an installed decoder",
    }.items():
        # The setting is checked without loading the decoder.
        if name != "unknown":
            Config.from_mapping({"THUMBNAIL_DECODERS": [name]})
        with pytest.raises(ConfigError, match=message):
            thumbnail(b"something unknown", decoders=[name])


def test_two_packages_with_the_same_name(plugin, tmp_path):
    other = tmp_path / "other-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (other / "entry_points.txt").write_text("[xaccel.decoders]\nrawpix = other:decoder\n")
    with pytest.raises(ConfigError, match="several packages have a decoder of this name: other:"):
        Config.from_mapping({"THUMBNAIL_DECODERS": ["rawpix"]})


@pytest.fixture
def _without_extras(monkeypatch):
    """Hide the libraries of our decoders, as if the extras were not installed."""
    ours = {
        name: dataclasses.replace(decoder, library="a_library_that_is_missing")
        for name, decoder in _ours.OURS.items()
    }
    monkeypatch.setattr(_ours, "OURS", ours)
    monkeypatch.setattr("xaccel.decoders._enabled.OURS", ours)
    monkeypatch.setattr("xaccel.decoders._opening.OURS", ours)
    _enabled._loaded.cache_clear()


@pytest.mark.usefixtures("_without_extras")
def test_the_error_names_the_extra():
    film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"
    for source, message in {
        heic(photo(64, 48)): "HEIC needs xaccel[heic]",
        b"%PDF-1.7": "PDF needs xaccel[pdf]",
        film: "a film needs xaccel[video]",
        film.replace(b"mp42", b"qt  "): "a film needs xaccel[video]",
        b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm": "a film needs xaccel[video]",
    }.items():
        for call in (thumbnail, probe, placeholder):
            with pytest.raises(UnsupportedImage) as caught:
                call(source)
            assert str(caught.value) == message
    with pytest.raises(ConfigError, match=r"has 'heic', but HEIC needs xaccel\[heic\]"):
        Config.from_mapping({"THUMBNAIL_DECODERS": ["heic"]})


def test_the_error_names_the_setting():
    with pytest.raises(UnsupportedImage, match=r"THUMBNAIL_DECODERS.* does not have 'heic'"):
        thumbnail(heic(photo(64, 48)), decoders=[])


def test_results_are_plain_values():
    decoded = Decoded(b"123", 1, 1, "rgb", 6, b"icc", (1, 13))
    assert pickle.loads(pickle.dumps(decoded)) == decoded
    info = ImageInfo(
        3, 2, "x", orientation=6, frames=2, pages=4, has_alpha=True, icc=True, decoded_size=5
    )
    assert pickle.loads(pickle.dumps(info)) == info
    assert info != ImageInfo(3, 2, "x")
    assert ImageInfo(3, 2, "x").decoded_size == 18
    assert ImageInfo(3, 2, "x", has_alpha=True).decoded_size == 24


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((0, 1, "x"), {}),
        ((1, 0, "x"), {}),
        ((1, 1, "x"), {"orientation": 9}),
        ((1, 1, "x"), {"pages": 0}),
        ((1, 1, "x"), {"frames": 0}),
    ],
)
def test_invalid_properties(arguments, options):
    with pytest.raises(ValueError, match="must be"):
        ImageInfo(*arguments, **options)
